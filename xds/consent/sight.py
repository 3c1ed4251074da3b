"""What of the objects that a query found a requester may see.

A document is seen by its verdict. A submission set or folder is seen with any of its members, or, when it has none,
by whoever treats the client. An association is seen when both its ends are. So what is hidden leaves no trace in an
answer: nothing points to it, and nothing counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from xds.model.audit import Access as Accessed
from xds.model.audit import Document
from xds.model.consent import Candidate, ClientFacts, Emergency
from xds.model.hl7 import parse_cx
from xds.model.objects import AssociationType
from xds.model.party import Requester
from xds.model.selection import (
    AssociationSelection,
    EntrySelection,
    FolderSelection,
    SetSelection,
)
from xds.model.stored import (
    Found,
    StoredAssociation,
    StoredEntry,
    StoredFolder,
    StoredSet,
)
from xds.model.verdict import Checks, Verdict
from xds.ports import Access, Index, Reader, Writer
from xds.transaction import Context

Container = StoredSet | StoredFolder
T = TypeVar("T", StoredEntry, StoredSet, StoredFolder)

_MOST_MEMBERS = 20_000
"""Members that are looked at to find one that may be seen."""
_MOST_STEPS = 8
"""From members to their members; what is further away counts as not seen."""
_NO_ACCESS = Verdict(False, "no-policy", "", "Er is geen beleid vastgesteld dat inzage toestaat.", Checks(False))
_OTHER_PATIENT = Verdict(False, "resource-id", "", "Het token is voor een andere cliënt.", Checks(False))


class Evidence(NamedTuple):
    """What decides about the objects that were found, from the same snapshot. By entryUUID, and by patient.

    `complete` is False when there are more members than were looked at.
    """

    entries: dict[str, StoredEntry]
    candidates: dict[str, Candidate]
    containers: dict[str, Container]
    contents: dict[str, list[str]]
    facts: Mapping[int, ClientFacts]
    links: Mapping[str, StoredAssociation] = {}
    complete: bool = True


NO_EVIDENCE = Evidence({}, {}, {}, {}, {})


class Sight(NamedTuple):
    """What may be seen, what the log records of each patient, and the emergencies to record, by patient."""

    found: Found
    accesses: list[Accessed]
    emergencies: list[tuple[int, Emergency]]


NOTHING = Sight(Found(), [], [])


class Judged(NamedTuple):
    """What of the evidence is seen, the verdicts that say so, and the emergencies to record, by patient."""

    seen: Seen
    verdicts: Mapping[str, Verdict]
    emergencies: list[tuple[int, Emergency]]


def gather(reader: Reader, found: Found) -> Evidence:
    """Read what decides about these objects. The number of SELECTs does not depend on how many they are."""
    entries = {each.entry_uuid: each for each in found.entries}
    containers: dict[str, Container] = {each.entry_uuid: each for each in (*found.submission_sets, *found.folders)}
    links = {each.entry_uuid: each for each in (*found.associations, *found.paths)}
    contents: dict[str, list[str]] = {}
    complete = True
    unknown = _ends(links.values())
    for _ in range(_MOST_STEPS):
        closed = tuple(containers.keys() - contents.keys())
        if closed:
            selection = AssociationSelection(sources=closed, types=(AssociationType.HAS_MEMBER.value,))
            members = reader.associations(selection, _MOST_MEMBERS)
            complete = complete and len(members) < _MOST_MEMBERS
            contents |= {uuid: [] for uuid in closed}
            for each in members:
                contents[each.source_object].append(each.target_object)
                unknown.add(each.target_object)
        unknown -= entries.keys() | containers.keys() | links.keys()
        if not unknown:
            break
        unknown = _read(reader, unknown, entries, containers, links)
    facts = reader.consents.facts({each.patient for group in (entries, containers) for each in group.values()})
    candidates = dict(zip(entries, reader.consents.candidates(entries.values()), strict=True))
    return Evidence(entries, candidates, containers, contents, facts, links, complete)


def _ends(associations: Iterable[StoredAssociation]) -> set[str]:
    return {end for each in associations for end in (each.source_object, each.target_object)}


def _read(
    reader: Reader,
    uuids: Iterable[str],
    entries: dict[str, StoredEntry],
    containers: dict[str, Container],
    links: dict[str, StoredAssociation],
) -> set[str]:
    """Read these objects, of whatever kind; the ends of the associations among them."""
    asked = tuple(uuids)
    entries |= {each.entry_uuid: each for each in reader.entries(EntrySelection(uuids=asked))}
    rest = tuple([uuid for uuid in asked if uuid not in entries])
    if not rest:
        return set()
    associations = reader.associations(AssociationSelection(uuids=rest))
    links |= {each.entry_uuid: each for each in associations}
    if len(associations) < len(rest):
        containers |= {each.entry_uuid: each for each in reader.submission_sets(SetSelection(uuids=rest))}
        containers |= {each.entry_uuid: each for each in reader.folders(FolderSelection(uuids=rest))}
    return _ends(associations)


class Seen:
    """Tells of any object, by entryUUID, whether it is seen, given that of the documents.

    `treated` says of a patient whether the requester treats them. What leads back to itself alone is not seen.
    """

    def __init__(self, evidence: Evidence, documents: Mapping[str, bool], treated: Mapping[int, bool]):
        self._evidence = evidence
        self._treated = treated
        self._known = dict(documents)

    def __call__(self, uuid: str) -> bool:
        known = self._known.get(uuid)
        if known is None:
            self._known[uuid] = False
            known = self._known[uuid] = self._judge(uuid)
        return known

    def _judge(self, uuid: str) -> bool:
        link = self._evidence.links.get(uuid)
        if link is not None:
            return self(link.source_object) and self(link.target_object)
        container = self._evidence.containers.get(uuid)
        if container is None:
            return False
        members = self._evidence.contents.get(uuid, ())
        if not members:
            return self._evidence.complete and self._treated.get(container.patient, False)
        # Associations last, as they may lead back.
        in_order = sorted(members, key=self._evidence.links.__contains__)
        return any(self._shows(uuid, each) for each in in_order)

    def _shows(self, container: str, member: str) -> bool:
        """Whether a member is seen, apart from its container."""
        link = self._evidence.links.get(member)
        if link is None:
            return self(member)
        ends = [end for end in (link.source_object, link.target_object) if end != container]
        return all(map(self, ends))


def visible(found: Found, seen: Seen) -> Found:
    """What of these objects is seen, and led to by a path that is."""
    led = _ends([each for each in found.paths if seen(each.entry_uuid)])

    def shown(objects: Iterable[T]) -> list[T]:
        return [each for each in objects if seen(each.entry_uuid) and (not found.paths or each.entry_uuid in led)]

    return Found(
        shown(found.entries),
        shown(found.submission_sets),
        shown(found.folders),
        [each for each in found.associations if seen(each.entry_uuid)],
    )


async def look(
    found: Found, evidence: Evidence, ctx: Context, shown: Callable[[Found, Seen], Found] = visible
) -> Sight:
    """Take away what the requester may not see; without a requester, nothing.

    `NO_EVIDENCE` will do where nobody is known and nothing is recorded. `shown` gives what is left.
    """
    requester = ctx.requester
    if evidence is NO_EVIDENCE:
        return Sight(found, [], [])
    if requester is None:
        return Sight(found, _accesses(found, evidence, {}), [])
    seen, verdicts, emergencies = await judge(evidence, ctx)
    left = shown(found, seen)
    return Sight(left, _accesses(left, evidence, verdicts), emergencies)


async def judge(evidence: Evidence, ctx: Context, own: Iterable[str] = ()) -> Judged:
    """Decide for the person who asks; for a system without one, by whose the documents are.

    `own` are objects that are seen anyhow, by entryUUID.
    """
    requester, access, now = ctx.requester, ctx.access, ctx.started
    if requester is None:
        ura = "" if ctx.participant is None else ctx.participant.organisation.ura
        documents = {uuid: ura in candidate.holders for uuid, candidate in evidence.candidates.items()}
        return Judged(Seen(evidence, documents | dict.fromkeys(own, True), {}), {}, [])
    verdicts = await _judge(evidence, requester, ctx)
    treated = {
        patient: access is not None and _is_for(requester, facts) and access.treats(requester, facts, now)
        for patient, facts in evidence.facts.items()
    }
    documents = {uuid: verdict.permitted for uuid, verdict in verdicts.items()}
    emergencies = []
    if access is not None and any(verdict.checks.emergency for verdict in verdicts.values()):
        emergencies = _emergencies(access, requester, evidence, verdicts, ctx)
    return Judged(Seen(evidence, documents | dict.fromkeys(own, True), treated), verdicts, emergencies)


async def record_emergencies(emergencies: Sequence[tuple[int, Emergency]], index: Index) -> None:
    """Record where the glass was broken, before anything is seen. Unavailable when that can't be written."""
    if emergencies:

        def change(writer: Writer) -> None:
            for patient, emergency in emergencies:
                writer.consents.add_emergency(patient, emergency)

        await index.write(change)


