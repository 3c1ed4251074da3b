"""Whether someone may see something, and why: what authorisation decides and the log records."""

from __future__ import annotations

from typing import NamedTuple


class Checks(NamedTuple):
    """What was checked, and whether it held; None: not checked, or not needed. Source: NEN 7513: 7.2.6 (controles)."""

    authorisation: bool | None = None
    treatment_relation: bool | None = None
    consent: bool | None = None
    emergency: bool = False

    def __str__(self) -> str:
        """Four letters, T or F, in the order of the norm."""
        return "".join("T" if held else "F" for held in self)


class Grounds(NamedTuple):
    """What a decision rests on; "" where that was not needed.

    `authorisation` is the version of the authorisation matrix, `treatment_relation` what shows the relation, and
    `consent` the consent profile. Source: NEN 7513: 7.4.6 (autorisatieprotocol), 7.4.7 (behandelrelatieprotocol),
    7.4.8 (toestemmingsprofiel).
    """

    authorisation: str = ""
    treatment_relation: str = ""
    consent: str = ""


class Verdict(NamedTuple):
    """A decision on one request or object.

    `rule` names the rule that decided, `version` the version of the matrix or the number of the consent record
    that it was found in, and `reason` says it in a sentence, in Dutch, for the client and the auditor.
    """

    permitted: bool
    rule: str
    version: str
    reason: str
    checks: Checks = Checks()
    grounds: Grounds = Grounds()
