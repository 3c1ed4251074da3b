"""ITI-41 Provide and Register Document Set-b. Source: ITI TF-2: 3.41."""

from __future__ import annotations

from collections.abc import Sequence

from lxml.etree import _Element

from xds.consent.referring import check_references
from xds.consent.submitting import check_submitter, submitted, submitted_entries
from xds.ebrim.response import FAILURE, encode_response, status_of
from xds.ebrim.submit import PROVIDE_AND_REGISTER_REQUEST, decode_provide_and_register
from xds.errors import Busy, Code, Issue, Unavailable
from xds.model.objects import Submission
from xds.ports import Staged
from xds.repository.contents import stage_contents
from xds.repository.receipt import Receipt, check_identical, each_once, pair, seen_here
from xds.transaction import Context, Reply, Repository, Transaction

_FULL = Issue(
    Code.XDSRepositoryOutOfResources, "the repository can't store documents at this moment; nothing was registered"
)
_NO_REGISTRY = Issue(
    Code.XDSRegistryNotAvailable, "the registry can't be reached at this moment; the submission was not confirmed"
)
_BUSY = Issue(Code.XDSRepositoryBusy, "there is too much to do at this moment; the submission was not confirmed")


async def answer(body: _Element, ctx: Context) -> Reply:
    """Store documents and register their metadata, or neither."""
    assert ctx.repository is not None
    submission, elements, mistakes = decode_provide_and_register(body)
    issues = [*seen_here(mistakes), *check_submitter(submission, ctx, Code.XDSRepositoryError)]
    issues = await _provide(submission, elements, issues, ctx, ctx.repository)
    status = status_of(issues).rpartition(":")[2]
    codes = tuple(issue.code for issue in issues)
    failed = status == "Failure"
    event = submitted(submission, ctx, codes) if failed else None
    return Reply((encode_response(issues),), status=status, codes=codes, event=event, lacking=failed)


async def _provide(
    submission: Submission, elements: Sequence[_Element], issues: list[Issue], ctx: Context, repository: Repository
) -> list[Issue]:
    inline: list[Staged] = []
    try:
        provided, broken = await stage_contents(elements, ctx.attachments, repository.documents, inline)
        receipt = pair(submission, provided, repository.unique_id)
        issues += [*broken, *receipt.issues]
        if repository.apart is None:
            issues += await check_references(submission, repository.index, ctx)
        held = await _check_held(repository, receipt) if status_of(issues) != FAILURE else []
        issues += held
        contents = [each.content for each in provided if each.content is not None]
        if status_of(issues) != FAILURE:
            await repository.documents.commit(contents)
    except Unavailable:
        return [*issues, _FULL]
    finally:
        # The attachments are discarded by whoever received them.
        repository.documents.discard(inline)
    try:
        entries = submitted_entries(receipt.submission, ctx)
        registered = repository.registrar.register(
            receipt.submission, receipt.holdings, issues, entries, ctx.assertion()
        )
        issues = each_once(await registered)
    except Busy:
        return [*issues, _BUSY]
    except Unavailable:
        return [*issues, _NO_REGISTRY]
    if status_of(issues) == FAILURE:
        await repository.documents.withdraw(contents)
    # What is held is told only of a submission that nothing else is wrong with, as by the registry.
    besides = [issue for issue in issues if issue not in held]
    return besides if status_of(besides) == FAILURE else issues


async def _check_held(repository: Repository, receipt: Receipt) -> list[Issue]:
    if not receipt.holdings:
        return []
    unique_ids = [holding.unique_id for holding in receipt.holdings]
    held = await repository.index.read(lambda reader: reader.holdings(unique_ids))
    return check_identical(receipt.submission, receipt.holdings, held)


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
