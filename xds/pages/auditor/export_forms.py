"""The forms in which records are taken away, made piece by piece."""

from __future__ import annotations

import asyncio
import io
import zipfile
import zlib
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import msgspec

from xds.audit import fhir, nen7513
from xds.audit.bundle import CHECKPOINTS, MANIFEST, RECORDS, proven, selection_header
from xds.audit.checkpoint import Signer
from xds.audit.manifest import write_manifest
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
_READ_ME = """Dit pakket bevat burgerservicenummers.
Zij staan in log.ndjson, bij elke regel over een cliënt. In lijst.csv staan zij niet.
Stuur het alleen aan wie deze nummers mag verwerken, en alleen versleuteld.

Bewijspakket uit het logboek

lijst.csv     de regels om te lezen, in een rekenblad
log.ndjson    de regels zelf, elk met het bewijs dat zij in het logboek staat
manifest      welke regels dit zijn en waarom: ondertekend, zodat niemand er een weglaat of toevoegt
checkpoints   de ondertekende controlepunten van het logboek

Zo controleert u het:
1. Pak dit bestand uit in een map.
2. Haal de openbare sleutel van het logboek op deze pagina, en zet de regel in een bestand:
   {address}
   Gebruik nooit een sleutel die iemand bij het pakket doet.
3. Voer uit: xds audit verify MAP --key SLEUTELBESTAND
   Of zonder dit programma: python verify-audit MAP SLEUTELBESTAND
   Vraag verify-audit aan de beheerder van het logboek: het is één kort bestand, scripts/verify-audit in de broncode van
   xds, dat u zelf kunt lezen. Het heeft Python 3.11 of nieuwer nodig, met het pakket cryptography:
   python -m pip install cryptography
   Het programma zegt hoeveel regels het controleerde, van hoeveel, en welke regel als eerste niet klopt.
4. De regio kan controlepunten ook buiten het logboek laten bewaren, bij een ander. Vraag wie dat is aan het contact op
   de pagina "Uw rechten", of aan degene die u dit pakket gaf. Vraag die ander om de controlepunten, en controleer:
   xds audit verify MAP --key SLEUTELBESTAND --anchor MAP_MET_CONTROLEPUNTEN
   Zo ziet u of ook wie de geheime sleutel heeft niets heeft veranderd.
"""
_LIST = "lijst.csv"


class Taken(NamedTuple):
    """What is taken away: the lines below a seq that a question asks for.

    `signer` signs a bundle, and is None for other forms; `key_address` is where its reader finds the key.
    """

    question: Question
    lines: Lines
    below: int
    signer: Signer | None
    key_address: str


class Form(NamedTuple):
    """`make` gives the pieces of a file, in which clients' numbers stand when it is `numbered`."""

    label: str
    suffix: str
    content_type: str
    make: Callable[[Ask, Taken], AsyncIterator[bytes]]
    numbered: bool = False


async def _csv(ask: Ask, taken: Taken) -> AsyncIterator[bytes]:
    yield _headings(ask)
    async for some in taken.lines:
        yield _rows(ask, some)


def _headings(ask: Ask) -> bytes:
    return to_csv(Listing("", "", columns(replace(ask, format=Format.CSV)), []))


def _rows(ask: Ask, some: Sequence[Kept]) -> bytes:
    rows = to_csv(Listing("", "", columns(replace(ask, format=Format.CSV)), _said(ask, some)))
    return rows.partition(b"\r\n")[2]


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
    """A ZIP archive whose records prove themselves under the checkpoint of all below their bound.

    The list waits packed in memory, a tenth of its size, because a file of an archive is written in one go.
    """
    signer = taken.signer
    assert signer is not None
    notes = await ask.read(lambda reader: [note for note in reader.log.notes() if note.size <= taken.below])
    sink, seqs, listed = _Sink(), array("q"), list[bytes]()
    records, shown = _Digested(), _Digested()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LEESMIJ.txt", _READ_ME.format(address=taken.key_address))
        archive.writestr(CHECKPOINTS, "\n".join(note.text for note in notes))
        with archive.open(RECORDS, "w", force_zip64=True) as file:
            file.write(records.told(selection_header(signer.key.name)))
            async for some in taken.lines:
                new = [kept.leaf.seq for kept in some]
                seqs.extend(new)

                def look(reader: Reader, new: list[int] = new) -> dict[int, list[bytes]]:
                    return reader.log.proofs(new, taken.below)

                paths = await ask.read(look)
                for kept in some:
                    file.write(records.told(proven(kept, paths[kept.leaf.seq])))
                listed.append(zlib.compress(_rows(ask, some)))
                yield sink.taken()
        with archive.open(_LIST, "w", force_zip64=True) as file:
            file.write(shown.told(_headings(ask)))
            for packed in listed:
                file.write(shown.told(zlib.decompress(packed)))
                yield sink.taken()
        digests = {RECORDS: records.hexdigest(), _LIST: shown.hexdigest()}
        archive.writestr(MANIFEST, write_manifest(signer, taken.below, seqs, digests, _in_words(ask, taken), ask.now))
    yield sink.taken()


def _in_words(ask: Ask, taken: Taken) -> str:
    """What was asked for, and within what: of a client only that there is one."""
    bound = () if ask.bound is None else (("Gezien door de organisatie met URA", ask.bound),)
    return ", ".join(f"{label}: {text}" for label, text in (*bound, *taken.question.words)) or "alle regels"


FORMS: dict[str, Form] = {
    "csv": Form("Rekenblad (CSV)", "csv", "text/csv", _csv),
    "nen7513": Form("NEN 7513 (XML)", "xml", "application/xml", _nen7513, True),
    "fhir": Form("FHIR AuditEvent (een per regel)", "ndjson", "application/fhir+ndjson", _fhir, True),
    "pdf": Form("Document om te bewaren (PDF/A)", "pdf", "application/pdf", _pdf),
    "bewijs": Form("Bewijspakket, dat een ander kan controleren (ZIP)", "zip", "application/zip", _bundle, True),
}


def _said(ask: Ask, some: Sequence[Kept]) -> list[Line]:
    return lines_of(ask, list(some))


class _Digested:
    """The SHA-256 of what passes."""

    def __init__(self) -> None:
        self._digest = sha256()
        self.hexdigest = self._digest.hexdigest

    def told(self, piece: bytes) -> bytes:
        self._digest.update(piece)
        return piece


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
