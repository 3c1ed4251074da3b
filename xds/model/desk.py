"""What auditors keep of their work: questions to the log, and exports that they asked for."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class SavedSearch(NamedTuple):
    """A question with a name. `words` is the query of the log's address; `shared` ones are offered to every auditor."""

    id: int
    account: str
    name: str
    words: str
    shared: bool


class Export(NamedTuple):
    """Records that an auditor asked to take away: those below seq `below` that `words` asks for, `total` in all.

    `approver` is the account of the second person, where there are so many that it takes one; None until then.
    `sent` of them went out so far, the last at `sent_at`; None when nobody fetched it yet. Moments are UTC.
    """

    id: int
    account: str
    organisation: str | None
    words: str
    form: str
    below: int
    total: int
    asked: datetime
    approver: str | None = None
    sent: int | None = None
    sent_at: datetime | None = None
