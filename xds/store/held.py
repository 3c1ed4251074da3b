"""What the index holds, sorted by address once for a whole walk through the store."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from xds.model.stored import Holding
from xds.store.disk import disk_errors

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""The first two hex digits of the addresses, in order."""

Page = Callable[[str, int], Awaitable[Sequence[Holding]]]
"""At most so many holdings in order of uniqueId, beginning after a uniqueId ("" for the first)."""

_PAGE = 10_000
_RECORD = struct.Struct(">32sQ")


class Held:
    """The size by address of every document held, in 256 files: as much in memory as has one prefix."""

    def __init__(self, folder: Path):
        self._folder = folder

    async def under(self, prefix: str) -> dict[str, int]:
        """The documents whose address begins with these two hex digits."""
        return await asyncio.to_thread(self._read, prefix)

    def add(self, holdings: Sequence[Holding]) -> None:
        records: dict[str, list[bytes]] = {}
        for holding in holdings:
            record = _RECORD.pack(bytes.fromhex(holding.address), holding.size)
            records.setdefault(holding.address[:2], []).append(record)
        with disk_errors():
            for prefix, some in records.items():
                with (self._folder / prefix).open("ab") as file:
                    file.write(b"".join(some))

    def _read(self, prefix: str) -> dict[str, int]:
        path = self._folder / prefix
        with disk_errors():
            content = path.read_bytes() if path.exists() else b""
        return {address.hex(): size for address, size in _RECORD.iter_unpack(content)}


@asynccontextmanager
async def by_address(page: Page) -> AsyncIterator[Held]:
    """Walk through the index once, in short transactions.

    What is recorded or released meanwhile may be in or not. Unavailable when the index or the disk fails.
    """
    with tempfile.TemporaryDirectory(prefix="xds-held-") as folder:
        held = Held(Path(folder))
        after = ""
        while holdings := await page(after, _PAGE):
            await asyncio.to_thread(held.add, holdings)
            after = holdings[-1].unique_id
        yield held
