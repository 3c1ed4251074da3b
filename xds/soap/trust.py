"""Who sends a request, and that it is on record: what an endpoint asks of the server that it is part of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from aiohttp import web
from lxml.etree import _Element

from xds.model.party import Participant, Requester
from xds.ports import Log

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SECURITY = f"{{{WSSE}}}Security"
"""The header block that tells who asks. Source: WS-Security 1.1: 5."""


class Peer(NamedTuple):
    """The other end of a connection: its IP address, and the SHA-256 of its certificate, in lower-case hex."""

    address: str
    certificate: str | None


class Identity(Protocol):
    """Knows who asks. See `xds.identity.Authenticator`."""

    def remembered(self, headers: Sequence[_Element], certificate: str | None, now: datetime) -> Requester | None: ...

    async def authenticate(
        self, headers: Sequence[_Element], certificate: str | None, now: datetime, *, person_needed: bool = True
    ) -> Requester | None: ...

    def assertion(self, headers: Sequence[_Element]) -> bytes | None: ...

    async def system(self, certificate: str | None) -> Participant | None: ...


class Trust(NamedTuple):
    """`peer` tells the other end of a request's connection. Without a `log` nothing is recorded."""

    peer: Callable[[web.BaseRequest], Peer]
    identity: Identity
    log: Log | None
