"""ITI-43 Retrieve Document Set. Source: ITI TF-2: 3.43."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lxml.etree import _Element

from xds.ebrim.response import FAILURE, PARTIAL_SUCCESS, SUCCESS
from xds.ebrim.retrieve import (
    RETRIEVE_DOCUMENT_SET_REQUEST,
    DocumentRequest,
    DocumentResponse,
    decode_retrieve_document_set,
    encode_retrieve_response,
)
from xds.errors import Code, Issue
from xds.model.stored import Holding
from xds.transaction import Context, Outgoing, Reply, Repository, Transaction

MAX_REQUESTS = 1000
"""Documents in one message."""


async def answer(body: _Element, ctx: Context) -> Reply:
    """Give the documents that are held, and an error for each of the others."""
    repository = ctx.repository
    assert repository is not None
    requests, issues = decode_retrieve_document_set(body)
    if len(requests) > MAX_REQUESTS:
        issue = Issue(Code.XDSRepositoryError, f"a request asks for at most {MAX_REQUESTS} documents")
        requests, issues = [], [issue]
    held = await _holdings(repository, requests)
    issues += _misses(repository, requests, held)
    documents, attachments = [], []
    for request in requests:
        holding = held.get(request)
        if holding is not None:
            content_id = f"{len(documents) + 1}.{ctx.request_id}@xds"
            documents.append(
                DocumentResponse(
                    request._replace(home_community_id=repository.home_community_id), holding.mime_type, content_id
                )
            )
            attachments.append(_outgoing(repository, holding, content_id))
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


def _misses(
    repository: Repository, requests: Sequence[DocumentRequest], held: Mapping[DocumentRequest, Holding]
) -> Iterator[Issue]:
    """Why each of the others is not given. Source: ITI TF-3: Table 4.2.4.1-2."""
    section = "ITI TF-3: Table 4.2.4.1-2"
    for request in requests:
        where = request.document_unique_id
        if _is_foreign(repository, request):
            context = f"{request.home_community_id} is not this community"
            yield Issue(Code.XDSUnknownCommunity, context, where, section=section)
        elif request.repository_unique_id != repository.unique_id:
            context = f"{request.repository_unique_id} is not this repository"
            yield Issue(Code.XDSUnknownRepositoryId, context, where, section=section)
        elif request not in held:
            context = f"this repository has no document {where}"
            yield Issue(Code.XDSDocumentUniqueIdError, context, where, section=section)


def _outgoing(repository: Repository, holding: Holding, content_id: str) -> Outgoing:
    return Outgoing(
        content_id,
        holding.mime_type,
        holding.size,
        lambda: repository.documents.read(holding.address, holding.size),
    )


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
