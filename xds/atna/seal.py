"""Sign what was appended, have it anchored, and index it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from xds.atna.anchor import Anchor, unknown_to
from xds.audit.checkpoint import Signer, read_note
from xds.errors import Misconfigured, Unavailable, reason_of
from xds.model.audit import Note
from xds.ports import Index

_INDEXED_AT_ONCE = 200
"""Records: more would make requests wait, while the database is locked for it."""
_BETWEEN = 0.03
"""Seconds from one such change to the next: requests that waited for one should not meet the next."""
_BATCHES = 50
_LOOK_SECONDS = 1.0

_log = structlog.get_logger()


class Sealer:
    """Makes checkpoints of one log. `signer` reads its key, each time anew: it may be away, or come back."""

    def __init__(
        self, index: Index, signer: Callable[[], Signer], anchors: Sequence[Anchor], now: Callable[[], datetime]
    ):
        self._index = index
        self._signer = signer
        self._anchors = anchors
        self._now = now

    async def run(self, seconds: float, records: int) -> None:
        """Seal every so many seconds, and as soon as there are so many new records, until cancelled.

        Meanwhile what is new is indexed every second.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                head = await self._index.read(lambda reader: reader.log.head())
                newest = await self._index.read(lambda reader: reader.log.newest_note())
                if loop.time() >= due or head.size - (newest.size if newest else 0) >= records:
                    due = loop.time() + seconds
                    await self.seal()
                await self.index(_BATCHES)
            except Exception as error:
                _log.error("the log was not sealed or indexed", reason=reason_of(error))
            await asyncio.sleep(_LOOK_SECONDS)

    async def seal(self) -> Note | None:
        """The newest checkpoint, made now when records were appended since; None while the log is empty.

        It is anchored when one anchor keeps it. Unavailable when the database can't be written, Misconfigured when the
        key is away, or is not the one that signed before.
        """
        head, newest = await self._index.read(lambda reader: (reader.log.head(), reader.log.newest_note()))
        if head.size > (0 if newest is None else newest.size):
            signer = await asyncio.to_thread(self._signer)
            _check_key(newest, signer)
            moment = self._now()
            text, time = signer.note(head, moment), int(moment.timestamp() * 1_000_000)
            await self._index.write(lambda writer: writer.log.add_note(head.size, time, text))
            newest = await self._index.read(lambda reader: reader.log.newest_note())
        if newest is not None and newest.anchored is None and await self._anchor(newest):
            newest = newest._replace(anchored=int(self._now().timestamp() * 1_000_000))
            await self._index.write(lambda writer: writer.log.set_anchored(newest.size, newest.anchored))
        return newest

    async def index(self, batches: int) -> None:
        """Make what was appended quick to find, in at most so many changes."""
        for _ in range(batches):
            if await self._index.write(lambda writer: writer.log.index(_INDEXED_AT_ONCE)) < _INDEXED_AT_ONCE:
                return
            await asyncio.sleep(_BETWEEN)

    async def _anchor(self, note: Note) -> bool:
        """Whether one of the anchors keeps it. One that has another log's is left as it is: that is proof."""
        kept = False
        strange = await unknown_to(self._index, self._anchors, note.text.partition("\n")[0])
        for anchor in self._anchors:
            if anchor in strange:
                _log.error("a checkpoint was not anchored", size=note.size, reason="the anchor has one of another log")
                continue
            try:
                await anchor.keep(note.size, note.text)
                kept = True
            except Unavailable as error:
                _log.error("a checkpoint was not anchored", size=note.size, reason=str(error))
        return kept


def _check_key(newest: Note | None, signer: Signer) -> None:
    """Misconfigured when the newest checkpoint was signed with another key: nobody could verify the log as a whole."""
    if newest is None:
        return
    try:
        read_note(newest.text, signer.key)
    except ValueError:
        name = newest.text.partition("\n")[0]
        raise Misconfigured(f"audit.signing_key, audit.origin: not those that signed before, as {name}") from None
