"""`xds consent explain`: may this person see these documents, and why."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xds.cli.audit_log import opened
from xds.cli.consent_register import note_look, patient_option, policy_of
from xds.cli.options import config_option, json_option
from xds.model.audit import Document
from xds.model.coded import Coded
from xds.model.consent import Candidate, ClientFacts
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.visible import in_json, in_line

if TYPE_CHECKING:
    from xds.db import Database
    from xds.db.reader import Reader

_ROLES = "2.16.840.1.113883.2.4.15.111"
_PURPOSES = "2.16.840.1.113883.1.11.20448"


@dataclass(frozen=True, slots=True)
class _Found:
    """A client, and the client's documents: the uniqueId and title of each, and what it is to consent."""

    facts: ClientFacts
    documents: list[tuple[str, str]]
    candidates: list[Candidate]


@click.command
@config_option
@json_option
@patient_option
@click.option("--organisation", required=True, metavar="URA", help="Where the person works.")
@click.option("--kind", metavar="CODE", help="Its kind; by default that of the participant with this URA.")
@click.option("--role", required=True, metavar="CODE", help="The role: 03.000, or CODE^^SCHEME of another list.")
@click.option("--person", default="0@2.999", metavar="NUMBER@OID", help="The person, where that matters.")
@click.option("--purpose", default="TREAT", show_default=True, metavar="CODE", help="What it is asked for.")
@click.option("--emergency", metavar="REASON", help="Why the glass is broken.")
@click.option("--document", metavar="UNIQUE_ID", help="Only about this document; else about all of the client.")
def explain(
    config: Path | None,
    as_json: bool,
    patient: str,
    organisation: str,
    kind: str | None,
    role: str,
    person: str,
    purpose: str,
    emergency: str | None,
    document: str | None,
) -> None:
    """Say whether someone may see a client's documents now, and why, in Dutch.

    Nothing is asked of another party. Exit status 1 when a document may not be seen.
    """
    from xds.cli.main import Failed
    from xds.consent import Access, GivenConsents
    from xds.consent.explain import explain as sentence

    policy = policy_of(config)
    with opened(config) as log:
        works_for = _organisation(log.database, organisation, kind)
        found = log.database.read_now(lambda reader: _look(reader, patient, document))
        shown = [] if found is None else [Document(unique_id) for unique_id, _ in found.documents]
        note_look(log, "explain", (patient, shown))
    if found is None:
        raise Failed("the patient is not known", 1)
    code, _, scheme = role.partition("^^")
    number, _, authority = person.partition("@")
    requester = Requester(
        participant=Participant(0, works_for, "", (), datetime.now(UTC).date()),
        user=Person(number, authority, None, Coded(code, scheme or _ROLES)),
        organisation=works_for,
        purpose=Coded(purpose, _PURPOSES),
        assurance=0,
        issuer="",
        assertion_id="",
        emergency=emergency,
    )
    access = Access(lambda: policy, GivenConsents(lambda: policy))
    verdicts = asyncio.run(access.decide(requester, found.facts, found.candidates, datetime.now(UTC)))
    rows = [
        {
            "document": unique_id,
            "permitted": verdict.permitted,
            "rule": verdict.rule,
            "version": verdict.version,
            "checks": str(verdict.checks),
            "sentence": sentence(policy, requester, title, verdict),
        }
        for (unique_id, title), verdict in zip(found.documents, verdicts, strict=True)
    ]
    if as_json:
        click.echo(in_json(json.dumps(rows, indent=2, ensure_ascii=False)))
    else:
        click.echo("\n".join(in_line(row["sentence"]) for row in rows) or "De cliënt heeft geen documenten.")
    raise SystemExit(0 if all(verdict.permitted for verdict in verdicts) else 1)


def _organisation(database: Database, ura: str, kind: str | None) -> Organisation:
    participants = database.read_now(lambda reader: reader.participants())
    known = next((each.organisation for each in participants if each.organisation.ura == ura), None)
    if kind is not None:
        return Organisation(ura, known.name if known else f"de organisatie met URA {ura}", kind)
    if known is None:
        raise click.BadParameter("no participant has this URA: give --kind", param_hint="--organisation")
    return known


def _look(reader: Reader, patient: str, document: str | None) -> _Found | None:
    from xds.ebrim.fragment import unpack
    from xds.ebrim.objects import decode_fragment
    from xds.model.selection import EntrySelection

    key = reader.patient(patient)
    if key is None:
        return None
    entries = reader.entries(EntrySelection(patient=patient, unique_ids=(document,) if document else ()))
    titles = [decode_fragment(unpack(entry.fragment)).title for entry in entries]
    named = [(entry.unique_id, title or entry.unique_id) for entry, title in zip(entries, titles, strict=True)]
    return _Found(reader.consents.facts([key])[key], named, reader.consents.candidates(entries))
