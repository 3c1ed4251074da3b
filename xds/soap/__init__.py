"""SOAP 1.2 over HTTP: messages in, answers out, for whatever transactions are handed to `add_actor`.

May import: transaction, ports, model, errors, xmlio, ebrim. Knows no transaction by its number.

endpoint         one actor's URL: the order of the steps, and what becomes of an error
receive, send    a request from the connection, an answer onto it
content_type, mtom    MIME, without I/O
envelope, addressing, fault    SOAP, as elements in and bytes out
trust            who sends a request, and that it is on record
beat             when an answer leaves that lacks something
spyne_adapter    the service layer; the only file that knows spyne
registrar        a registry in another process, reached by ITI-42, and asked by ITI-18 what may be retrieved

Decisions
- Documents go from the connection into staging and from the store onto the connection, in chunks, never whole.
  Whatever is still staged when a request ends, for whatever reason, is discarded in one place.
- An answer's body is bytes; the envelope is put around it. Nothing is parsed or serialized to answer.
- A message must mean one thing: everything in it that names an action must name the one of its body, references
  lead to one part each, and answers go nowhere but back.
- A fault tells the sender what is wrong with the message and never what is in it.
"""

from xds.soap.endpoint import add_actor
from xds.soap.receive import Limits

__all__ = ["Limits", "add_actor"]
