"""The reviews of hints and the clients' surnames: what is asked of them, and what adds one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any

from xds.db.hint_sql import HintStatements
from xds.db.session import Session
from xds.model.hint import Finding, Review


class ReadHints:
    """The port `HintReader`."""

    def __init__(self, session: Session, statements: HintStatements):
        self._session = session
        self._sql = statements

    def reviews(self, since: date) -> list[Review]:
        return [
            Review(bytes(hint).hex(), rule, date.fromisoformat(day), employee, organisation, Finding(finding), *said,
                   datetime.fromtimestamp(at, UTC))
            for hint, rule, day, employee, organisation, finding, *said, at in self._session.rows(
                self._sql.since, (since.isoformat(),)
            )
        ]  # fmt: skip

    def bearers(self, surnames: Collection[bytes], most: int) -> dict[bytes, list[bytes]]:
        counts = self._among(self._sql.counts, surnames)
        rare = [bytes(surname) for surname, count in counts if count <= most]
        found: dict[bytes, list[bytes]] = {}
        for surname, patient in self._among(self._sql.bearers, rare):
            found.setdefault(bytes(surname), []).append(bytes(patient))
        return found

    def _among(self, statement: Callable[[int], str], values: Collection[bytes]) -> Iterable[tuple[Any, ...]]:
        if not values:
            return ()
        lists = self._sql.lists
        length_class = lists.length_class(len(values))
        return self._session.rows(statement(length_class), lists.parameters(list(values), length_class))


class WriteHints(ReadHints):
    """The port `HintWriter`."""

    def add_review(self, review: Review) -> None:
        row = review._replace(
            hint=bytes.fromhex(review.hint), day=review.day.isoformat(), at=int(review.at.timestamp())
        )
        self._session.run(self._sql.add, row)

    def add_surnames(self, patient: bytes, surnames: Iterable[bytes]) -> None:
        for surname in surnames:
            self._session.run(self._sql.add_surname, (surname, patient))
