"""The product's own registry, repository, consent register and log, in this process, at times that are told to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random

from msgspec.structs import replace

from demonstration.documents import SORTS, Sort, author_of, pdf_of
from demonstration.staff import Employee
from xds.affinity import Reloading
from xds.cli.init import SOURCES
from xds.client.compose import DocumentToSubmit, compose
from xds.consent import Access, GivenConsents, load_policy
from xds.consent.change import Outcome
from xds.consent.events import event_of
from xds.consent.sight import Evidence, gather, look, record_emergencies
from xds.consent.submitting import submitted_entries
from xds.db import Database
from xds.errors import Issue
from xds.gate.recording import recorder_of
from xds.model.audit import MINOR, SUCCESS, Entry, Event
from xds.model.audit import Access as Accessed
from xds.model.consent import PolicyText
from xds.model.hl7 import CX
from xds.model.objects import SubmissionSet
from xds.model.party import Requester
from xds.model.selection import EntrySelection
from xds.model.stored import Found, Holding, StoredEntry
from xds.ports import Reader, Writer
from xds.registry.register import register
from xds.settings import Settings
from xds.store.files import FileDocuments
from xds.transaction import Context, Registry

_FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
_OPENED = 2
"""How many documents are opened at most of those that were found."""


class Exchange:
    """What is done must be told in order of time, but for what follows from a request."""

    def __init__(self, settings: Settings, database: Database, chance: Random):
        assert settings.consent.policy is not None
        policy = load_policy(settings.consent.policy)
        self.policy = policy
        self.records = 0
        self._settings = settings
        self._database = database
        self._chance = chance
        self._recorder = recorder_of(settings)
        self._now = datetime.now(UTC)
        domain = Reloading(settings.registry.affinity_domain)
        self._registry = Registry(database, domain, lambda: self._now, None, settings.registry.max_results)
        self._access = Access(lambda: policy, GivenConsents(lambda: policy))
        self._contents: dict[Sort, Holding] = {}
        self._evidence: dict[str, Evidence] = {}
        self._waiting: list[Event] = []
        self._numbers = 0

    async def begin(self, patients: Sequence[CX], at: datetime) -> None:
        """Put the policy in force, make patients known, and put a document of each sort in the repository's store."""

        def change(writer: Writer) -> None:
            writer.consents.put_in_force(PolicyText(at, self.policy.content))
            for patient in patients:
                writer.add_patient(str(patient))

        await self._database.write(change)
        documents = FileDocuments(self._settings.repository.documents)
        try:
            documents.belong_to(self._settings.repository.unique_id or "")
            for sort in SORTS:
                staging = documents.stage()
                await staging.write(pdf_of(sort))
                staged = await staging.finish()
                await documents.commit([staged])
                self._contents[sort] = Holding("", staged.address, staged.hash, staged.size, "application/pdf")
        finally:
            documents.close()

    async def submit(self, author: Employee, patient: CX, sort: Sort, at: datetime) -> None:
        """ITI-41, of one document."""
        held = self._contents[sort]._replace(unique_id=self._unique_id())
        entry = replace(
            sort.entry(author),
            unique_id=held.unique_id,
            hash=held.hash,
            size=str(held.size),
            repository_unique_id=self._settings.repository.unique_id,
        )
        the_set = SubmissionSet(
            entry_uuid="",
            unique_id=self._unique_id(),
            authors=(author_of(author),),
            content_type_code=sort.content,
            patient_id=str(patient),
            source_id=SOURCES[author.organisation],
        )
        submission, _ = compose([DocumentToSubmit(b"", entry)], the_set, at)
        self._now = at
        entries = [*self._caught_up(), *submitted_entries(submission, self._context("ITI-41", author.requester, at))]
        _none(await register(self._registry, submission, [], [held], entries=entries))
        self.records += len(entries)
        self._evidence.pop(str(patient), None)

    async def record(
        self, patient: CX, changes: Sequence[Callable[[Writer], Outcome]], by: Employee, at: datetime
    ) -> None:
        """Change the consent register, by the portal of an employee's organisation."""
        before = self._caught_up()

        def change(writer: Writer) -> int:
            entries = list(before)
            for each in changes:
                event = event_of(each(writer), str(patient), self._request(), at, participant=by.requester.participant)
                _none(event.outcome_text)
                entries += self._recorder.entries(event)
            writer.record(entries)
            return len(entries)

        count = await self._database.write(change)
        self.records += count
        self._evidence.pop(str(patient), None)

    async def find(self, requester: Requester, patient: CX, at: datetime) -> Sequence[StoredEntry]:
        """ITI-18, for all of a client's documents; those that were given."""
        evidence = await self._gather(patient)
        return await self._look("ITI-18", requester, patient, at, list(evidence.entries.values()))

    async def retrieve(self, requester: Requester, patient: CX, at: datetime, found: Sequence[StoredEntry]) -> None:
        """ITI-43, of some of what was found."""
        await self._look("ITI-43", requester, patient, at, self._chance.sample(found, min(len(found), _OPENED)))

    async def _look(
        self, transaction: str, requester: Requester, patient: CX, at: datetime, wanted: Sequence[StoredEntry]
    ) -> Sequence[StoredEntry]:
        evidence = await self._gather(patient)
        sight = await look(Found(wanted), evidence, self._context(transaction, requester, at))
        if sight.emergencies:
            await record_emergencies(sight.emergencies, self._database)
            self._evidence.pop(str(patient), None)
        self._waiting.append(
            Event(
                self._request(),
                transaction,
                at,
                SUCCESS if sight.found.entries else MINOR,
                requester,
                address="127.0.0.1",
                accesses=sight.accesses,
                query_id=_FIND_DOCUMENTS if transaction == "ITI-18" else "",
            )
        )
        return sight.found.entries

    async def catch_up(self) -> None:
        """Put what was asked until now in the log."""
        entries = self._caught_up()
        self.records += len(entries)
        await self._database.write(lambda writer: writer.record(entries))

    def _caught_up(self) -> list[Entry]:
        """The records of what was asked until now, for the next write."""
        events = sorted(self._waiting, key=lambda event: event.started)
        self._waiting.clear()
        return [entry for event in events for entry in self._recorder.entries(event)]

    async def _gather(self, patient: CX) -> Evidence:
        key = str(patient)
        if key not in self._evidence:

            def question(reader: Reader) -> Evidence:
                return gather(reader, Found(reader.entries(EntrySelection(patient=key))))

            self._evidence[key] = await self._database.read(question)
        return self._evidence[key]

    def _context(self, transaction: str, requester: Requester, at: datetime) -> Context:
        def telling(outcome: int, accesses: Sequence[Accessed] = (), **told: str) -> Event:
            return Event(self._request(), transaction, at, outcome, requester, address="127.0.0.1", accesses=accesses,
                         **told)  # fmt: skip

        return Context(
            "", self._registry, None, {}, at, requester, requester.participant, self._access, telling,
            self._recorder.entries,
        )  # fmt: skip

    def _request(self) -> str:
        self._numbers += 1
        return f"month-{self._numbers}"

    def _unique_id(self) -> str:
        return f"2.25.{self._chance.getrandbits(100)}"


def _none(problems: Sequence[Issue] | str) -> None:
    """End where the product refuses what the demonstration tells."""
    if problems:
        raise ValueError(f"the month can't be told: {problems}")
