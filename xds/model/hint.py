"""What an auditor found when looking into a hint."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class Finding(StrEnum):
    """What became of a hint."""

    IN_ORDER = "in-order"
    INVESTIGATE = "investigate"
    UNLAWFUL = "unlawful"


class Review(NamedTuple):
    """A look into a hint, which is `hint` (32 hex digits) and was raised by `rule` about a day of an employee.

    `reviewer` is an auditor's account, `reviewer_name` the person's name then. The newest review of a hint counts.
    """

    hint: str
    rule: str
    day: date
    employee: str
    organisation: str
    finding: Finding
    remark: str
    reviewer: str
    reviewer_name: str
    at: datetime
