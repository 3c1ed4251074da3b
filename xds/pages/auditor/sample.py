"""A random sample of the log, which a colleague can draw again from the same seed and size of the log."""

from __future__ import annotations

from dataclasses import replace

from multidict import MultiDict

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
    """So many records of a selection; `omvang` is how many records the log had when the sample was drawn, because
    every look at it adds one.
    """
    question = question_of(ask)
    seed = ask.query.get("zaad", "").strip() or dutch_time(ask.now).strftime("%Y-%m-%d")
    count = min(_number(ask, "aantal", _USUAL), _MOST)
    if len(seed) > _LONGEST:
        raise Missing

    def look(reader: Reader) -> tuple[int, int, list[Kept]]:
        size = reader.log.head().size
        below = min(_number(ask, "omvang", size), size)
        total, kept = reader.log.sample(question.selection, below, lambda total: drawn(seed, total, count))
        return below, total, kept

    below, total, kept = await ask.read(look)
    lines = lines_of(ask, kept)
    listing = Listing("steekproef", f"Steekproef van {len(lines)} uit {grouped(total)} regels", columns(ask), lines)
    words = (*question.words, ("zaad", seed), ("aantal", str(count)), ("omvang van het logboek", str(below)))
    query = MultiDict(ask.query)
    query.update({"zaad": seed, "aantal": str(count), "omvang": str(below)})
    context = {"question": question, "seed": seed, "count": count, "size": below, "fixed": replace(ask, query=query)}
    return View("auditor/sample.html", Seen("Steekproef", words, patients_of(question, lines)), context, listing)


def _number(ask: Ask, name: str, otherwise: int) -> int:
    text = ask.query.get(name, "")
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) == 0:
        raise Missing
    return int(text)
