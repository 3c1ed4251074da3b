"""What of the objects that a query found a requester may see.

A document is seen by its verdict. A submission set or folder is seen with any of its documents, or, when it holds none,
by whoever treats the client. An association is seen when both its ends are. So what is hidden leaves no trace in an
answer: nothing points to it, and nothing counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from xds.model.audit import Access as Accessed
from xds.model.audit import Document
from xds.model.consent import Candidate, ClientFacts, Emergency
from xds.model.hl7 import parse_cx
from xds.model.objects import AssociationType
from xds.model.party import Requester
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection
from xds.model.stored import Found, StoredAssociation, StoredEntry, StoredFolder, StoredSet
from xds.model.verdict import Checks, Verdict
from xds.ports import Access, Index, Reader, Writer
from xds.transaction import Context

Container = StoredSet | StoredFolder

_MOST_MEMBERS = 20_000
"""Members that are looked at to find one that may be seen."""
_NO_ACCESS = Verdict(False, "no-policy", "", "Er is geen beleid vastgesteld dat inzage toestaat.", Checks(False))
_OTHER_PATIENT = Verdict(False, "resource-id", "", "Het token is voor een andere cliënt.", Checks(False))


class Evidence(NamedTuple):
    """What decides about the objects that were found, from the same snapshot. By entryUUID, and by patient."""

    entries: dict[str, StoredEntry]
    candidates: dict[str, Candidate]
    containers: dict[str, Container]
    contents: dict[str, list[str]]
    facts: Mapping[int, ClientFacts]


NO_EVIDENCE = Evidence({}, {}, {}, {}, {})


class Sight(NamedTuple):
    """What may be seen, what the log records of each patient, and the emergencies to record, by patient."""

    found: Found
    accesses: list[Accessed]
    emergencies: list[tuple[int, Emergency]]


NOTHING = Sight(Found(), [], [])


def gather(reader: Reader, found: Found) -> Evidence:
    """Read what decides about these objects. The number of SELECTs does not depend on how many they are."""
    entries = {each.entry_uuid: each for each in found.entries}
    containers: dict[str, Container] = {each.entry_uuid: each for each in (*found.submission_sets, *found.folders)}
    ends = {end for each in found.associations for end in (each.source_object, each.target_object)}
    unknown = tuple(ends - entries.keys() - containers.keys())
    if unknown:
        entries |= _entries(reader, unknown)
        containers |= {each.entry_uuid: each for each in reader.submission_sets(SetSelection(uuids=unknown))}
        containers |= {each.entry_uuid: each for each in reader.folders(FolderSelection(uuids=unknown))}
    contents: dict[str, list[str]] = {}
    if containers:
        members = AssociationSelection(sources=tuple(containers), types=(AssociationType.HAS_MEMBER.value,))
        for each in reader.associations(members, _MOST_MEMBERS):
            contents.setdefault(each.source_object, []).append(each.target_object)
        missing = {target for targets in contents.values() for target in targets} - entries.keys() - containers.keys()
        if missing:
            entries |= _entries(reader, tuple(missing))
    facts = reader.consents.facts({each.patient for group in (entries, containers) for each in group.values()})
    candidates = dict(zip(entries, reader.consents.candidates(entries.values()), strict=True))
    return Evidence(entries, candidates, containers, contents, facts)


def _entries(reader: Reader, uuids: tuple[str, ...]) -> dict[str, StoredEntry]:
    return {each.entry_uuid: each for each in reader.entries(EntrySelection(uuids=uuids))}


async def look(found: Found, evidence: Evidence, ctx: Context) -> Sight:
    """Take away what the requester may not see; without a requester, nothing.

    `NO_EVIDENCE` will do where nobody is known and nothing is recorded.
    """
    requester = ctx.requester
    if evidence is NO_EVIDENCE:
        return Sight(found, [], [])
    if requester is None:
        return Sight(found, _accesses(found, evidence, {}), [])
    verdicts = await _judge(evidence, requester, ctx)
    access, now = ctx.access, ctx.started
    treated = {
        patient: access is not None and _is_for(requester, facts) and access.treats(requester, facts, now)
        for patient, facts in evidence.facts.items()
    }
    seen = {uuid: verdict.permitted for uuid, verdict in verdicts.items()}
    for uuid, container in evidence.containers.items():
        documents = [each for each in evidence.contents.get(uuid, ()) if each in evidence.entries]
        seen[uuid] = any(verdicts[each].permitted for each in documents) if documents else treated[container.patient]
    visible = Found(
        [each for each in found.entries if seen[each.entry_uuid]],
        [each for each in found.submission_sets if seen[each.entry_uuid]],
        [each for each in found.folders if seen[each.entry_uuid]],
        [each for each in found.associations if _is_seen(each, seen)],
    )
    emergencies = []
    if ctx.access is not None and any(verdict.checks.emergency for verdict in verdicts.values()):
        emergencies = _emergencies(ctx.access, requester, evidence, verdicts, ctx)
    return Sight(visible, _accesses(visible, evidence, verdicts), emergencies)


def _is_seen(association: StoredAssociation, seen: Mapping[str, bool]) -> bool:
    """Whether both ends are; an end that is no document, set or folder hides nothing."""
    return seen.get(association.source_object, True) and seen.get(association.target_object, True)


async def open_emergencies(sight: Sight, index: Index) -> None:
    """Record where the glass was broken, before anything is seen. Unavailable when that can't be written."""
    if sight.emergencies:

        def change(writer: Writer) -> None:
            for patient, emergency in sight.emergencies:
                writer.consents.add_emergency(patient, emergency)

        await index.write(change)


