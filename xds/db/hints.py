"""The reviews of hints: what is asked of them, and what adds one."""

from __future__ import annotations

from datetime import UTC, date, datetime

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


class WriteHints(ReadHints):
    """The port `HintWriter`."""

    def add_review(self, review: Review) -> None:
        row = review._replace(
            hint=bytes.fromhex(review.hint), day=review.day.isoformat(), at=int(review.at.timestamp())
        )
        self._session.run(self._sql.add, row)
