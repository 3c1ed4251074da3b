"""The pages: for auditors, for clients, and for the public; server-rendered, in Dutch.

May import: ebrim, consent, audit, ports, model, errors, and aiohttp, Jinja2. Knows neither SQL nor settings; what it
needs comes through `Sources`. `xds.pages_server` puts it together.

site         the application: pages are registered here, and each is logged before it is shown
ask          what a page is asked, and what it answers       listing    a list as HTML, JSON or CSV
render       Jinja2 with our filters                         headers    what every response carries
period       the days that an address asks for               documents  what documents are called
choices      what a client chose, in words
access       who signs in, and how                           auditor, client, public    the pages themselves

Decisions
- A page can't be registered without saying who may see it, nor answer without saying what is seen: `Site` records that
  durably, and only then renders. A public page is given no index, only the register of participants.
- Who is not signed in is sent to the sign-in; who may not see a page is told that it doesn't exist.
- A client's number is never in a URL. A page about a client is addressed by the log's keyed hash of the number, which
  says nothing without the key; it is looked up by a form (POST).
- Every list is one `Listing`: the HTML, the JSON and the CSV of an address are made of the same rows.
- All state of a browser is one cookie with a random value, of which the database keeps the SHA-256. A form carries a
  keyed hash of that value, which no other site can know.
- No inline script or style, nothing from elsewhere; htmx only makes quicker what works without it.
"""
