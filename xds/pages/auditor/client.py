"""A client on an auditor's page, who is in its address by the log's keyed hash only."""

from __future__ import annotations

from typing import NamedTuple

from xds.audit.record import decode
from xds.model.audit import LogSelection
from xds.model.consent import ClientFacts
from xds.model.hl7 import CX, parse_cx
from xds.pages.ask import Ask, Missing
from xds.ports import Reader

_HASH = 32


class Client(NamedTuple):
    """`number` is the client's key in the index; `hash` the one in addresses."""

    cx: CX
    number: int
    facts: ClientFacts
    hash: str


def client_of(ask: Ask, reader: Reader) -> Client:
    """The client of the address; Missing when the log and the index don't know one, and when who is bound to an
    organisation asks for one whom it never treated.
    """
    given = ask.query.get("client", "")
    try:
        key = bytes.fromhex(given) if len(given) == _HASH else b""
    except ValueError:
        raise Missing from None
    kept = reader.log.newest(LogSelection(patient=key), None, 1) if key else []
    patient = decode(kept[0].payload).patient if kept and kept[0].payload is not None else None
    number = None if patient is None else reader.patient(patient)
    if patient is None or number is None:
        raise Missing
    if ask.bound is not None and all(relation.ura != ask.bound for relation in reader.consents.relations(number)):
        raise Missing
    return Client(parse_cx(patient), number, reader.consents.facts([number])[number], given)
