"""The first page that an auditor sees."""

from __future__ import annotations

from xds.model.audit import Head, Note
from xds.pages.ask import Ask, Seen, View
from xds.ports import Reader


async def start(ask: Ask) -> View:
    """How much there is in the log, and whether it is sealed and anchored."""

    def question(reader: Reader) -> tuple[Head, Note | None, Note | None]:
        return reader.log.head(), reader.log.newest_note(), reader.log.newest_anchored()

    head, note, anchored = await ask.read(question)
    return View(
        "auditor/start.html", Seen("Startpagina"), {"head": head, "note": note, "anchored": anchored, "now": ask.now}
    )
