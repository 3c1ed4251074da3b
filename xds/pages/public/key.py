"""The key that verifies the log, for who was given an export of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from xds.audit.checkpoint import Signer, VerificationKey
from xds.pages.ask import PublicAsk, PublicView
from xds.pages.listing import Column, Listing

KEY_PATH = "/sleutel"
_COLUMNS = (
    Column("origin", "Naam van het logboek", lambda key: key.name),
    Column("key", "Openbare sleutel", str),
)


class KeyPage:
    """The page; the key itself is read once, for anybody may come here as often as they like."""

    def __init__(self, signer: Callable[[], Signer]):
        self._signer = signer
        self._key: VerificationKey | None = None

    async def __call__(self, ask: PublicAsk) -> PublicView:
        if self._key is None:
            self._key = (await asyncio.to_thread(self._signer)).key
        listing = Listing("sleutel", "Openbare sleutel van het logboek", _COLUMNS, [self._key], total=1)
        return PublicView("public/key.html", {"key": self._key}, listing)