async def _judge(evidence: Evidence, requester: Requester, ctx: Context) -> dict[str, Verdict]:
    """The verdict on each document, by entryUUID."""
    verdicts: dict[str, Verdict] = {}
    for patient, uuids in _by_patient(evidence).items():
        facts = evidence.facts[patient]
        if not _is_for(requester, facts):
            verdicts |= dict.fromkeys(uuids, _OTHER_PATIENT)
        elif ctx.access is None:
            verdicts |= dict.fromkeys(uuids, _NO_ACCESS)
        else:
            candidates = [evidence.candidates[uuid] for uuid in uuids]
            decided = await ctx.access.decide(requester, facts, candidates, ctx.started)
            verdicts |= zip(uuids, decided, strict=True)
    return verdicts


def _by_patient(evidence: Evidence) -> dict[int, list[str]]:
    """The entryUUIDs of each patient's documents."""
    found: dict[int, list[str]] = {patient: [] for patient in evidence.facts}
    for uuid, each in evidence.entries.items():
        found[each.patient].append(uuid)
    return found


def _is_for(requester: Requester, facts: ClientFacts) -> bool:
    """Whether the requester's token is for this patient, or for none in particular."""
    return requester.patient is None or str(requester.patient) == facts.patient_id


def _emergencies(
    access: Access, requester: Requester, evidence: Evidence, verdicts: Mapping[str, Verdict], ctx: Context
) -> list[tuple[int, Emergency]]:
    found = []
    for patient, uuids in _by_patient(evidence).items():
        of_patient = [verdicts[uuid] for uuid in uuids]
        emergency = access.emergency(requester, evidence.facts[patient], of_patient, ctx.started)
        if emergency is not None:
            found.append((patient, emergency))
    return found


