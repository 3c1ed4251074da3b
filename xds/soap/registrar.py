"""A registry that is another process: ITI-42 over SOAP.

Source: ITI TF-2: 3.42.
"""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Sequence

import aiohttp

from xds import xmlio
from xds.ebrim.response import FAILURE, REGISTRY_RESPONSE, decode_response, status_of
from xds.ebrim.submit import encode_submit_objects
from xds.errors import Code, Fault, Issue, Unavailable
from xds.model.objects import Submission
from xds.model.stored import Holding
from xds.ports import Index, Writer
from xds.soap.envelope import open_envelope, request_envelope

_ACTION = "urn:ihe:iti:2007:RegisterDocumentSet-b"
_MAX_ANSWER = 8 << 20
# Statuses of a Sender fault, and of servers that have nothing at our URL.
_REFUSED = (400, 401, 403, 404, 405, 413, 415)
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


class RemoteRegistrar:
    """The port `Registrar` over ITI-42."""

    def __init__(self, url: str, context: ssl.SSLContext | None, index: Index):
        """Register at `url`. `context` is for TLS, None where the URL is http. `index` records what is held."""
        self._url = url
        self._context = context
        self._index = index
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections to the registry."""
        if self._session is not None:
            await self._session.close()

    async def register(
        self, submission: Submission, held: Sequence[Holding], already: Sequence[Issue] = ()
    ) -> list[Issue]:
        """Register a submission; what is wrong with it. With an Error `already`, the registry is not asked.

        The holdings are recorded before, so that a registered document is never one that the repository doesn't
        know, and forgotten when the registry refuses. Unavailable when it gives no intelligible answer; the holdings
        stay if it may have accepted nevertheless.
        """
        if status_of(already) == FAILURE:
            return list(already)
        fresh, issues = await self._index.write(lambda writer: _hold(writer, held))
        if issues:
            return [*already, *issues]
        try:
            issues = await self._send(encode_submit_objects(submission))
        except _Untouched as error:
            await self._index.write(lambda writer: writer.release(fresh))
            raise Unavailable(str(error)) from error
        if status_of(issues) == FAILURE:
            await self._index.write(lambda writer: writer.release(fresh))
        else:
            # Again, as a refused submission of the same document may have released it meanwhile.
            await self._index.write(lambda writer: writer.hold(held))
        return [*already, *issues]

    async def _send(self, body: bytes) -> list[Issue]:
        message = request_envelope(_ACTION, self._url, f"urn:uuid:{uuid.uuid4()}", body)
        headers = {"Content-Type": f'application/soap+xml; charset=UTF-8; action="{_ACTION}"'}
        try:
            async with self._connected().post(
                self._url, data=message, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status in _REFUSED:
                    raise _Untouched(f"the registry does not take our message (HTTP status {answer.status})")
                if answer.status != 200:
                    raise Unavailable(f"the registry failed (HTTP status {answer.status})")
                content = bytearray()
                async for chunk in answer.content.iter_any():
                    content += chunk
                    if len(content) > _MAX_ANSWER:
                        raise Unavailable("the registry's answer is too large")
        except aiohttp.ClientConnectorError as error:
            raise _Untouched("the registry can't be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable("the registry did not answer") from error
        return _read(bytes(content))

    def _connected(self) -> aiohttp.ClientSession:
        # Made at the first use, as it belongs to the event loop that runs then.
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context if self._context is not None else True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        return self._session


class _Untouched(Exception):
    """The registry certainly did not register anything."""


def _hold(writer: Writer, held: Sequence[Holding]) -> tuple[list[str], list[Issue]]:
    """Record holdings: the unique ids that were not recorded before. Or nothing, when one is held with other bytes."""
    known = {holding.unique_id: holding.address for holding in writer.holdings([each.unique_id for each in held])}
    issues = [
        Issue(
            Code.XDSNonIdenticalHash,
            f"the document {holding.unique_id} is in the repository with other content",
            section="ITI TF-2: 3.42.4.1.3.3.3",
        )
        for holding in held
        if known.get(holding.unique_id, holding.address) != holding.address
    ]
    if issues:
        return [], issues
    writer.hold(held)
    return [holding.unique_id for holding in held if holding.unique_id not in known], []


def _read(answer: bytes) -> list[Issue]:
    try:
        message = open_envelope(xmlio.parse(answer, max_bytes=_MAX_ANSWER)).message
    except (Fault, xmlio.Malformed) as error:
        raise Unavailable("the registry's answer is not intelligible") from error
    if message.tag != REGISTRY_RESPONSE:
        raise Unavailable("the registry's answer is not a RegistryResponse")
    status, issues = decode_response(message)
    if not status.endswith(":Success") and status != "Success" and not issues:
        issues = [Issue(Code.XDSRegistryError, "the registry refused without saying why")]
    return issues
