"""A registry that is another process: ITI-42 and ITI-18 over SOAP.

Source: ITI TF-2: 3.42 and 3.18.
"""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Callable, Sequence

import aiohttp
import structlog
from lxml.etree import _Element

from xds import xmlio
from xds.ebrim.objects import decode_objects
from xds.ebrim.query import encode_adhoc_query
from xds.ebrim.response import FAILURE, REGISTRY_RESPONSE, decode_response, status_of
from xds.ebrim.submit import encode_submit_objects
from xds.ebrim.vocabulary import QUERY, RIM
from xds.errors import Code, Fault, Issue, Unavailable
from xds.model.audit import Entry
from xds.model.objects import DocumentEntry, Submission
from xds.model.stored import Holding
from xds.ports import Index, Writer
from xds.soap.envelope import open_envelope, request_envelope

_log = structlog.get_logger()

_REGISTER = "urn:ihe:iti:2007:RegisterDocumentSet-b"
_QUERY = "urn:ihe:iti:2007:RegistryStoredQuery"
_GET_SUBMISSION_SET_AND_CONTENTS = "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83"
_GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
_DOCUMENT_UNIQUE_ID = "$XDSDocumentEntryUniqueId"
_MOST_ASKED = 100
"""Documents in one question: the answer has the metadata of all."""
_QUERY_RESPONSE = f"{{{QUERY}}}AdhocQueryResponse"
_OBJECT_LIST = f"{{{RIM}}}RegistryObjectList"
_MAX_ANSWER = 8 << 20
# The registry broke down rather than refused: what it had begun may have been done.
_BROKE_DOWN = frozenset((Code.XDSRegistryOutOfResources, Code.XDSRegistryBusy))
# Statuses of a Sender fault, and of servers that have nothing at our URL.
_REFUSED = (400, 401, 403, 404, 405, 413, 415)
_REGISTERING = aiohttp.ClientTimeout(total=60, sock_connect=5)
_ASKING = aiohttp.ClientTimeout(total=10, sock_connect=5)  # the sender has waited already


