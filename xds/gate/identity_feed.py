"""ITI-8 as one worker takes it: who sends, what it does, and that it is on record."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from xds.errors import Fault, Unavailable
from xds.identity import Authenticator
from xds.mllp.handle import handle
from xds.mllp.recording import Recording
from xds.model.affinity_domain import AffinityDomain
from xds.model.party import Participant
from xds.ports import Log
from xds.registry.iti8_patient_identity_feed import feed, merge
from xds.transaction import Registry
from xds.web.tls import peer_certificate


def identity_feed(
    registry: Registry, domain: Callable[[], AffinityDomain], authenticator: Authenticator, log: Log | None
) -> Callable[[bytes, asyncio.BaseTransport], Awaitable[bytes | None]]:
    """What answers a message from the other end of a connection; with None when its sender may not send."""
    add, join = partial(feed, registry), partial(merge, registry)

    async def answer(message: bytes, transport: asyncio.BaseTransport) -> bytes | None:
        certificate = peer_certificate(transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])

        def recording(participant: Participant | None) -> Recording | None:
            return log and Recording(log, f"mllp-{secrets.token_hex(8)}", datetime.now(UTC), participant, address)

        try:
            sender = await authenticator.system(certificate)
        except (Fault, Unavailable) as error:
            if (unread := recording(None)) is not None:
                await unread.unknown_sender(certificate, str(error))
            return None
        return await handle(message, domain(), add, join, recording(sender))

    return answer
