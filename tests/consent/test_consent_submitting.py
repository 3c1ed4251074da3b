"""What the log is told of a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from samples import PATIENT, entry, submission

from xds.consent.submitting import submitted
from xds.model.audit import Access, Event
from xds.transaction import Context

NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
HALF = ("PID-5|van Dijk-Bakker^Eva", "PID-7|19950102")


def told(codes: Sequence[str], *entries: Any) -> Event:
    """The event of a submission of these."""

    def event(outcome: int, accesses: Sequence[Access] = (), **said: str) -> Event:
        return Event("r", "ITI-42", NOW, outcome, accesses=accesses, **said)

    found = submitted(submission(*entries), Context("r", None, None, {}, NOW, event=event), codes)
    assert found is not None
    return found


def test_the_surnames_in_source_patient_info_are_told_of_what_is_accepted() -> None:
    first, second = entry("Document01"), entry("Document02", source_patient_info=HALF)
    silent = entry("Document03", source_patient_info=("PID-7|19950102",))

    (access,) = told((), first, second, silent).accesses
    assert (str(access.patient), access.surnames) == (PATIENT, {"vries", "dijk", "bakker"})
    assert [each.surnames for each in told(("XDSRegistryError",), first).accesses] == [frozenset()]
    assert [each.surnames for each in told((), silent).accesses] == [frozenset()]