class RemoteRegistry:
    """The ports `Registrar`, over ITI-42, and `RegistryApart`, over ITI-18."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext | None,
        index: Index,
        check: Callable[[Submission], list[Issue]],
    ):
        """Register at `url`. `context` is for TLS, None where the URL is http. `index` records what is held.

        `check` finds what the registry will say by the rules that need no look into it.
        """
        self._url = url
        self._context = context
        self._index = index
        self._check = check
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections to the registry."""
        if self._session is not None:
            await self._session.close()

    async def register(
        self,
        submission: Submission,
        held: Sequence[Holding],
        already: Sequence[Issue] = (),
        entries: Sequence[Entry] = (),
        assertion: bytes | None = None,
    ) -> list[Issue]:
        """Register a submission; what is wrong with it.

        With an Error `already` the registry is not asked, as it could accept what is to be refused; its rules are
        applied here as far as they need no look into it.

        The holdings are recorded before, so that a registered document is never one that the repository doesn't
        know, and forgotten when the registry refuses. When it gives no intelligible answer it is asked whether it
        has the submission; if it does not say so, this is Unavailable, and the holdings stay, because it may have it
        nevertheless. The sender's next try is then accepted, or refused for the uniqueId of its SubmissionSet, which
        keeps it from being registered twice.
        """
        if status_of(already) == FAILURE:
            return [*already, *self._check(submission)]
        fresh, issues = await self._index.write(lambda writer: _hold(writer, held))
        if issues:
            return [*already, *issues]
        try:
            issues = await self._register(submission, assertion)
        except _Untouched as error:
            await self._index.write(lambda writer: writer.release(fresh))
            _log.error("not registered", reason=str(error))
            raise Unavailable(str(error)) from error
        except Unavailable:
            if not await self._has(submission, assertion):
                raise
            issues = []
        if status_of(issues) == FAILURE:
            await self._index.write(lambda writer: writer.release(fresh))
        else:
            # Again, as a refused submission of the same document may have released it meanwhile.
            await self._index.write(lambda writer: _keep(writer, held, entries))
        return [*already, *issues]

    async def shown(self, unique_ids: Sequence[str], assertion: bytes | None) -> list[DocumentEntry]:
        """The entries of those documents, by their uniqueIds, that the person of this assertion may retrieve.

        Unavailable when the registry gives no answer.
        """
        found: list[DocumentEntry] = []
        try:
            for start in range(0, len(unique_ids), _MOST_ASKED):
                asked = {_DOCUMENT_UNIQUE_ID: unique_ids[start : start + _MOST_ASKED]}
                found += (await self._find(encode_adhoc_query(_GET_DOCUMENTS, asked), assertion)).entries
        except (_Untouched, Unavailable) as error:
            _log.error("the registry does not say what may be retrieved", reason=str(error))
            raise Unavailable(str(error)) from error
        return found

    async def _register(self, submission: Submission, assertion: bytes | None) -> list[Issue]:
        message = await self._ask(_REGISTER, encode_submit_objects(submission), _REGISTERING, assertion)
        if message.tag != REGISTRY_RESPONSE:
            raise Unavailable("the registry's answer is not a RegistryResponse")
        status, issues = decode_response(message)
        if not status.endswith(":Success") and status != "Success" and not issues:
            issues = [Issue(Code.XDSRegistryError, "the registry refused without saying why")]
        if any(issue.code in _BROKE_DOWN for issue in issues):
            raise Unavailable("the registry broke down")
        return issues

    async def _has(self, submission: Submission, assertion: bytes | None) -> bool:
        """Whether the registry has this very submission. False is no proof that it hasn't, or will not."""
        unique_id = next((submission_set.unique_id for submission_set in submission.submission_sets), None)
        if unique_id is None:
            return False
        query = encode_adhoc_query(_GET_SUBMISSION_SET_AND_CONTENTS, {"$XDSSubmissionSetUniqueId": unique_id})
        try:
            found = await self._find(query, assertion)
        except (_Untouched, Unavailable):
            return False
        return bool(found.submission_sets) and _identity(submission) <= _identity(found)

    async def _find(self, query: bytes, assertion: bytes | None) -> Submission:
        """What the registry answers to a query; Unavailable when it does not answer that."""
        answer = await self._ask(_QUERY, query, _ASKING, assertion)
        objects = answer.find(_OBJECT_LIST)
        if answer.tag != _QUERY_RESPONSE or objects is None or not answer.get("status", "").endswith(":Success"):
            raise Unavailable("the registry refuses our query")
        return decode_objects(objects)[0]

    async def _ask(self, action: str, body: bytes, timeout: aiohttp.ClientTimeout, assertion: bytes | None) -> _Element:
        """The message in the registry's answer. Unavailable when there is none that can be read."""
        message = request_envelope(action, self._url, f"urn:uuid:{uuid.uuid4()}", body, assertion)
        headers = {"Content-Type": f'application/soap+xml; charset=UTF-8; action="{action}"'}
        try:
            async with self._connected().post(
                self._url, data=message, headers=headers, allow_redirects=False, timeout=timeout
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
        try:
            return open_envelope(xmlio.parse(bytes(content), max_bytes=_MAX_ANSWER)).message
        except (Fault, xmlio.Malformed) as error:
            raise Unavailable("the registry's answer is not intelligible") from error

    def _connected(self) -> aiohttp.ClientSession:
        # Made at the first use, as it belongs to the event loop that runs then.
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context if self._context is not None else True)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session


class _Untouched(Exception):
    """The registry certainly did not register anything."""


def _keep(writer: Writer, held: Sequence[Holding], entries: Sequence[Entry]) -> None:
    writer.hold(held)
    writer.record(entries)


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


def _identity(submission: Submission) -> set[tuple[str | None, str | None]]:
    """What tells a submission from another; a registry gives references as members besides."""
    return {
        *((submission_set.unique_id, submission_set.source_id) for submission_set in submission.submission_sets),
        *((entry.unique_id, (entry.hash or "").lower()) for entry in submission.entries),
        *((folder.unique_id, None) for folder in submission.folders),
    }
