"""ITI-43 Retrieve Document Set. Source: ITI TF-2: 3.43."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from lxml.etree import _Element
from msgspec import structs

from xds.consent.retrieving import BY_REGISTRY, look_to_retrieve, newest
from xds.consent.sight import NO_EVIDENCE, Evidence, gather, record_emergencies
from xds.ebrim.response import FAILURE, PARTIAL_SUCCESS, SUCCESS
from xds.ebrim.retrieve import (
    RETRIEVE_DOCUMENT_SET_REQUEST,
    DocumentRequest,
    DocumentResponse,
    decode_retrieve_document_set,
    encode_retrieve_response,
)
from xds.errors import Code, Issue, Unavailable
from xds.model.audit import MINOR, Document, Event
from xds.model.audit import SUCCESS as DONE
from xds.model.audit import Access as Accessed
from xds.model.consent import holders_of
from xds.model.hl7 import cx_or_none
from xds.model.objects import DocumentEntry
from xds.model.selection import EntrySelection
from xds.model.stored import Found, Holding
from xds.ports import Reader
from xds.transaction import Context, Outgoing, Reply, Repository, Transaction, unrecorded

MAX_REQUESTS = 1000
"""Documents in one message."""
_READ_FIRST = 256 * 1024
"""Bytes of documents that are read before an answer begins, so that damage to them can still be told in it."""
_ERRORS = "ITI TF-3: Table 4.2.4.1-2"
_NO_REGISTRY = Issue(
    Code.XDSRegistryNotAvailable, "the registry can't be asked at this moment what may be retrieved", section=_ERRORS
)
_UNREADABLE = Issue(Code.XDSRepositoryOutOfResources, "the repository can't read at this moment", section=_ERRORS)


class _Looked(NamedTuple):
    """The documents that may be had, by uniqueId, and what the log records of them; or why that is not known."""

    held: Mapping[str, Holding] = {}
    accesses: Sequence[Accessed] = ()
    unavailable: Issue | None = None


async def answer(body: _Element, ctx: Context) -> Reply:
    """Give the documents that are held, and an error for each of the others."""
    repository = ctx.repository
    assert repository is not None
    requests, issues = decode_retrieve_document_set(body)
    if len(requests) > MAX_REQUESTS:
        issue = Issue(Code.XDSRepositoryError, f"a request asks for at most {MAX_REQUESTS} documents")
        requests, issues = [], [issue]
    held, accesses, unavailable = await _look(repository, requests, ctx)
    if unavailable is not None:
        issues.append(unavailable)
        requests = [request for request in requests if not _is_ours(repository, request)]
    documents, attachments, given, room = [], [], set(), _READ_FIRST
    for request in requests:
        content_id = f"{len(documents) + 1}.{ctx.request_id}@xds"
        holding = held.get(request.document_unique_id) if _is_ours(repository, request) else None
        outgoing = await _give(repository, request, holding, content_id, room)
        if isinstance(outgoing, Issue):
            issues.append(outgoing)
            continue
        room -= outgoing.size
        given.add(request.document_unique_id)
        home = request._replace(home_community_id=repository.home_community_id)
        documents.append(DocumentResponse(home, outgoing.mime_type, content_id))
        attachments.append(outgoing)
    # Source: ITI TF-2: 3.43.4.1.3.
    urn = SUCCESS if not issues else PARTIAL_SUCCESS if documents else FAILURE
    codes = tuple(issue.code for issue in issues)
    return Reply(
        (encode_retrieve_response(documents, issues, urn),),
        tuple(attachments),
        urn.rpartition(":")[2],
        codes,
        _event(ctx, accesses, given, repository.unique_id, codes),
        lacking=bool(issues),
    )


async def _look(repository: Repository, requests: Sequence[DocumentRequest], ctx: Context) -> _Looked:
    """The documents that are held and may be had. What may not be had is as if it were not held."""
    unique_ids = tuple(dict.fromkeys(each.document_unique_id for each in requests if _is_ours(repository, each)))
    if not unique_ids:
        return _Looked()
    try:
        if repository.apart is not None and ctx.requester is not None:
            try:
                # It is asked of all, so that neither the time nor an error tells which are held.
                shown = await repository.apart.shown(unique_ids, ctx.assertion())
            except Unavailable:
                return _Looked(unavailable=_NO_REGISTRY)
            return await _shown(repository, unique_ids, shown)
        return await _permitted(repository, unique_ids, ctx)
    except Unavailable:
        return _Looked(unavailable=_UNREADABLE)


async def _shown(repository: Repository, unique_ids: Sequence[str], entries: Sequence[DocumentEntry]) -> _Looked:
    """Those that a registry in another process shows, as they are held."""
    shown: dict[str, list[DocumentEntry]] = {}
    for entry in entries:
        shown.setdefault(entry.unique_id or "", []).append(entry)
    known = await repository.index.read(lambda reader: reader.holdings(unique_ids))
    held = {
        each.unique_id: each
        for each in known
        if each.unique_id in shown and all(_is_of(entry, each, repository) for entry in shown[each.unique_id])
    }
    of_patients: dict[str | None, list[DocumentEntry]] = {}
    for unique_id in held:
        for entry in shown[unique_id]:
            of_patients.setdefault(entry.patient_id, []).append(entry)
    return _Looked(held, [_access(patient, each) for patient, each in of_patients.items()])


def _access(patient: str | None, entries: Sequence[DocumentEntry]) -> Accessed:
    documents = [Document(each.unique_id or "", each.entry_uuid) for each in entries]
    holders = holders_of(author for each in entries for author in each.authors)
    return Accessed(cx_or_none(patient), BY_REGISTRY, documents, tuple(sorted(holders)))


def _is_of(entry: DocumentEntry, holding: Holding, repository: Repository) -> bool:
    """Whether an entry is of the document that is held here."""
    return (
        entry.repository_unique_id == repository.unique_id
        and (entry.hash or "").lower() == holding.hash
        and entry.size == str(holding.size)
        and (repository.home_community_id is None or entry.home_community_id in (None, repository.home_community_id))
    )


async def _permitted(repository: Repository, unique_ids: Sequence[str], ctx: Context) -> _Looked:
    """Those that consent permits, where the index has the metadata too.

    A document without metadata in it is for nobody, once it matters who asks.
    """

    def question(reader: Reader) -> tuple[dict[str, Holding], Found, Evidence]:
        held = {each.unique_id: each for each in reader.holdings(unique_ids)}
        if not held or (ctx.requester is None and ctx.event is unrecorded):
            return held, Found(), NO_EVIDENCE
        found = newest(reader.entries(EntrySelection(unique_ids=tuple(held))))
        return held, found, gather(reader, found)

    held, found, evidence = await repository.index.read(question)
    sight = await look_to_retrieve(found, evidence, ctx)
    await record_emergencies(sight.emergencies, repository.index)
    if ctx.requester is not None:
        held = {each.unique_id: held[each.unique_id] for each in sight.found.entries}
    return _Looked(held, sight.accesses)


def _event(
    ctx: Context, looked: Sequence[Accessed], given: set[str], unique_id: str, codes: Sequence[str]
) -> Event | None:
    """Which documents were given, for each patient."""
    accesses = [
        Accessed(
            each.patient,
            each.verdict,
            [structs.replace(one, repository=unique_id) for one in each.documents if one.unique_id in given],
            each.holders,
        )
        for each in looked
    ]
    return ctx.event(DONE if given else MINOR, accesses, outcome_text=" ".join(dict.fromkeys(codes)))


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
