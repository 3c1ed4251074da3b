"""ITI-43 Retrieve Document Set. Source: ITI TF-2: 3.43."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from lxml.etree import _Element

from xds.ebrim.response import FAILURE, PARTIAL_SUCCESS, SUCCESS
from xds.ebrim.retrieve import (
    RETRIEVE_DOCUMENT_SET_REQUEST,
    DocumentRequest,
    DocumentResponse,
    decode_retrieve_document_set,
    encode_retrieve_response,
)
from xds.errors import Code, Issue, Unavailable
from xds.model.stored import Holding
from xds.transaction import Context, Outgoing, Reply, Repository, Transaction

MAX_REQUESTS = 1000
"""Documents in one message."""
_READ_FIRST = 256 * 1024
"""Bytes of documents that are read before an answer begins, so that damage to them can still be told in it."""
_ERRORS = "ITI TF-3: Table 4.2.4.1-2"


async def answer(body: _Element, ctx: Context) -> Reply:
    """Give the documents that are held, and an error for each of the others."""
    repository = ctx.repository
    assert repository is not None
    requests, issues = decode_retrieve_document_set(body)
    if len(requests) > MAX_REQUESTS:
        issue = Issue(Code.XDSRepositoryError, f"a request asks for at most {MAX_REQUESTS} documents")
        requests, issues = [], [issue]
    try:
        held = await _holdings(repository, requests)
    except Unavailable:
        context = "the repository can't read at this moment"
        issues.append(Issue(Code.XDSRepositoryOutOfResources, context, section=_ERRORS))
        requests = [request for request in requests if not _is_ours(repository, request)]
        held = {}
    documents, attachments, room = [], [], _READ_FIRST
    for request in requests:
        content_id = f"{len(documents) + 1}.{ctx.request_id}@xds"
        outgoing = await _give(repository, request, held.get(request), content_id, room)
        if isinstance(outgoing, Issue):
            issues.append(outgoing)
            continue
        room -= outgoing.size
        home = request._replace(home_community_id=repository.home_community_id)
        documents.append(DocumentResponse(home, outgoing.mime_type, content_id))
        attachments.append(outgoing)
    # Source: ITI TF-2: 3.43.4.1.3.
    urn = SUCCESS if not issues else PARTIAL_SUCCESS if documents else FAILURE
    return Reply(
        encode_retrieve_response(documents, issues, urn),
        tuple(attachments),
        urn.rpartition(":")[2],
        tuple(issue.code for issue in issues),
    )


async def _holdings(repository: Repository, requests: Sequence[DocumentRequest]) -> Mapping[DocumentRequest, Holding]:
    """The documents that are held, by the requests that may have them."""
    ours = [request for request in requests if _is_ours(repository, request)]
    if not ours:
        return {}
    unique_ids = [request.document_unique_id for request in ours]
    found = await repository.index.read(lambda reader: reader.holdings(unique_ids))
    held = {holding.unique_id: holding for holding in found}
    return {request: held[request.document_unique_id] for request in ours if request.document_unique_id in held}


def _is_ours(repository: Repository, request: DocumentRequest) -> bool:
    return request.repository_unique_id == repository.unique_id and not _is_foreign(repository, request)


def _is_foreign(repository: Repository, request: DocumentRequest) -> bool:
    home = repository.home_community_id
    return home is not None and request.home_community_id not in (None, home)


def _miss(repository: Repository, request: DocumentRequest) -> Issue:
    """Why a document that is not held is not given."""
    where = request.document_unique_id
    if _is_foreign(repository, request):
        code, context = Code.XDSUnknownCommunity, f"{request.home_community_id} is not this community"
    elif request.repository_unique_id != repository.unique_id:
        code, context = Code.XDSUnknownRepositoryId, f"{request.repository_unique_id} is not this repository"
    else:
        code, context = Code.XDSDocumentUniqueIdError, f"this repository has no document {where}"
    return Issue(code, context, where, section=_ERRORS)


async def _give(
    repository: Repository, request: DocumentRequest, holding: Holding | None, content_id: str, room: int
) -> Outgoing | Issue:
    """A document as it goes out, or why it doesn't; one of at most `room` bytes is read now."""
    if holding is None:
        return _miss(repository, request)
    address, size = holding.address, holding.size
    try:
        if size > room:
            await repository.documents.check(address, size)
            return Outgoing(content_id, holding.mime_type, size, lambda: repository.documents.read(address, size))
        chunks = [chunk async for chunk in repository.documents.read(address, size)]
        return Outgoing(content_id, holding.mime_type, size, lambda: _again(chunks))
    except Unavailable:
        where = request.document_unique_id
        return Issue(Code.XDSRepositoryError, f"the document {where} can't be read", where, section=_ERRORS)


async def _again(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


TRANSACTION = Transaction(
    number="ITI-43",
    name="Retrieve Document Set",
    actor="repository",
    request=RETRIEVE_DOCUMENT_SET_REQUEST,
    action="urn:ihe:iti:2007:RetrieveDocumentSet",
    response_action="urn:ihe:iti:2007:RetrieveDocumentSetResponse",
    mtom="always",
    answer=answer,
)
