"""Writing the answer to a Patient Identity Feed message."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from xds.mllp.feed import Feed, FeedError, Header


def accept(feed: Feed, now: datetime | None = None) -> bytes:
    """AA: the message was understood and is durable. Source: ITI TF-2: 3.8.4.1.3."""
    return _message(feed.header, ["MSA|AA|" + feed.header.control_id], now)


def reject(error: FeedError, now: datetime | None = None) -> bytes:
    """AE or AR, with what is wrong and where in ERR, in the form of the message's own version.

    Source: HL7 2.3.1: 2.24.2 (ERR-1); HL7 2.5: 2.15.5 (ERR-2, 3, 4, 8).
    """
    text = error.text.replace("\\", "\\E\\").replace("|", "\\F\\").replace("^", "\\S\\")
    text = text.replace("~", "\\R\\").replace("&", "\\T\\")
    field = str(error.field) if error.field else ""
    place = f"{error.segment}^{error.sequence}^{field}"
    if error.header.version < "2.5":
        err = f"ERR|{place}^{error.code}&{text}&HL70357"
    else:
        err = f"ERR||{place.rstrip('^')}|{error.code}^{text}^HL70357|E||||{text}"
    return _message(error.header, [f"MSA|{error.acknowledgement}|{error.header.control_id}|{text}", err], now)


def _message(header: Header, segments: list[str], now: datetime | None) -> bytes:
    fields = [
        "MSH",
        "^~\\&",
        header.receiving_application,
        header.receiving_facility,
        header.sending_application,
        header.sending_facility,
        (now or datetime.now(UTC)).strftime("%Y%m%d%H%M%S+0000"),
        "",
        _message_type(header),
        secrets.token_hex(10),
        header.processing_id,
        header.version or "2.3.1",
    ]
    if header.charset:
        fields += [""] * 5 + [header.charset]
    return "".join(segment + "\r" for segment in ["|".join(fields), *segments]).encode("ascii")


def _message_type(header: Header) -> str:
    """ACK, the event and, since 2.5, the structure. Source: ITI TF-2: Appendix C.2.3."""
    if not header.event:
        return "ACK"
    return f"ACK^{header.event}^ACK" if header.version >= "2.5" else f"ACK^{header.event}"
