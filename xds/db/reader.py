"""The port `Reader`: one snapshot of the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Protocol

from xds.db.compile import Shape, Statements
from xds.db.consents import Keys, ReadConsents
from xds.db.desk import ReadDesk
from xds.db.hints import ReadHints
from xds.db.kinds import ASSOCIATION, ENTRY, FOLDER, SUBMISSION_SET, Kind, Residual, Test
from xds.db.log import ReadLog
from xds.db.participants import ReadParticipants
from xds.db.session import Session
from xds.db.values import (
    ASSOCIATION_TYPE_NUMBERS,
    ENTRY_TYPE_NUMBERS,
    SEPARATOR,
    STATUS_NUMBERS,
    holding,
    known_texts,
    known_uuids,
    numbers_of,
    uuid_urn,
)
from xds.db.viewers import ReadViewers
from xds.model.like import like
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection
from xds.model.stored import Holding, StoredAssociation, StoredEntry, StoredFolder, StoredSet

Judge = Callable[[str | None], bool]
"""Whether a column that holds many values passes."""

_LAST = itemgetter(-1)

_MOMENTS = frozenset((Test.FROM, Test.BELOW))
_SINGLE = _MOMENTS | {Test.PATIENT}
_VALUES: dict[Test, Callable[[Any], list[Any]]] = {
    Test.PATIENT: lambda patient: known_texts((patient,)),
    Test.UUIDS: known_uuids,
    Test.LOGICAL_IDS: known_uuids,
    Test.TEXTS: known_texts,
    Test.STATUSES: lambda statuses: numbers_of(statuses, STATUS_NUMBERS),
    Test.ENTRY_TYPES: lambda types: numbers_of(types, ENTRY_TYPE_NUMBERS),
    Test.ASSOCIATION_TYPES: lambda types: numbers_of(types, ASSOCIATION_TYPE_NUMBERS),
}
"""What SQL is given for what is asked; of codes their numbers, which only a session knows."""

Selection = EntrySelection | SetSelection | FolderSelection | AssociationSelection


class Codes(Keys, Protocol):
    def find(self, keys: Iterable[tuple[str, str]]) -> list[int]: ...


class Reader(ReadParticipants):
    """Answers of one session, within the transaction that its owner began."""

    def __init__(self, session: Session, statements: Statements, codes: Codes):
        self._session = session
        self._statements = statements
        self._codes = codes
        self.consents = ReadConsents(session, statements.consents, statements.lists, codes)
        self._participants = statements.participants
        self.log = ReadLog(session, statements.log)
        self.viewers = ReadViewers(session, statements.viewers)
        self.desk = ReadDesk(session, statements.desk)
        self.hints = ReadHints(session, statements.hints)

    def patient(self, patient_id: str) -> int | None:
        """The key of a known patient."""
        if not known_texts((patient_id,)):
            return None
        return next((key for (key,) in self._session.rows(self._statements.patient, (patient_id,))), None)

    def entries(self, selection: EntrySelection, limit: int | None = None) -> list[StoredEntry]:
        return self._select(ENTRY, selection, limit)

    def submission_sets(self, selection: SetSelection, limit: int | None = None) -> list[StoredSet]:
        return self._select(SUBMISSION_SET, selection, limit)

    def folders(self, selection: FolderSelection, limit: int | None = None) -> list[StoredFolder]:
        return self._select(FOLDER, selection, limit)

    def associations(self, selection: AssociationSelection, limit: int | None = None) -> list[StoredAssociation]:
        return self._select(ASSOCIATION, selection, limit)

    def taken(self, uuids: Sequence[str], unique_ids: Sequence[str]) -> set[str]:
        """Which of these exist."""
        lists = self._statements.lists
        parameters: list[Any] = []
        known, texts = known_uuids(uuids), known_texts(unique_ids)
        if not known and not texts:
            return set()
        uuid_class = lists.length_class(len(known)) if known else None
        text_class = lists.length_class(len(texts)) if texts else None
        for table_has_unique_id in (False, True, True, False):
            if uuid_class is not None:
                parameters += lists.parameters(known, uuid_class)
            if text_class is not None and table_has_unique_id:
                parameters += lists.parameters(texts, text_class)
        rows = self._session.rows(self._statements.taken(uuid_class, text_class), parameters)
        return {unique_id if uuid is None else uuid_urn(uuid) for uuid, unique_id in rows}

    def holdings(self, unique_ids: Sequence[str]) -> list[Holding]:
        """The documents with these uniqueIds that the repository holds, by uniqueId."""
        texts = known_texts(unique_ids)
        if not texts:
            return []
        lists = self._statements.lists
        length_class = lists.length_class(len(texts))
        rows = self._session.rows(self._statements.holdings(length_class), lists.parameters(texts, length_class))
        return list(map(holding, rows))

    def holdings_after(self, unique_id: str, limit: int) -> list[Holding]:
        """At most `limit` documents that the repository holds, by uniqueId, beginning after `unique_id`."""
        return list(map(holding, self._session.rows(self._statements.holdings_after, (unique_id, limit))))

    def patients_after(self, patient_id: str, limit: int) -> list[str]:
        """At most `limit` known patients, by CX text, beginning after `patient_id` ("" for the first)."""
        return [cx for (cx,) in self._session.rows(self._statements.patients_after, (patient_id, limit))]

    def _select(self, kind: Kind, selection: Selection, limit: int | None) -> list[Any]:
        narrowed = self._narrow(kind, selection)
        if narrowed is None:
            return []
        shape, parameters = narrowed
        judges = self._judges(kind, selection)
        if not judges:
            sql = self._statements.selecting(kind, shape, (), limit is not None)
            rows = self._session.rows(sql, parameters if limit is None else [*parameters, limit])
            return [kind.stored(row) for row in sorted(rows, key=_LAST)]
        sql = self._statements.selecting(kind, shape, tuple(judges), False)
        first = len(kind.columns)
        tests = list(enumerate(judges.values(), first))
        passing = (row for row in self._session.rows(sql, parameters) if all(test(row[at]) for at, test in tests))
        return [kind.stored(row) for row in sorted(islice(passing, limit), key=_LAST)]

    def _narrow(self, kind: Kind, selection: Selection) -> tuple[Shape, list[Any]] | None:
        """The shape of what SQL decides, and its parameters; None when nothing can pass."""
        lists = self._statements.lists
        shape: list[tuple[str, int]] = []
        parameters: list[Any] = []
        for criterion, asked in zip(kind.criteria, kind.asked(selection), strict=True):
            if asked is None or asked == ():
                continue
            test = criterion.test
            values = [asked] if test in _MOMENTS else self._values(test, asked)
            if not values:
                return None
            if test in _SINGLE:
                shape.append((criterion.field, 1))
                parameters += values
                continue
            length_class = lists.length_class(len(values))
            shape.append((criterion.field, length_class))
            parameters += lists.parameters(values, length_class) * len(criterion.columns)
        return tuple(shape), parameters

    def _values(self, test: Test, asked: Any) -> list[Any]:
        read = _VALUES.get(test)
        return self._codes.find(asked) if read is None else read(asked)

    def _judges(self, kind: Kind, selection: Selection) -> dict[str, Judge]:
        """By column, what Python decides."""
        judges: dict[str, Judge] = {}
        for field, how, column in kind.residuals:
            asked = getattr(selection, field)
            if not asked:
                continue
            if how is Residual.PATTERNS:
                judges[column] = _one_matches(asked)
            elif how is Residual.CODES:
                judges[column] = _each_meets([map(str, self._codes.find(group)) for group in asked])
            else:
                judges[column] = _each_meets(asked)
        return judges


def _each_meets(groups: Iterable[Iterable[str]]) -> Judge:
    """Pass a column that holds at least one value of each group."""
    wanted = [frozenset(group) for group in groups]

    def judge(column: str | None) -> bool:
        if column is None:
            return False
        values = column.split(SEPARATOR)
        return not any(group.isdisjoint(values) for group in wanted)

    return judge


def _one_matches(patterns: Iterable[str]) -> Judge:
    """Pass a column that holds a value which matches one of the patterns."""
    matches = like(patterns)

    def judge(column: str | None) -> bool:
        return column is not None and any(map(matches, column.split(SEPARATOR)))

    return judge
