"""The pages for clients, under /mijn. `add_pages` is the way in.

A page is always of the client of the session: no address names one, so there is no other's page to ask for.
"""

from xds.pages.client.access import accesses, accesses_to_keep
from xds.pages.client.consents import consents
from xds.pages.client.question import question
from xds.pages.site import CLIENTS, Site

__all__ = ["add_pages"]


def add_pages(site: Site) -> None:
    site.page("/mijn", accesses, CLIENTS, label="Wie keek in het dossier", listed=True)
    site.page("/mijn.pdf", accesses_to_keep, CLIENTS)
    site.page("/mijn/toestemming", consents, CLIENTS, label="Toestemming", listed=True)
    site.page("/mijn/vraag", question, CLIENTS, label="Een vraag stellen")
