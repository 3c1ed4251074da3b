"""ITI-41 Provide and Register Document Set-b. Source: ITI TF-2: 3.41."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from lxml.etree import _Element

from xds.ebrim.response import FAILURE, encode_response, status_of
from xds.ebrim.submit import PROVIDE_AND_REGISTER_REQUEST, decode_provide_and_register
from xds.ebrim.vocabulary import XOP
from xds.errors import Code, Issue, Unavailable
from xds.ports import Staged
from xds.repository.receipt import Provided, Receipt, check_identical, metadata_error, pair
from xds.transaction import Context, Reply, Repository, Transaction

_INCLUDE = f"{{{XOP}}}Include"
_CHUNK = 256 * 1024
_FULL = Issue(
    Code.XDSRepositoryOutOfResources, "the repository can't store documents at this moment; nothing was registered"
)
_NO_REGISTRY = Issue(
    Code.XDSRegistryNotAvailable, "the registry can't be reached at this moment; the submission was not confirmed"
)
_ONCE = frozenset((Code.XDSNonIdenticalHash, Code.XDSNonIdenticalSize))


async def answer(body: _Element, ctx: Context) -> Reply:
    """Store documents and register their metadata, or neither."""
    assert ctx.repository is not None
    issues = await _provide(body, ctx, ctx.repository)
    status = status_of(issues).rpartition(":")[2]
    return Reply(encode_response(issues), status=status, codes=tuple(issue.code for issue in issues))


async def _provide(body: _Element, ctx: Context, repository: Repository) -> list[Issue]:
    submission, elements, issues = decode_provide_and_register(body)
    staged: list[Staged] = []
    inline: list[Staged] = []
    try:
        provided = []
        for element in elements:
            content, broken = await _content(element, ctx, repository, inline)
            provided.append(Provided(element.get("id", ""), content))
            issues += broken
            if content is not None:
                staged.append(content)
        receipt = pair(submission, provided, repository.unique_id)
        issues += [*receipt.issues, *await _check_held(repository, receipt)]
        if status_of(issues) != FAILURE:
            await repository.documents.commit(staged)
    except Unavailable:
        return [*issues, _FULL]
    finally:
        # The attachments are discarded by whoever received them.
        repository.documents.discard(inline)
    try:
        return _each_once(await repository.registrar.register(receipt.submission, receipt.holdings, issues))
    except Unavailable:
        return [*issues, _NO_REGISTRY]


async def _check_held(repository: Repository, receipt: Receipt) -> list[Issue]:
    if not receipt.holdings:
        return []
    unique_ids = [holding.unique_id for holding in receipt.holdings]
    held = await repository.index.read(lambda reader: reader.holdings(unique_ids))
    return check_identical(receipt.submission, receipt.holdings, held)


async def _content(
    element: _Element, ctx: Context, repository: Repository, inline: list[Staged]
) -> tuple[Staged | None, list[Issue]]:
    """The content of a xdsb:Document: a MIME part, or base64, which is staged and added to `inline`.

    Source: ITI TF-2: 3.41.4.1.2.
    """
    entry_id = element.get("id", "")
    if len(element) == 1 and element[0].tag == _INCLUDE and not (element.text or "").strip():
        content = ctx.attachments.get(unquote(element[0].get("href", "")[4:]))
        if content is None:
            return None, [metadata_error("a Document refers to a MIME part that is not in the message", entry_id)]
        return content, []
    if len(element):
        return None, [metadata_error("a Document holds neither one xop:Include nor base64 alone", entry_id)]
    staging = repository.documents.stage()
    try:
        for chunk in decode_base64(element.text or ""):
            await staging.write(chunk)
        inline.append(await staging.finish())
    except ValueError:
        staging.discard()
        return None, [metadata_error("the base64 in a Document is not well-formed", entry_id)]
    except BaseException:
        staging.discard()
        raise
    return inline[-1], []


def decode_base64(text: str) -> Iterator[bytes]:
    """The bytes of a xs:base64Binary in chunks; ValueError where it is not well-formed."""
    compact = "".join(text.split())
    if "=" in compact[:-2]:
        raise ValueError("padding before the end")
    for start in range(0, len(compact), _CHUNK):
        yield binascii.a2b_base64(compact[start : start + _CHUNK], strict_mode=True)


def _each_once(issues: Sequence[Issue]) -> list[Issue]:
    """Without what the registry found about a changed document after the repository had."""
    seen: set[tuple[Code, str]] = set()
    found = []
    for issue in issues:
        if issue.code in _ONCE:
            if (issue.code, issue.location) in seen:
                continue
            seen.add((issue.code, issue.location))
        found.append(issue)
    return found


TRANSACTION = Transaction(
    number="ITI-41",
    name="Provide and Register Document Set-b",
    actor="repository",
    request=PROVIDE_AND_REGISTER_REQUEST,
    action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
    response_action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
    mtom="mirror",
    answer=answer,
)
