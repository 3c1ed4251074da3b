"""A random sample of the log, which a colleague can draw again from the same seed."""

from __future__ import annotations

from xds.audit.sample import drawn
from xds.model.audit import Kept
from xds.model.dutch_time import dutch_time
from xds.pages.ask import Ask, Missing, Seen, View
from xds.pages.auditor.log import columns, lines_of, patients_of
from xds.pages.auditor.question import question_of
from xds.pages.listing import Listing, grouped
from xds.ports import Reader

_MOST, _USUAL, _LONGEST = 200, 20, 100


async def sample(ask: Ask) -> View:
    """So many records of a selection; `onder` fixes where the log ended when the sample was drawn."""
    question = question_of(ask)
    seed = ask.query.get("zaad", "").strip() or dutch_time(ask.now).strftime("%Y-%m-%d")
    count = min(_number(ask, "aantal", _USUAL), _MOST)
    if len(seed) > _LONGEST:
        raise Missing

    def look(reader: Reader) -> tuple[int, int, list[Kept]]:
        size = reader.log.head().size
        below = min(_number(ask, "onder", size), size)
        total, kept = reader.log.sample(question.selection, below, lambda total: drawn(seed, total, count))
        return below, total, kept

    below, total, kept = await ask.read(look)
    lines = lines_of(ask, kept)
    listing = Listing("steekproef", f"Steekproef van {len(lines)} uit {grouped(total)} regels", columns(ask), lines)
    words = (*question.words, ("zaad", seed), ("aantal", str(count)), ("onder regel", str(below)))
    context = {"question": question, "seed": seed, "count": count,
               "lasting": ask.url(zaad=seed, aantal=str(count), onder=str(below))}  # fmt: skip
    return View("auditor/sample.html", Seen("Steekproef", words, patients_of(question, lines)), context, listing)


def _number(ask: Ask, name: str, otherwise: int) -> int:
    text = ask.query.get(name, "")
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) == 0:
        raise Missing
    return int(text)