def _accesses(found: Found, evidence: Evidence, verdicts: Mapping[str, Verdict]) -> list[Accessed]:
    """One for each patient: the verdict that tells most of those on the documents that are given.

    Where none is, it is the first by which something else was shown, or, where nothing was, the first that refused.
    """
    given: dict[int, list[StoredEntry]] = {patient: [] for patient in evidence.facts}
    for each in found.entries:
        given[each.patient].append(each)
    decided: dict[int, Verdict] = {}
    if not all(given.values()):
        shown = _patients_of_others(found, evidence)
        for uuid, verdict in verdicts.items():
            patient = evidence.entries[uuid].patient
            fits = verdict.permitted is (patient in shown)
            if patient not in decided or (fits and decided[patient].permitted is not verdict.permitted):
                decided[patient] = verdict
    accesses = []
    for patient, facts in evidence.facts.items():
        entries = given[patient]
        verdict = _telling(entries, verdicts) if entries else decided.get(patient)
        documents = _documents_of(entries, verdict, verdicts)
        holders = _holders(evidence, entries or [each for each in evidence.entries.values() if each.patient == patient])
        accesses.append(Accessed(parse_cx(facts.patient_id), verdict, documents, holders))
    return accesses


def _telling(entries: Sequence[StoredEntry], verdicts: Mapping[str, Verdict]) -> Verdict | None:
    """The verdict that stands for these documents: what needed most, so that no record hides it behind less.

    An emergency goes before consent, and that before a document of one's own; of equals it is the first.
    """
    found = verdicts.get(entries[0].entry_uuid)
    for each in entries[1:]:
        other = verdicts.get(each.entry_uuid)
        if other is not found and other is not None and (found is None or _needed(other) > _needed(found)):
            found = other
    return found


def _needed(verdict: Verdict) -> tuple[bool, bool]:
    return verdict.checks.emergency, verdict.rule != "own-record"


def _patients_of_others(found: Found, evidence: Evidence) -> set[int]:
    """Whose sets, folders and associations were found."""
    ends = [evidence.entries.get(end) or evidence.containers.get(end) for end in _ends(found.associations)]
    return {each.patient for each in (*found.submission_sets, *found.folders, *ends) if each is not None}


def _holders(evidence: Evidence, entries: Iterable[StoredEntry]) -> tuple[str, ...]:
    """Whose documents these are, by URA: those organisations may know of it."""
    return tuple(sorted({ura for each in entries for ura in evidence.candidates[each.entry_uuid].holders}))


def _documents_of(
    entries: Iterable[StoredEntry], verdict: Verdict | None, verdicts: Mapping[str, Verdict]
) -> Sequence[Document]:
    """As the log names them; a document has its own rule and reason where they are not the record's."""
    documents = []
    for each in entries:
        own = verdicts.get(each.entry_uuid)
        if own is None or own is verdict:
            documents.append(Document(each.unique_id, each.entry_uuid))
        else:
            documents.append(
                Document(each.unique_id, each.entry_uuid, rule=own.rule, version=own.version, reason=own.reason)
            )
    return documents
