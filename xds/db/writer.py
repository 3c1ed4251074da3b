"""The port `Writer`: the index inside one write transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from xds.db.codes import CommittedCodes, WriteCodes
from xds.db.compile import Statements
from xds.db.consents import WriteConsents
from xds.db.desk import WriteDesk
from xds.db.hints import WriteHints
from xds.db.kinds import ASSOCIATION, ENTRY, FOLDER, KINDS, SUBMISSION_SET, Kind
from xds.db.log import WriteLog
from xds.db.participants import WriteParticipants
from xds.db.reader import Reader
from xds.db.session import Session
from xds.db.values import (
    ASSOCIATION_TYPE_NUMBERS,
    ENTRY_TYPE_NUMBERS,
    STATUS_NUMBERS,
    count,
    digest,
    holding_row,
    joined,
    known_texts,
    moment,
    uuid_bytes,
)
from xds.db.viewers import WriteViewers
from xds.model.audit import Entry, Head
from xds.model.coded import Author, Coded
from xds.model.consent import holders_of
from xds.model.objects import AnyObject, Association, DocumentEntry, Folder, RegistryObject, Status, SubmissionSet
from xds.model.stored import Holding
from xds.ports import AnyStored

_KIND: dict[type, Kind] = {
    DocumentEntry: ENTRY,
    SubmissionSet: SUBMISSION_SET,
    Folder: FOLDER,
    Association: ASSOCIATION,
}


class Writer(WriteParticipants, Reader):
    """Changes of one session, within the write transaction that its owner began."""

    def __init__(self, session: Session, statements: Statements, committed: CommittedCodes):
        self.codes = WriteCodes(session, statements, committed)
        super().__init__(session, statements, self.codes)
        self.consents = WriteConsents(session, statements.consents, statements.lists, self.codes)
        self.log = WriteLog(session, statements.log)
        self.viewers = WriteViewers(session, statements.viewers)
        self.desk = WriteDesk(session, statements.desk)
        self.hints = WriteHints(session, statements.hints)

    def record(self, entries: Sequence[Entry]) -> None:
        """Add records to the log; ValueError when one of their requests has a record of that number already."""
        self.log.append(entries)
        for entry in entries:
            if entry.surnames and entry.patient is not None:
                self.hints.add_surnames(entry.patient, entry.surnames)

    def mark(self) -> tuple[int, Head | None]:
        """Where a change begins."""
        return self.codes.mark(), self.log.mark()

    def undo(self, mark: tuple[int, Head | None]) -> None:
        """Forget what was remembered since `mark`: the change was rolled back."""
        self.codes.undo(mark[0])
        self.log.undo(mark[1])

    def committed(self) -> None:
        """Publish what the transaction made known, and begin anew."""
        self.codes.committed()
        self.log.forget()

    def insert(self, objects: Sequence[tuple[AnyObject, bytes]], patient: int) -> None:
        """Add new objects; ValueError when one of their entryUUIDs exists already in its table."""
        for kind, rows in self._rows(objects, patient):
            sql = self._statements.insertions[kind.table].insert
            if len(rows) == 1:
                self._session.run(sql, rows[0])
            else:
                self._session.run_many(sql, rows)

    def replace(self, objects: Sequence[tuple[AnyObject, bytes]]) -> None:
        """Rewrite existing objects; ValueError when one does not exist."""
        for kind, rows in self._rows(objects, 0):
            statements = self._statements.insertions[kind.table]
            changed = self._session.run_many(statements.update, [(*row[statements.fixed :], row[0]) for row in rows])
            if changed != len(rows):
                raise ValueError("an object to replace does not exist")

    def hold(self, holdings: Sequence[Holding]) -> None:
        """Record documents; ValueError when one is held already under another address."""
        if not holdings:
            return
        added = self._session.run_many(self._statements.hold, [holding_row(held) for held in holdings])
        if added != len(holdings):
            address = {held.unique_id: held.address for held in holdings}
            for held in self.holdings(list(address)):
                if held.address != address[held.unique_id]:
                    raise ValueError("a document is held already under another address")

    def release(self, unique_ids: Sequence[str]) -> None:
        texts = known_texts(unique_ids)
        if texts:
            lists = self._statements.lists
            length_class = lists.length_class(len(texts))
            self._session.run(self._statements.release(length_class), lists.parameters(texts, length_class))

    def add_patient(self, patient_id: str) -> bool:
        if self._patient_row(patient_id) is not None:
            return False
        self._new_patient(patient_id)
        return True

    def merge_patient(self, subsumed: str, surviving: str) -> list[AnyStored]:
        """Merge; nothing happens when `subsumed` was merged before.

        ValueError when both are one, or when `surviving` was itself merged away.
        """
        if subsumed == surviving:
            raise ValueError("a patient can't be merged with itself")
        to, merged = self._patient_row(surviving) or (self._new_patient(surviving), None)
        if merged is not None:
            raise ValueError("the surviving patient was merged away before")
        origin, merged = self._patient_row(subsumed) or (self._new_patient(subsumed), None)
        if merged is not None:
            return []
        self._session.run(self._statements.merge_patient, (to, origin))
        moved: list[AnyStored] = []
        for kind in KINDS:
            if kind.name in self._statements.moves:
                select, update = self._statements.moves[kind.name]
                moved += [kind.stored(row)._replace(patient=to) for row in self._session.rows(select, (origin,))]
                self._session.run(update, (to, origin))
        self.consents.merge(origin, to)
        return moved

    def _patient_row(self, patient_id: str) -> tuple[int, int | None] | None:
        return next(iter(self._session.rows(self._statements.patient_row, (patient_id,))), None)

    def _new_patient(self, patient_id: str) -> int:
        if not known_texts((patient_id,)):
            raise ValueError("a patient id can't contain a NUL character")
        ((key,),) = self._session.rows(self._statements.add_patient, (patient_id,))
        return key

    def _rows(self, objects: Iterable[tuple[AnyObject, bytes]], patient: int) -> list[tuple[Kind, list[Any]]]:
        """Rows by kind, each without its id and in the order of its table's columns."""
        rows: dict[Kind, list[Any]] = {}
        for thing, fragment in objects:
            kind = _KIND[type(thing)]
            rows.setdefault(kind, []).append(_ROW[kind](self, thing, fragment, patient))
        return list(rows.items())

    def _code(self, coded: Coded | None) -> int | None:
        return None if coded is None else self.codes.intern(coded.key)

    def _codes_of(self, codes: Iterable[Coded]) -> str | None:
        return joined(str(self.codes.intern(coded.key)) for coded in codes)

    def _entry_row(self, entry: DocumentEntry, fragment: bytes, patient: int) -> tuple[Any, ...]:
        return (
            uuid_bytes(entry.entry_uuid),
            _logical_id(entry),
            patient,
            entry.unique_id or "",
            _status(entry),
            ENTRY_TYPE_NUMBERS[entry.object_type],
            self._code(entry.class_code),
            self._code(entry.type_code),
            self._code(entry.practice_setting_code),
            self._code(entry.healthcare_facility_type_code),
            self._code(entry.format_code),
            moment(entry.creation_time),
            moment(entry.service_start_time),
            moment(entry.service_stop_time),
            self._codes_of(entry.event_code_list),
            self._codes_of(entry.confidentiality_code),
            joined(entry.reference_id_list),
            _persons(entry.authors),
            joined(holders_of(entry.authors)),
            digest(entry.hash),
            count(entry.size),
            fragment,
        )

    def _set_row(self, submission_set: SubmissionSet, fragment: bytes, patient: int) -> tuple[Any, ...]:
        return (
            uuid_bytes(submission_set.entry_uuid),
            patient,
            submission_set.unique_id or "",
            _status(submission_set),
            submission_set.source_id,
            moment(submission_set.submission_time),
            self._code(submission_set.content_type_code),
            _persons(submission_set.authors),
            fragment,
        )

    def _folder_row(self, folder: Folder, fragment: bytes, patient: int) -> tuple[Any, ...]:
        return (
            uuid_bytes(folder.entry_uuid),
            _logical_id(folder),
            patient,
            folder.unique_id or "",
            _status(folder),
            moment(folder.last_update_time),
            self._codes_of(folder.code_list),
            fragment,
        )

    def _association_row(self, association: Association, fragment: bytes, patient: int) -> tuple[Any, ...]:
        return (
            uuid_bytes(association.entry_uuid),
            ASSOCIATION_TYPE_NUMBERS[association.association_type],
            uuid_bytes(association.source_object),
            uuid_bytes(association.target_object),
            _status(association),
            fragment,
        )


_ROW: dict[Kind, Callable[..., tuple[Any, ...]]] = {
    ENTRY: Writer._entry_row,
    SUBMISSION_SET: Writer._set_row,
    FOLDER: Writer._folder_row,
    ASSOCIATION: Writer._association_row,
}


def _logical_id(thing: RegistryObject) -> bytes | None:
    if thing.logical_id is None or thing.logical_id == thing.entry_uuid:
        return None
    return uuid_bytes(thing.logical_id)


def _status(thing: RegistryObject) -> int:
    return STATUS_NUMBERS[thing.availability_status or Status.APPROVED]


def _persons(authors: Iterable[Author]) -> str | None:
    return joined(person for author in authors for person in author.person)
