"""The consent register for a hospital's own portal: JSON over HTTP, under /consent.

May import: consent, ports, model, errors. `add_consent_api` is the way in.

messages     what is sent and answered, as values
api          the handlers

Decisions
- Who calls is the participant of the client certificate; the person behind it is named by the portal (`recorded_by`),
  which is kept with the participant's URA before it.
- A participant sees and changes only its own part: permits, and withdrawals, for its own documents, its own treatment
  relations, and of a client's words those that are about its documents. An objection it may record about anyone's
  documents, as that gives nothing away.
- A patient's number is in the body of a request only, never in its URL. What is not intelligible is told by its place
  and never quoted.
- The log is told of each change within the transaction that makes it, of each look before it is answered, and of each
  request that is refused.
"""

from xds.portal.api import PortalLog, add_consent_api

__all__ = ["PortalLog", "add_consent_api"]
