"""Reading a Patient Identity Feed message: bytes in, a value out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import hl7

from xds.model.hl7 import CX, is_oid
from xds.model.surname import surnames_of_xpn

MAX_PARSED = 16 * 1024

_CHARSETS = {
    "": None,
    "ASCII": None,
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "8859/1": "iso-8859-1",
    "8859/15": "iso-8859-15",
}
_REGISTRATIONS = frozenset({"A01", "A04", "A05", "A08"})
_MERGE = "A40"
_DELIMITERS = "^~\\&"
_NUMBER = re.compile(r"[^\^~\\&|\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of MSH that an acknowledgement answers, as text."""

    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    event: str = ""
    control_id: str = ""
    processing_id: str = "P"
    version: str = "2.3.1"
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What one PID says: the patient's identifiers, those that an MRG after it subsumes, birth date and surnames.

    `birth_date` is None where PID-7 is no whole date. `surnames` are made alike.
    """

    patient_ids: tuple[CX, ...]
    subsumed: tuple[CX, ...] = ()
    birth_date: date | None = None
    surnames: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Feed:
    """A message understood. `identities` has several only in a merge of several patients."""

    header: Header
    identities: tuple[Identity, ...]

    @property
    def is_merge(self) -> bool:
        return self.header.event == _MERGE


@dataclass(frozen=True, slots=True)
class FeedError:
    """Why a message is not accepted.

    `acknowledgement` is AE or AR. `code` is of HL7 table 0357. `segment`, `sequence` and `field` are where; `field`
    is 0 for a segment as a whole. `text` is for a person and repeats nothing of the message.
    Source: HL7 2.5: 2.15.5.
    """

    header: Header
    acknowledgement: str
    code: int
    text: str
    segment: str = "MSH"
    sequence: int = 1
    field: int = 0


class _Unacceptable(Exception):
    def __init__(self, acknowledgement: str, code: int, text: str, segment: str, sequence: int = 1, field: int = 0):
        super().__init__(text)
        self.found = acknowledgement, code, text, segment, sequence, field


def read_feed(message: bytes) -> Feed | FeedError:
    """Read one message, without its MLLP frame; PID-3 and MRG-1 give all identifiers whose authority has an OID.

    Segments may also end in LF or CR LF. Source: ITI TF-2: 3.8.4.1.2 and 3.8.4.2.2.
    """
    segments = re.split(rb"[\r\n]+", message.strip(b"\r\n"))
    header = Header()
    try:
        header = _header(segments[0])
        _check_header(header)
        return Feed(header, tuple(_identities(_parse(segments, header), header.event)))
    except _Unacceptable as error:
        return FeedError(header, *error.found)


def _header(segment: bytes) -> Header:
    fields = segment[:MAX_PARSED].decode("latin-1").split("|")
    # Other delimiters than the recommended ones are not accepted. Source: ITI TF-2: Appendix C.2.
    if fields[0] != "MSH" or len(fields) < 2 or fields[1] != _DELIMITERS:
        raise _Unacceptable("AR", 100, "the message does not begin with MSH|^~\\&|", "MSH")
    fields = [_printable(value) for value in fields] + [""] * 20
    message_type, _, rest = fields[8].partition("^")
    return Header(
        sending_application=fields[2],
        sending_facility=fields[3],
        receiving_application=fields[4],
        receiving_facility=fields[5],
        event=rest.partition("^")[0] if message_type == "ADT" else "",
        control_id=fields[9],
        processing_id=fields[10] or "P",
        version=fields[11].partition("^")[0],
        charset=fields[17].partition("~")[0],
    )


def _printable(value: str) -> str:
    return "".join(character for character in value[:256] if character.isascii() and character.isprintable())


def _check_header(header: Header) -> None:
    if not header.control_id:
        raise _Unacceptable("AR", 101, "MSH-10, the message control id, is missing", "MSH", 1, 10)
    if not header.event:
        raise _Unacceptable("AR", 200, "MSH-9: only ADT messages are accepted", "MSH", 1, 9)
    if header.event not in _REGISTRATIONS and header.event != _MERGE:
        raise _Unacceptable("AR", 201, "MSH-9: only the events A01, A04, A05, A08 and A40 are accepted", "MSH", 1, 9)
    if not header.version.startswith("2."):
        raise _Unacceptable("AR", 203, "MSH-12: only versions 2.x are accepted", "MSH", 1, 12)
    if header.charset not in _CHARSETS:
        raise _Unacceptable("AE", 103, "MSH-18: expected UNICODE UTF-8, 8859/1, 8859/15 or nothing", "MSH", 1, 18)


def _parse(segments: list[bytes], header: Header) -> hl7.Message:
    used = [segment for segment in segments if segment[:4] in (b"MSH|", b"PID|", b"MRG|")]
    content = b"\r".join(used)
    if len(content) > MAX_PARSED:
        raise _Unacceptable("AE", 102, "MSH, PID and MRG are too long together", "PID")
    charset = _CHARSETS[header.charset]
    try:
        text = content.decode(charset or "utf-8")
    except UnicodeDecodeError:
        if charset is not None:
            raise _Unacceptable("AE", 102, "the message is not in the character set of MSH-18", "MSH", 1, 18) from None
        # Nothing was declared: names may be in any 8-bit set, identifiers are ASCII in all of them.
        text = content.decode("iso-8859-1")
    try:
        return hl7.parse(text)
    except (hl7.HL7Exception, LookupError, ValueError):
        raise _Unacceptable("AE", 100, "the message can't be parsed as HL7 v2", "MSH") from None


def _identities(message: hl7.Message, event: str) -> Iterator[Identity]:
    body = list(message)[1:]
    names = [str(segment[0]) for segment in body]
    if "PID" not in names:
        raise _Unacceptable("AE", 100, "PID is missing", "PID")
    if event != _MERGE:
        if names.count("PID") > 1:
            raise _Unacceptable("AE", 100, "more than one PID", "PID", 2)
        patient = body[names.index("PID")]
        born, names = _date(_value(patient, 7, 1, 1, 1)), surnames_of_xpn(str(patient[5]) if len(patient) > 5 else "")
        yield Identity(tuple(_identifiers(patient, 3, 1)), birth_date=born, surnames=names)
        return
    # Each PID is followed by the MRG that it survives. Source: HL7 2.5: 3.3.40 (ADT_A39).
    if names != ["PID", "MRG"] * (len(names) // 2):
        raise _Unacceptable("AE", 100, "A40 needs one MRG after each PID", "MRG")
    for number in range(0, len(body), 2):
        sequence = number // 2 + 1
        surviving = tuple(_identifiers(body[number], 3, sequence))
        yield Identity(surviving, tuple(_identifiers(body[number + 1], 1, sequence)))


def _identifiers(segment: hl7.Segment, field: int, sequence: int) -> Iterator[CX]:
    """The identifiers of a CX field; one without the OID of an authority is no key of the domain and is left out."""
    for repetition in range(1, _repetitions(segment, field) + 1):
        authority = _value(segment, field, repetition, 4, 2).strip()
        kind = _value(segment, field, repetition, 4, 3).strip()
        number = _value(segment, field, repetition, 1, 1).strip()
        if not is_oid(authority) or kind not in ("ISO", ""):
            continue
        if not _NUMBER.fullmatch(number):
            name = str(segment[0])
            text = f"{name}-{field}: an identifier is empty or has delimiters or control characters"
            raise _Unacceptable("AE", 102, text, name, sequence, field)
        yield CX(number, authority)


def _date(dtm: str) -> date | None:
    try:
        return datetime.strptime(dtm[:8], "%Y%m%d").date() if len(dtm) >= 8 else None
    except ValueError:
        return None


def _repetitions(segment: hl7.Segment, field: int) -> int:
    return len(segment[field]) if len(segment) > field else 0


def _value(segment: hl7.Segment, field: int, repetition: int, component: int, subcomponent: int) -> str:
    try:
        return str(segment.extract_field(1, field, repetition, component, subcomponent))
    except LookupError:
        return ""
