"""Who may speak for a client, by age.

Source: WGBO, 7:447, 7:450 and 7:465 BW: under 12 the parents with authority, from 12 to 15 the child and they, from 16
the child.
"""

from __future__ import annotations

from datetime import date, datetime

from xds.model.consent import Giver
from xds.model.dutch_time import dutch_time

_JOINED_AT = 12
_ALONE_AT = 16


def age_at(moment: datetime, birth_date: date | None) -> int:
    """The age in whole years; a client whose birth date is not known counts as an adult."""
    if birth_date is None:
        return _ALONE_AT
    day = dutch_time(moment)
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def may_look(giver: Giver, age: int) -> bool:
    """Whether they may see who looked in the client's dossier: from 12 to 15 both may. Source: WGBO, 7:457 BW, 3."""
    return age < _ALONE_AT if giver is Giver.PARENT else age >= _JOINED_AT


def may_permit(givers: frozenset[Giver], age: int) -> bool:
    """Whether they can together allow more than before."""
    if age >= _ALONE_AT:
        return Giver.CLIENT in givers
    if age >= _JOINED_AT:
        return givers == {Giver.CLIENT, Giver.PARENT}
    return Giver.PARENT in givers


def may_object(givers: frozenset[Giver], age: int) -> bool:
    """Whether they can allow less than before: from 12 to 15 each can, because a permit needs both."""
    if age >= _ALONE_AT:
        return Giver.CLIENT in givers
    if age >= _JOINED_AT:
        return bool(givers)
    return Giver.PARENT in givers
