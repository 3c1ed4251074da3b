"""What auditors keep: their searches and exports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from xds.db.desk_sql import DeskStatements
from xds.db.session import Session
from xds.model.desk import Export, SavedSearch


class ReadDesk:
    """The port `DeskReader`."""

    def __init__(self, session: Session, statements: DeskStatements):
        self._session = session
        self._sql = statements

    def searches(self, account: str) -> list[SavedSearch]:
        return [SavedSearch(*row)._replace(shared=bool(row[4])) for row in self._rows(self._sql.searches, account)]

    def exports(self, since: datetime) -> list[Export]:
        return [_export(row) for row in self._rows(self._sql.exports, int(since.timestamp()))]

    def export(self, number: int) -> Export | None:
        return next((_export(row) for row in self._rows(self._sql.export, number)), None)

    def _rows(self, sql: str, *values: Any) -> Any:
        return self._session.rows(sql, values)


class WriteDesk(ReadDesk):
    """The port `DeskWriter`."""

    def save_search(self, new: SavedSearch) -> int:
        ((number,),) = self._rows(self._sql.save_search, *new[1:])
        return number

    def delete_search(self, number: int, account: str) -> bool:
        return self._session.run(self._sql.delete_search, (number, account)) > 0

    def ask_export(self, new: Export) -> int:
        row = new._replace(asked=int(new.asked.timestamp()))  # type: ignore[arg-type]
        ((number,),) = self._rows(self._sql.ask_export, *row[1:])
        return number

    def approve_export(self, number: int, approver: str) -> bool:
        return self._session.run(self._sql.approve_export, (approver, number)) > 0

    def set_sent(self, number: int, sent: int, at: datetime) -> None:
        self._session.run(self._sql.set_sent, (sent, int(at.timestamp()), number))


def _export(row: tuple[Any, ...]) -> Export:
    export = Export(*row)
    sent_at = None if row[10] is None else datetime.fromtimestamp(row[10], UTC)
    return export._replace(asked=datetime.fromtimestamp(row[7], UTC), sent_at=sent_at)
