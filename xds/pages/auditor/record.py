"""One record in full: its fields, why it was permitted or refused, and its proof in the chain."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from xds.audit.checkpoint import said
from xds.audit.nen7513 import EVENT, EXTRA, LOG, OBJECT, USER, Field, account
from xds.audit.objects import objects
from xds.audit.record import decode
from xds.audit.tree import commitment, leaf_hash, root_of_inclusion
from xds.model.audit import Kept, Note, Record
from xds.model.coded import Coded
from xds.model.dutch_time import dutch_time
from xds.model.hl7 import parse_cx
from xds.pages.ask import Ask, Missing, Seen, View
from xds.pages.auditor.log import event_of, outcome, outcome_mark
from xds.pages.auditor.question import UZI_OID, told
from xds.pages.listing import Column, Listing
from xds.ports import Reader

_CHECKS = ("Bevoegd volgens de rol", "Behandelrelatie", "Toestemming", "Noodknop gebruikt")
_PAGE = "Logregel"
_MICROSECONDS = 1_000_000


class Named(NamedTuple):
    """A field of the norm with what this record has in it; None where it has nothing."""

    number: str
    group: str
    name: str
    value: str | None


class Proof(NamedTuple):
    """What shows that the record is what was written. `sound` is None while no checkpoint covers it.

    `path` leads from the leaf's hash to the root of the checkpoint.
    """

    commitment: str
    leaf: str
    chain: str
    written: datetime
    origin: str = ""
    size: int = 0
    signed: datetime | None = None
    anchored: datetime | None = None
    root: str = ""
    path: tuple[str, ...] = ()
    sound: bool | None = None


async def record(ask: Ask) -> View:
    """The record with the number of the address; Missing when there is none that this auditor may read."""
    seq = int(ask.match["seq"])

    def look(reader: Reader) -> tuple[Kept, Note | None, list[bytes]]:
        lines = reader.log.lines(seq, 1)
        if not lines or lines[0].leaf.seq != seq:
            raise Missing
        note = reader.log.newest_anchored()
        if note is None or note.size <= seq:
            note = reader.log.newest_note()
        covered = note is not None and note.size > seq
        return lines[0], note if covered else None, reader.log.proofs([seq], note.size)[seq] if note and covered else []

    kept, note, path = await ask.read(look)
    found = None if kept.payload is None else decode(kept.payload)
    if not ask.may_read(found):
        raise Missing
    listing = Listing("logregel", "Alle velden van NEN 7513", _COLUMNS, [] if found is None else fields(found))
    context: dict[str, Any] = {"seq": seq, "record": found, "proof": proof_of(kept, note, path)}
    if found is not None:
        context |= {
            "event": event_of(found),
            "outcome": outcome(found),
            "mark": outcome_mark(found),
            "rule": told("rule", found.rule) if found.rule else "",
            "checks": list(zip(_CHECKS, (letter == "T" for letter in found.checks), strict=True)),
            "client": ask.sources.patient_key(found.patient).hex() if found.patient else "",
        }
        is_own = ask.bound in (None, found.user.person.organisation)
        context["could_see"] = _could_see(found, context["client"]) if is_own else ""
    patients = () if found is None or found.patient is None else (parse_cx(found.patient),)
    return View("auditor/record.html", Seen(_PAGE, (("nummer", str(seq)),), patients), context, listing)


def fields(record: Record) -> list[Named]:
    """Every field of the norm, in its order; those of an object for each object."""
    found = _named("Gebeurtenis", EVENT, record) + _named("Gebruiker", USER, record)
    every = objects(record)
    for place, each in enumerate(every, 1):
        found += _named("Object" if len(every) == 1 else f"Object {place}", OBJECT, (record, each))
    return found + _named("Loggegevens", LOG, record) + _named("Aanvulling", EXTRA, record)


def proof_of(kept: Kept, note: Note | None, path: list[bytes]) -> Proof:
    """The proof of a line under a checkpoint, which is gone through here."""
    leaf, hashed = kept.leaf, leaf_hash(kept.leaf)
    proof = Proof(leaf.commitment.hex(), hashed.hex(), kept.chain.hex(), _moment(leaf.time))
    if note is None:
        return proof
    checkpoint = said(note.text)
    kept_as_written = kept.payload is None or commitment(kept.salt or b"", kept.payload) == leaf.commitment
    return proof._replace(
        origin=checkpoint.origin,
        size=note.size,
        signed=_moment(note.time),
        anchored=None if note.anchored is None else _moment(note.anchored),
        root=checkpoint.root.hex(),
        path=tuple(each.hex() for each in path),
        sound=kept_as_written and root_of_inclusion(hashed, leaf.seq, note.size, path) == checkpoint.root,
    )


def _could_see(record: Record, client: str) -> str:
    """Where it is told what the employee of a record could see of its client that day; "" when there is none."""
    if not client or record.purpose is None:
        return ""
    person = record.user.person
    employee = person.number if person.authority == UZI_OID else account(person)
    day = dutch_time(record.started).date().isoformat()
    return f"/toezicht/kon-zien?{urlencode({'client': client, 'medewerker': employee, 'dag': day})}"


def _named(group: str, of: tuple[Field, ...], asked: Any) -> list[Named]:
    return [Named(field.number, group, _spaced(field.name), _text(field.value(asked))) for field in of]


def _text(value: str | Coded | None) -> str | None:
    if not isinstance(value, Coded):
        return value
    return f"{value.display} ({value.code})" if value.display else value.code


def _spaced(name: str) -> str:
    """datumEnTijd → Datum en tijd."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / _MICROSECONDS, UTC)


_COLUMNS = [
    Column("number", "NEN 7513", lambda row: row.number or None),
    Column("group", "Deel", lambda row: row.group),
    Column("name", "Veld", lambda row: row.name),
    Column("value", "Waarde", lambda row: row.value),
]
