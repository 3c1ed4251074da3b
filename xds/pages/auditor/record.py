"""One record in full: its fields, why it was permitted or refused, and its proof in the chain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from xds.audit.checkpoint import said
from xds.audit.nen7513 import EVENT, EXTRA, LOG, OBJECT, USER, Field, account
from xds.audit.objects import named_recorder, objects
from xds.audit.record import decode
from xds.audit.tree import commitment, leaf_hash, root_of_inclusion
from xds.model.audit import Kept, Note, Record
from xds.model.coded import Coded
from xds.model.dutch_time import dutch_time
from xds.model.hl7 import parse_cx
from xds.pages.ask import Ask, Format, Missing, Seen, View
from xds.pages.auditor.log import event_of, outcome, outcome_mark
from xds.pages.auditor.overviews import naming
from xds.pages.auditor.question import UZI_OID
from xds.pages.auditor.record_words import decision, in_dutch
from xds.pages.documents import titles_of, together
from xds.pages.listing import Column, Listing
from xds.ports import Reader

_PAGE = "Logregel"
_MICROSECONDS = 1_000_000
_LATE = timedelta(minutes=5)


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

    def look(reader: Reader) -> tuple[Kept, Note | None, list[bytes], Record | None, dict[str, str]]:
        lines = reader.log.lines(seq, 1)
        if not lines or lines[0].leaf.seq != seq:
            raise Missing
        note = reader.log.newest_anchored()
        if note is None or note.size <= seq:
            note = reader.log.newest_note()
        covered = note is not None and note.size > seq
        path = reader.log.proofs([seq], note.size)[seq] if note and covered else []
        found = None if lines[0].payload is None else decode(lines[0].payload)
        if not ask.may_read(found):
            raise Missing
        documents = () if found is None else (each.unique_id for each in found.documents)
        titles = titles_of(reader, documents, naming(ask, reader, [] if found is None else [found]))
        return lines[0], note if covered else None, path, found, titles

    kept, note, path, found, titles = await ask.read(look)
    rows = [] if found is None else fields(found, in_words=ask.format is Format.HTML)
    listing = Listing("logregel", "Alle velden van NEN 7513", _COLUMNS, rows)
    proof = proof_of(kept, note, path)
    context: dict[str, Any] = {"seq": seq, "record": found, "proof": proof, "late": None, "documents": ()}
    if found is not None:
        context |= {
            "event": event_of(found),
            "recorder": named_recorder(found),
            "outcome": outcome(found),
            "mark": outcome_mark(found),
            "decision": list(decision(found)),
            "documents": _documents(found, titles),
            "day": dutch_time(found.started).date().isoformat(),
            "late": proof.written - found.started if abs(proof.written - found.started) > _LATE else None,
            "client": ask.sources.patient_key(found.patient).hex() if found.patient else "",
        }
        is_own = ask.bound in (None, found.user.person.organisation)
        context["could_see"] = _could_see(found, context["client"]) if is_own else ""
    patients = () if found is None or found.patient is None else (parse_cx(found.patient),)
    return View("auditor/record.html", Seen(_PAGE, (("nummer", str(seq)),), patients), context, listing)


def _documents(record: Record, titles: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Its documents by name, with why each was given or not where that differs."""
    if not record.documents:
        return []
    reasons = record.reasons or {"": record.documents}
    return [(reason, together(titles.get(each.unique_id) for each in some)) for reason, some in reasons.items()]


def fields(record: Record, *, in_words: bool = False) -> list[Named]:
    """Every field of the norm, in its order; those of an object for each object. `in_words` has codes in Dutch."""

    def named(group: str, of: tuple[Field, ...], asked: Any) -> list[Named]:
        values = [(field, field.value(asked)) for field in of]
        return [
            Named(
                field.number,
                group,
                _spaced(field.name),
                in_dutch(field.number, field.name, value, record) if in_words else _text(value),
            )
            for field, value in values
        ]

    found = named("Gebeurtenis", EVENT, record) + named("Gebruiker", USER, record)
    every = objects(record)
    for place, each in enumerate(every, 1):
        found += named("Object" if len(every) == 1 else f"Object {place}", OBJECT, (record, each))
    return found + named("Loggegevens", LOG, record) + named("Aanvulling", EXTRA, record)


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
    """Where it is told what the employee of a record could see of its client at its moment; "" when there is none."""
    if not client or record.purpose is None:
        return ""
    person = record.user.person
    employee = person.number if person.authority == UZI_OID else account(person)
    at = dutch_time(record.started)
    words = {"client": client, "medewerker": employee, "dag": at.date().isoformat(), "tijd": at.strftime("%H:%M:%S")}
    return f"/toezicht/kon-zien?{urlencode(words)}"


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
