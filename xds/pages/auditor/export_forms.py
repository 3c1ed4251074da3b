"""The forms in which records are taken away, made piece by piece."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from xds.audit import fhir, nen7513
from xds.audit.bundle import CHECKPOINTS, RECORDS, proven, selection_header
from xds.audit.checkpoint import said
from xds.model.audit import Kept, Record
from xds.model.dutch_time import dutch_time
from xds.pages.access.viewer import ROLES
from xds.pages.ask import Ask, Format, Missing
from xds.pages.auditor.log import Line, columns, lines_of, organisation, role, who
from xds.pages.auditor.question import Question
from xds.pages.listing import Listing, grouped, to_csv
from xds.pages.pdf import to_pdf
from xds.ports import Reader

Lines = AsyncIterator[Sequence[Kept]]
PDF_MOST = 5000
"""Records of a PDF: a longer document is read by nobody, and takes much memory to make."""
_READ_ME = """Bewijspakket uit het logboek

log.ndjson    de regels, elk met het bewijs dat zij in het logboek staat
checkpoints   de ondertekende controlepunten van het logboek

Controleer het met: xds audit verify MAP --key SLEUTEL
Of zonder dit programma, met scripts/verify-audit uit de broncode: verify-audit MAP SLEUTEL
SLEUTEL is de openbare sleutel van het logboek. Vraag die aan de beheerder, of neem hem van zijn website.
"""


class Taken(NamedTuple):
    """What is taken away: the lines below a seq that a question asks for."""

    question: Question
    lines: Lines
    below: int


class Form(NamedTuple):
    """`make` gives the pieces of a file."""

    label: str
    suffix: str
    content_type: str
    make: Callable[[Ask, Taken], AsyncIterator[bytes]]


async def _csv(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    wide = columns(replace(ask, format=Format.CSV))
    yield to_csv(Listing("", "", wide, []))
    async for some in taken.lines:
        rows = to_csv(Listing("", "", wide, lines_of(ask, list(some))))
        yield rows.partition(b"\r\n")[2]


async def _nen7513(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    begin, end = nen7513.document([])
    yield begin
    async for some in taken.lines:
        pieces = list(nen7513.document((line.seq, line.record) for line in _said(ask, some)))
        yield b"".join(pieces[1:-1])
    yield end


async def _fhir(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    async for some in taken.lines:
        events = (fhir.audit_event(line.seq, line.record) for line in _said(ask, some))
        yield b"".join(msgspec.json.encode(event) + b"\n" for event in events)


async def _pdf(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    """The list as a document."""
    found: list[Line] = []
    async for some in taken.lines:
        found += _said(ask, some)
    listing = Listing("", "", columns(ask), found, empty="Er zijn geen regels.")
    yield await asyncio.to_thread(to_pdf, "Regels uit het logboek", _heading(ask, taken, found), listing, ask.now)


def _heading(ask: Ask, taken: Taken, found: Sequence[Line]) -> list[str]:
    """What a document has, who took it and when."""
    spelt = taken.question.spelt(_labels(found[0].record) if found else {})
    chosen = "; ".join(f"{label}: {text}" for label, text in spelt) or "alle regels die de maker mag zien"
    auditor, made = ask.session.auditor, dutch_time(ask.now)
    if auditor is None:
        raise Missing
    of = "" if auditor.organisation is None else f", voor de organisatie met URA {auditor.organisation}"
    return [
        f"Keuze: {chosen}.",
        taken.question.period.sentence,
        f"Aantal regels: {grouped(len(found))}, van de eerste {grouped(taken.below)} regels van het logboek.",
        f"Gemaakt door {auditor.name} ({auditor.account}), {ROLES[auditor.role].lower()}{of}, op {made:%d-%m-%Y} om "
        f"{made:%H:%M} uur.",
    ]


def _labels(record: Record) -> dict[str, str | None]:
    """What a record calls the values by which it was chosen, by the name of the facet."""
    purpose = None if record.purpose is None else record.purpose.display
    return {"organisation": organisation(record), "role": role(record), "employee": who(record), "purpose": purpose}


async def _bundle(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    """A ZIP archive whose records prove themselves under the checkpoint of all below their bound."""
    notes = await ask.read(lambda reader: [note for note in reader.log.notes() if note.size <= taken.below])
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LEESMIJ.txt", _READ_ME)
        archive.writestr(CHECKPOINTS, "\n".join(note.text for note in notes))
        with archive.open(RECORDS, "w", force_zip64=True) as file:
            file.write(selection_header(said(notes[-1].text).origin))
            async for some in taken.lines:
                seqs = [kept.leaf.seq for kept in some]

                def look(reader: Reader, seqs: list[int] = seqs) -> dict[int, list[bytes]]:
                    return reader.log.proofs(seqs, taken.below)

                paths = await ask.read(look)
                for kept in some:
                    file.write(proven(kept, paths[kept.leaf.seq]))
                yield sink.taken()
    yield sink.taken()


FORMS: dict[str, Form] = {
    "csv": Form("Rekenblad (CSV)", "csv", "text/csv", _csv),
    "nen7513": Form("NEN 7513 (XML)", "xml", "application/xml", _nen7513),
    "fhir": Form("FHIR AuditEvent (een per regel)", "ndjson", "application/fhir+ndjson", _fhir),
    "pdf": Form("Document om te bewaren (PDF/A)", "pdf", "application/pdf", _pdf),
    "bewijs": Form("Bewijspakket, dat een ander kan controleren (ZIP)", "zip", "application/zip", _bundle),
}


def _said(ask: Ask, some: Sequence[Kept]) -> list[Line]:
    return lines_of(ask, list(some))


class _Sink(io.RawIOBase):
    """Takes what is written, and gives it away."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        whole, self._pieces = b"".join(self._pieces), []
        return whole