async def _judge(evidence: Evidence, requester: Requester, ctx: Context) -> dict[str, Verdict]:
    """The verdict on each document, by entryUUID."""
    verdicts: dict[str, Verdict] = {}
    for patient, facts in evidence.facts.items():
        uuids = [uuid for uuid, each in evidence.entries.items() if each.patient == patient]
        if not _is_for(requester, facts):
            verdicts |= dict.fromkeys(uuids, _OTHER_PATIENT)
        elif ctx.access is None:
            verdicts |= dict.fromkeys(uuids, _NO_ACCESS)
        else:
            candidates = [evidence.candidates[uuid] for uuid in uuids]
            decided = await ctx.access.decide(requester, facts, candidates, ctx.started)
            verdicts |= zip(uuids, decided, strict=True)
    return verdicts


def _is_for(requester: Requester, facts: ClientFacts) -> bool:
    """Whether the requester's token is for this patient, or for none in particular."""
    return requester.patient is None or str(requester.patient) == facts.patient_id


def _emergencies(
    access: Access, requester: Requester, evidence: Evidence, verdicts: Mapping[str, Verdict], ctx: Context
) -> list[tuple[int, Emergency]]:
    found = []
    for patient, facts in evidence.facts.items():
        of_patient = [verdict for uuid, verdict in verdicts.items() if evidence.entries[uuid].patient == patient]
        emergency = access.emergency(requester, facts, of_patient, ctx.started)
        if emergency is not None:
            found.append((patient, emergency))
    return found


def _accesses(found: Found, evidence: Evidence, verdicts: Mapping[str, Verdict]) -> list[Accessed]:
    """One for each patient: the verdict on the first document that is given, else that on the first refused."""
    given: dict[int, list[StoredEntry]] = {patient: [] for patient in evidence.facts}
    for each in found.entries:
        given[each.patient].append(each)
    refused: dict[int, Verdict] = {}
    for uuid, verdict in verdicts.items():
        refused.setdefault(evidence.entries[uuid].patient, verdict)
    accesses = []
    for patient, facts in evidence.facts.items():
        entries = given[patient]
        verdict = verdicts.get(entries[0].entry_uuid) if entries else refused.get(patient)
        accesses.append(Accessed(parse_cx(facts.patient_id), verdict, _documents_of(entries, verdict, verdicts)))
    return accesses


def _documents_of(
    entries: Iterable[StoredEntry], verdict: Verdict | None, verdicts: Mapping[str, Verdict]
) -> Sequence[Document]:
    """As the log names them; a document has its own rule where that is not the record's."""
    documents = []
    for each in entries:
        own = verdicts.get(each.entry_uuid)
        if own is None or own is verdict:
            documents.append(Document(each.unique_id, each.entry_uuid))
        else:
            documents.append(Document(each.unique_id, each.entry_uuid, rule=own.rule, version=own.version))
    return documents
