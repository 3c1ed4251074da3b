"""Who asks: mutual TLS names the participant, a SAML assertion in WS-Security the person (IHE XUA, ITI-40).

May import: ports, model, errors, xmlio. `Authenticator` is the way in.

    faults ── signature ── saml ── xua ── authenticate      codes, issuers      for trying out: issue, variants

Decisions
- One assertion, one signature, one reference in a message, checked before any cryptography; the issuer's key comes
  from its pinned certificate and never from the message, whose KeyInfo is cut out before xmlsec sees it.
- What is used is parsed again from the canonical bytes whose digest was signed, so that what was signed and what is
  read can't be two things.
- The first participant to use an assertion owns it. That is a row in the database, written once for each assertion,
  so it holds on every worker and after a restart.
- A verified assertion is remembered by the SHA-256 of its bytes, together with the client certificate that it came
  with. What is asked again at each request costs no cryptography and no wait: its time and its participant.
- A repository in another process passes the assertion on with which it was asked. The registry verifies it in full; for
  the connection of the person's own system it relies on the repository, which is registered for that. Such a request
  has a `forwarder`, is verified each time, and can do only what a repository needs.
- A participant is read again every 20 seconds, so a suspended one is refused within a minute on all workers.
- Issuers come from SAML metadata files, the form in which identity providers publish their certificates. An issuer
  for tests is marked as such in its certificate, and is trusted only by a server that nobody else can reach.
"""

from xds.identity.authenticate import Authenticator, Policy
from xds.identity.issuers import Issuer, load_issuers

__all__ = ["Authenticator", "Issuer", "Policy", "load_issuers"]
