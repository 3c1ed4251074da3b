"""The HL7 v2 datatypes that metadata uses. Source: ITI TF-3: Table 4.2.3.1.7-2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_DTM_LENGTHS = (4, 6, 8, 10, 12, 14)
_DTM_BEGINS = "YYYY0101000000"
"""What the parts that a DTM leaves out begin with."""
_DAY_OF_1970 = date(1970, 1, 1).toordinal()


def is_oid(text: str) -> bool:
    """Whether `text` is a bare OID of at most 64 characters. Source: ITI TF-3: Table 4.2.3.1.7-2 (OID)."""
    return len(text) <= 64 and _OID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class CX:
    """A person's number at an assigning authority; `authority` is a bare OID."""

    number: str
    authority: str

    def __str__(self) -> str:
        return f"{self.number}^^^&{self.authority}&ISO"


@lru_cache(maxsize=1024)  # a request names its patient several times: in a parameter, in what is found, in the log
def parse_cx(text: str) -> CX:
    """Read `number^^^&oid&ISO`; ValueError says what is wrong with it, without repeating the number.

    Source: ITI TF-3: Table 4.2.3.1.7-2 (CX).
    """
    components = text.split("^")
    if len(components) < 4 or any(components[4:]):
        raise ValueError("expected number^^^&OID&ISO")
    number, second, third, authority = components[:4]
    if not number or number.strip() != number:
        raise ValueError("the number before ^^^ is empty or has blanks around it")
    if second or third:
        raise ValueError("components 2 and 3 must be empty")
    parts = authority.split("&")
    if len(parts) != 3 or parts[0] or parts[2] != "ISO":
        raise ValueError("the assigning authority must be &OID&ISO, without a namespace name")
    if not is_oid(parts[1]):
        raise ValueError("the assigning authority is not an OID")
    return CX(number, parts[1])


def cx_or_none(text: str | None) -> CX | None:
    """The same for what others sent; None when it is no CX."""
    try:
        return parse_cx(text or "")
    except ValueError:
        return None


@lru_cache(maxsize=1024)  # a time is read when it is checked, when it is compared and when it is stored
def dtm_moment(text: str) -> int:
    """The moment that a DTM of any precision (YYYY[MM[DD[hh[mm[ss]]]]], UTC) begins, in seconds since 1970.

    ValueError when it is no date. Source: ITI TF-3: Table 4.2.3.1.7-2 (DTM).
    """
    if len(text) not in _DTM_LENGTHS or not (text.isascii() and text.isdigit()):
        raise ValueError("expected YYYY[MM[DD[hh[mm[ss]]]]]")
    whole = text + _DTM_BEGINS[len(text) :]
    hour, minute, second = int(whole[8:10]), int(whole[10:12]), int(whole[12:])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("not a time of day")
    try:
        day = date(int(whole[:4]), int(whole[4:6]), int(whole[6:8]))
    except ValueError:
        raise ValueError("not a calendar date") from None
    return (((day.toordinal() - _DAY_OF_1970) * 24 + hour) * 60 + minute) * 60 + second


def check_xcn(text: str) -> None:
    """ValueError unless `text` names a person: an identifier (component 1) or a name (2 or 3) is present.

    Source: ITI TF-3: Table 4.2.3.1.7-2 (XCN).
    """
    components = text.split("^")
    if not any(part.strip() for part in components[:3]):
        raise ValueError("XCN needs an identifier, a family name or a given name")
    if len(components) > 8 and components[8]:
        _check_authority(components[8], "XCN component 9")


def check_xon(text: str) -> None:
    """ValueError unless `text` is an organisation: a name; with an id that isn't an OID, its authority.

    Source: ITI TF-3: Table 4.2.3.1.7-2 (XON).
    """
    components = text.split("^")
    if not components[0].strip():
        raise ValueError("XON needs the organisation's name as component 1")
    if len(components) > 5 and components[5]:
        _check_authority(components[5], "XON component 6")
    number = components[9] if len(components) > 9 else ""
    if number and not is_oid(number) and not (len(components) > 5 and components[5]):
        raise ValueError("XON component 10 is no OID, so component 6 must name its assigning authority")


def _check_authority(text: str, where: str) -> None:
    parts = text.split("&")
    if len(parts) != 3 or parts[2] != "ISO" or not is_oid(parts[1]):
        raise ValueError(f"{where} must be &OID&ISO")


def check_xtn(text: str) -> None:
    """ValueError unless `text` is a telecommunication address: ^^Internet^address, or ^PRN^PH^… with a number.

    Source: ITI TF-3: Table 4.2.3.1.7-2 (XTN).
    """
    components = text.split("^")
    if not any(part.strip() for part in (components[0], *components[3:])):
        raise ValueError("XTN needs an address or a number, for example ^^Internet^name@example.nl")


def check_reference_id(text: str) -> None:
    """ValueError unless `text` is a CXi: an id in component 1 and a type URN in component 5.

    Source: ITI TF-3: Table 4.2.3.1.7-2 (CXi).
    """
    components = text.split("^")
    if len(components) < 5 or not components[0] or not components[4]:
        raise ValueError("expected id^^^&OID&ISO^type, with the type in component 5")
    if components[3]:
        _check_authority(components[3], "CXi component 4")
