"""The requests of a portal, as they are read from JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from xds.model.consent import (
    Channel,
    Consent,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
    Subject,
    TreatmentRelation,
)
from xds.model.dutch_time import dutch_midnight

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
ScopeText = Annotated[str, Meta(pattern=r"^(any|(category|organisation|person):[!-~]{1,128})$")]
"""any, category:CODE, organisation:URA or person:NUMBER@OID."""


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """About one client; `patient` is a CX."""

    patient: Text


class Look(_Request, frozen=True, kw_only=True):
    """Which words are there?"""

    recorded_by: Text


class Withdraw(_Request, frozen=True, kw_only=True):
    """A client's earlier word on a subject no longer holds."""

    holder: ScopeText
    category: Code | None = None
    consumer: ScopeText = "any"
    given_by: frozenset[Giver] = frozenset({Giver.CLIENT})
    channel: Channel = Channel.PORTAL
    recorded_by: Text

    def word(self, now: datetime) -> Consent:
        subject = Subject(_scope(self.holder), self.category, _scope(self.consumer))
        return Consent(0, subject, Decision.WITHDRAWN, now, None, self.given_by, self.channel, self.recorded_by, now)


class Record(Withdraw, frozen=True, kw_only=True):
    """A client permits or objects; the days are of the Netherlands, `until` is the first that it no longer counts."""

    decision: Annotated[str, Meta(pattern="^(permit|deny)$")]
    since: date | None = msgspec.field(default=None, name="from")
    until: date | None = None
    in_emergency: bool = False
    birth_date: date | None = None

    def word(self, now: datetime) -> Consent:
        return replace(
            super().word(now),
            decision=Decision(self.decision),
            since=now if self.since is None else dutch_midnight(self.since),
            until=None if self.until is None else dutch_midnight(self.until),
            in_emergency=self.in_emergency,
        )


class Relate(_Request, frozen=True, kw_only=True):
    """The participant treats the client, or does so no longer (`end`)."""

    since: date | None = msgspec.field(default=None, name="from")
    until: date | None = None
    end: bool = False
    recorded_by: Text

    def relation(self, ura: str, now: datetime) -> TreatmentRelation:
        begins = now if self.since is None else dutch_midnight(self.since)
        return TreatmentRelation(
            0, ura, begins, None if self.until is None else dutch_midnight(self.until), Ground.REGISTERED
        )


class Informed(_Request, frozen=True, kw_only=True):
    """The client was told of a category of organisations that joined."""

    category: Code
    recorded_by: Text


def _scope(text: str) -> Scope:
    kind, _, code = text.partition(":")
    return Scope(ScopeKind(kind), code)
