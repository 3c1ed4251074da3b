"""The messages that the scenarios send, made quickly: one submission is encoded, and its uniqueIds are filled in."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from samples import entry, submission

from xds.ebrim.submit import encode_submit_objects

SOURCE = "2.999.7"
SUCCESS = b"ResponseStatusType:Success"
PLAIN = "application/soap+xml; charset=UTF-8"
MULTIPART = (
    'multipart/related; type="application/xop+xml"; boundary="b"; start="<root>"; start-info="application/soap+xml"'
)
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_SET = b"1.2.3.0"
_GET_DOCUMENTS = (
    '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
    '<r:AdhocQuery id="urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"><r:Slot name="$XDSDocumentEntryUniqueId">'
    "<r:ValueList><r:Value>(%s)</r:Value></r:ValueList></r:Slot></r:AdhocQuery></q:AdhocQueryRequest>"
)
_RETRIEVE = '<x:RetrieveDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">%s</x:RetrieveDocumentSetRequest>'
_DOCUMENT_REQUEST = (
    "<x:DocumentRequest><x:RepositoryUniqueId>%s</x:RepositoryUniqueId>"
    "<x:DocumentUniqueId>%s</x:DocumentUniqueId></x:DocumentRequest>"
)


class Submitted(NamedTuple):
    """An ITI-41 message, of type MULTIPART, and its documents by uniqueId."""

    body: bytes
    documents: dict[str, bytes]


def provide_and_register(size: int, count: int = 1, source: str = SOURCE) -> Submitted:
    """A submission of `count` documents of `size` random bytes."""
    documents = {new_id(): os.urandom(size) for _ in range(count)}
    root = _provide_and_register(count, source).replace(_SET, new_id().encode())
    for number, unique_id in enumerate(documents, 1):
        root = root.replace(_placeholder(number), unique_id.encode())
    parts = [
        b'--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        b"Content-ID: <root>\r\n\r\n" + root
    ]
    for number, content in enumerate(documents.values(), 1):
        parts.append(b"\r\n--b\r\nContent-ID: <doc%d>\r\n\r\n" % number + content)
    return Submitted(b"".join(parts) + b"\r\n--b--\r\n", documents)


def get_documents(unique_ids: Sequence[str]) -> bytes:
    """ITI-18 GetDocuments."""
    return _envelope(_GET_DOCUMENTS % ",".join(f"'{unique_id}'" for unique_id in unique_ids))


def retrieve(repository: str, unique_ids: Sequence[str]) -> bytes:
    """ITI-43."""
    return _envelope(_RETRIEVE % "".join(_DOCUMENT_REQUEST % (repository, each) for each in unique_ids))


def new_id() -> str:
    return f"2.25.{uuid.uuid4().int}"


def _placeholder(number: int) -> bytes:
    return b"1.2.3.%d.4" % number


@functools.cache
def _provide_and_register(count: int, source: str) -> bytes:
    numbers = range(1, count + 1)
    made = submission(
        *(
            entry(
                f"Document{number}", unique_id=_placeholder(number).decode(), hash=None, size=None,
                repository_unique_id=None,
            )
            for number in numbers
        ),
        unique_id=_SET.decode(),
        source_id=source,
    )  # fmt: skip
    documents = "".join(
        f'<x:Document id="Document{number}"><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" '
        f'href="cid:doc{number}"/></x:Document>'
        for number in numbers
    )
    return _envelope(
        '<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">'
        f"{encode_submit_objects(made).decode()}{documents}</x:ProvideAndRegisterDocumentSetRequest>"
    )


def _envelope(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()
