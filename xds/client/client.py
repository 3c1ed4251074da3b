"""The client: ITI-41, ITI-18 and ITI-43 as three methods."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lxml import etree
from lxml.etree import QName, _Element

from xds import xmlio
from xds.client.compose import extension
from xds.client.query import Value, query_request
from xds.client.result import QueryResult, Retrieved, RetrieveResult, SubmitResult
from xds.ebrim.objects import decode_objects
from xds.ebrim.response import decode_response
from xds.ebrim.submit import encode_submit_objects
from xds.ebrim.vocabulary import QUERY, RIM, RS, XDSB
from xds.errors import Misconfigured, Unavailable
from xds.model.objects import Submission

if TYPE_CHECKING:
    from xds.client.exchange import Exchange
    from xds.client.transport import MtomTransport, Progress, Spooled

_XOP = "http://www.w3.org/2004/08/xop/include"


class Client:
    """Talks to a Document Registry and a Document Repository.

    `certificate` and `key` are the PEM files shown to the server (mutual TLS); `key` may be in the file of the
    certificate. `ca` holds the CAs by which the server is trusted; None takes the public ones. `timeout` is the
    longest wait for a connection and between two bytes, in seconds. `assertion` gives the SAML assertion that says who
    asks, as bytes; it is called for each message. Connections are kept; close() ends them. One thread at a time may use
    a client.
    """

    def __init__(
        self,
        *,
        registry_url: str | None = None,
        repository_url: str | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        ca: Path | None = None,
        timeout: float = 60.0,
        assertion: Callable[[], bytes] | None = None,
    ):
        self._urls = {"registry": registry_url, "repository": repository_url}
        self._certificate = certificate
        self._key = key
        self._ca = ca
        self._timeout = timeout
        self._assertion = assertion
        self._transport: MtomTransport | None = None
        self._exchanges: dict[str, Exchange] = {}

    def submit(
        self,
        submission: Submission,
        contents: Mapping[str, Path | bytes],
        *,
        progress: Progress = lambda size: None,
    ) -> SubmitResult:
        """Provide documents to the repository, which registers them.

        `contents` has each document, as a file or as bytes, by the entry_uuid of its entry. Files are streamed.
        `progress` is told of the bytes of documents as they go. Raises Fault and Unavailable; OSError for a file.
        Source: ITI TF-2: 3.41.
        """
        from xds.client.transport import Part

        request = etree.Element(QName(XDSB, "ProvideAndRegisterDocumentSetRequest"), nsmap={"xdsb": XDSB})
        request.append(xmlio.parse(encode_submit_objects(submission)))
        mime_types = {entry.entry_uuid: entry.mime_type for entry in submission.entries}
        parts = []
        for number, (entry_uuid, source) in enumerate(contents.items(), 1):
            size = len(source) if isinstance(source, bytes) else source.stat().st_size
            part = Part(f"document{number}@xds", mime_types.get(entry_uuid) or "application/octet-stream", size, source)
            document = etree.SubElement(request, QName(XDSB, "Document"), id=entry_uuid)
            etree.SubElement(document, QName(_XOP, "Include"), href=f"cid:{part.content_id}", nsmap={"xop": _XOP})
            parts.append(part)
        answer, _ = self._exchange("repository").call(
            "ProvideAndRegisterDocumentSet-b", request, f"{{{RS}}}RegistryResponse", parts=parts, progress=progress
        )
        status, issues = decode_response(answer)
        return SubmitResult(_local(status), tuple(issues))

    def query(self, name: str, parameters: Mapping[str, Value], return_type: str = "LeafClass") -> QueryResult:
        """Ask the registry a stored query, by name ("FindDocuments") or id.

        `parameters` are named as in the standard, with their $. A text becomes 'text', a list ('a','b') of which any
        may match, a list of lists several such slots which must all match. `return_type` is LeafClass or ObjectRef.
        Raises Fault and Unavailable; ValueError for a query that has no such name. Source: ITI TF-2: 3.18.
        """
        answer, _ = self._exchange("registry").call(
            "RegistryStoredQuery", query_request(name, parameters, return_type), f"{{{QUERY}}}AdhocQueryResponse"
        )
        status, issues = decode_response(answer)
        found = answer.find(f"{{{RIM}}}RegistryObjectList")
        if found is None:
            return QueryResult(_local(status), Submission(), tuple(issues))
        objects, unreadable = decode_objects(found)
        return QueryResult(_local(status), objects, (*issues, *unreadable))

    def retrieve(
        self,
        documents: Sequence[tuple[str, str]],
        to: Path,
        *,
        home_community_id: str | None = None,
        progress: Progress = lambda size: None,
    ) -> RetrieveResult:
        """Fetch documents, each (repositoryUniqueId, uniqueId), as files in the folder `to`.

        A file is named after the document's uniqueId and replaces one of that name when it is complete. `progress`
        is told of the bytes as they come. Raises Fault and Unavailable; OSError when a file can't be written.
        Source: ITI TF-2: 3.43.
        """
        request = _retrieve_request(documents, home_community_id)
        with tempfile.TemporaryDirectory(prefix=".receiving-", dir=to) as spool:
            answer, parts = self._exchange("repository").call(
                "RetrieveDocumentSet",
                request,
                f"{{{XDSB}}}RetrieveDocumentSetResponse",
                parts=(),
                spool=Path(spool),
                progress=progress,
            )
            response = answer.find(f"{{{RS}}}RegistryResponse")
            if response is None:
                raise Unavailable("the repository answers without a RegistryResponse")
            status, issues = decode_response(response)
            # All are read before one is put in its place: a broken answer leaves nothing behind.
            elements = answer.iterchildren(f"{{{XDSB}}}DocumentResponse")
            received = [_received(element, parts, Path(spool)) for element in elements]
            return RetrieveResult(_local(status), _placed(received, to), tuple(issues))

    def close(self) -> None:
        """End the connections; a later message makes new ones."""
        if self._transport is not None:
            self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _exchange(self, actor: str) -> Exchange:
        from xds.client.exchange import Exchange
        from xds.client.transport import MtomTransport

        if actor not in self._exchanges:
            url = self._urls[actor]
            if not url:
                raise Misconfigured(f"{actor}_url: expected the URL of the {actor}, none is given")
            if self._transport is None:
                self._transport = MtomTransport(
                    certificate=self._certificate, key=self._key, ca=self._ca, timeout=self._timeout
                )
            self._exchanges[actor] = Exchange(actor, url, self._transport, self._assertion)
        return self._exchanges[actor]


def _retrieve_request(documents: Sequence[tuple[str, str]], home_community_id: str | None) -> _Element:
    request = etree.Element(QName(XDSB, "RetrieveDocumentSetRequest"), nsmap={"xdsb": XDSB})
    for repository_unique_id, unique_id in documents:
        wanted = etree.SubElement(request, QName(XDSB, "DocumentRequest"))
        if home_community_id:
            etree.SubElement(wanted, QName(XDSB, "HomeCommunityId")).text = home_community_id
        etree.SubElement(wanted, QName(XDSB, "RepositoryUniqueId")).text = repository_unique_id
        etree.SubElement(wanted, QName(XDSB, "DocumentUniqueId")).text = unique_id
    return request


def _local(status: str) -> str:
    """The last word of a status URN."""
    return status.rpartition(":")[2]


def _received(element: _Element, parts: dict[str, Spooled], spool: Path) -> Retrieved:
    """One document of the answer, in a file in the folder `spool`."""
    repository_unique_id, unique_id, mime_type = (
        (element.findtext(f"{{{XDSB}}}{name}") or "").strip()
        for name in ("RepositoryUniqueId", "DocumentUniqueId", "mimeType")
    )
    include = element.find(f"{{{XDSB}}}Document/{{{_XOP}}}Include")
    if include is not None:
        part = parts.pop(unquote(include.get("href", "").removeprefix("cid:")), None)
        if part is None:
            raise Unavailable("the repository answers with a reference to a part that it did not send, or twice to one")
        return Retrieved(repository_unique_id, unique_id, mime_type, part.path, part.size, part.hash)
    text = "".join((element.findtext(f"{{{XDSB}}}Document") or "").split())
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise Unavailable("the repository answers with a document that is not base64") from None
    with tempfile.NamedTemporaryFile(dir=spool, delete=False) as file:
        file.write(content)
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Retrieved(repository_unique_id, unique_id, mime_type, Path(file.name), len(content), digest)


def _placed(documents: Sequence[Retrieved], to: Path) -> tuple[Retrieved, ...]:
    """Give each document its name in the folder `to`."""
    placed: dict[Path, Retrieved] = {}
    for document in documents:
        name, suffix = _file_name(document.unique_id), extension(document.mime_type)
        path, number = to / (name + suffix), 1
        while path in placed:
            number += 1
            path = to / f"{name}-{number}{suffix}"
        placed[path] = replace(document, path=document.path.replace(path))
    return tuple(placed.values())


def _file_name(unique_id: str) -> str:
    """A name that stays in its folder, whatever the peer sent."""
    return re.sub(r"[^0-9A-Za-z.-]", "_", unique_id)[:128].lstrip(".") or "document"
