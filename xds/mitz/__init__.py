"""The closed authorisation question of Mitz, the national register of consents: the port `ConsentSource` over SOAP.

May import: ports, model, errors, xmlio. Knows no policy: the engine decides with what is answered here.

question     a requester and its questions as an XACMLAuthzDecisionQuery
answer       the decisions of an answer, each for the category of data that it is about
source       the exchange, with a time limit

Decisions
- The protocol has one holder in a question and one decision for each category of data, so that an answer about
  documents of one holder takes one exchange; holders are asked about at the same time.
- A decision counts only when it is Permit or Deny and says which category it is about. Whatever else happens (no
  connection, no answer in time, a fault, a status that is not Success, an answer to another question, two decisions on
  one category) leaves the question open, and an open question is a refusal.
- The patient's number goes into the message only: never into a log, an exception or a URL.

Source: Mitz, gesloten autorisatievraag, as section 3.2.4 of the guide "Open en gesloten autorisatievraag" names its
attributes; OASIS SAML 2.0 profile of XACML, version 2.0; XACML 3.0; SOAP 1.2. The spelling of the datatypes is that of
IHE XUA and APPC.
"""

from xds.mitz.source import MitzConsents

__all__ = ["MitzConsents"]
