"""xdsb:RetrieveDocumentSetRequest and xdsb:RetrieveDocumentSetResponse. Source: ITI TF-2: 3.43.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lxml.etree import _Element

from xds.ebrim.encode import escape
from xds.ebrim.objects import MAX_VALUE
from xds.ebrim.response import encode_response
from xds.ebrim.vocabulary import XDSB, XOP
from xds.errors import Code, Issue

RETRIEVE_DOCUMENT_SET_REQUEST = f"{{{XDSB}}}RetrieveDocumentSetRequest"
_DOCUMENT_REQUEST = f"{{{XDSB}}}DocumentRequest"
_HOME_COMMUNITY_ID = f"{{{XDSB}}}HomeCommunityId"
_REPOSITORY_UNIQUE_ID = f"{{{XDSB}}}RepositoryUniqueId"
_DOCUMENT_UNIQUE_ID = f"{{{XDSB}}}DocumentUniqueId"


class DocumentRequest(NamedTuple):
    """One document that is asked for. `home_community_id` is "urn:oid:…" or None."""

    home_community_id: str | None
    repository_unique_id: str
    document_unique_id: str


class DocumentResponse(NamedTuple):
    """One document of an answer; its bytes are the MIME part `content_id`."""

    request: DocumentRequest
    mime_type: str
    content_id: str


def decode_retrieve_document_set(request: _Element) -> tuple[list[DocumentRequest], list[Issue]]:
    """Read a request: each different document once, in order. Source: ITI TF-2: 3.43.4.1.2."""
    found: dict[DocumentRequest, None] = {}
    issues: list[Issue] = []
    for number, element in enumerate(request.iterchildren(_DOCUMENT_REQUEST), 1):
        asked = DocumentRequest(
            _text(element, _HOME_COMMUNITY_ID) or None,
            _text(element, _REPOSITORY_UNIQUE_ID),
            _text(element, _DOCUMENT_UNIQUE_ID),
        )
        mistakes = list(_mistakes(asked, number))
        issues += mistakes
        if not mistakes:
            found[asked] = None
    if not found and not issues:
        issues.append(_error("the request has no DocumentRequest"))
    return list(found), issues


def encode_retrieve_response(documents: Sequence[DocumentResponse], issues: Sequence[Issue], status: str) -> bytes:
    """A xdsb:RetrieveDocumentSetResponse element, with its namespaces. Source: ITI TF-2: 3.43.4.2.2."""
    head = f'<xdsb:RetrieveDocumentSetResponse xmlns:xdsb="{XDSB}">'.encode()
    tail = b"</xdsb:RetrieveDocumentSetResponse>"
    return b"".join((head, encode_response(issues, status), *map(_encode_document, documents), tail))


def _encode_document(document: DocumentResponse) -> bytes:
    home, repository, unique_id = document.request
    return (
        "<xdsb:DocumentResponse>"
        + (f"<xdsb:HomeCommunityId>{escape(home)}</xdsb:HomeCommunityId>" if home else "")
        + f"<xdsb:RepositoryUniqueId>{escape(repository)}</xdsb:RepositoryUniqueId>"
        f"<xdsb:DocumentUniqueId>{escape(unique_id)}</xdsb:DocumentUniqueId>"
        f"<xdsb:mimeType>{escape(document.mime_type)}</xdsb:mimeType>"
        f'<xdsb:Document><xop:Include xmlns:xop="{XOP}" href="cid:{escape(document.content_id)}"/></xdsb:Document>'
        "</xdsb:DocumentResponse>"
    ).encode()


def _text(element: _Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _mistakes(asked: DocumentRequest, number: int) -> Iterable[Issue]:
    for name, value in (
        ("RepositoryUniqueId", asked.repository_unique_id),
        ("DocumentUniqueId", asked.document_unique_id),
    ):
        if not value:
            yield _error(f"DocumentRequest {number} has no {name}")
    if max(map(len, (asked.home_community_id or "", *asked[1:]))) > MAX_VALUE:
        yield _error(f"DocumentRequest {number} has an id that is longer than {MAX_VALUE} characters")


def _error(context: str) -> Issue:
    return Issue(Code.XDSRepositoryError, context, section="ITI TF-2: 3.43.4.1.2")
