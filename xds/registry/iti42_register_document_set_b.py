"""ITI-42 Register Document Set-b. Source: ITI TF-2: 3.42."""

from __future__ import annotations

from lxml.etree import _Element

from xds.consent.referring import check_references
from xds.consent.submitting import check_forwarder, check_submitter, submitted, submitted_entries
from xds.ebrim.response import encode_response, status_of
from xds.ebrim.submit import SUBMIT_OBJECTS_REQUEST, decode_submit_objects
from xds.errors import Busy, Code, Issue, Unavailable
from xds.registry.register import register
from xds.transaction import Context, Reply, Transaction

# Not "nothing was changed": a connection to the database that is lost during COMMIT leaves that open.
_UNCONFIRMED = Issue(
    Code.XDSRegistryOutOfResources, "the registry can't write at this moment; the submission was not confirmed"
)
_BUSY = Issue(Code.XDSRegistryBusy, "the registry has too much to do at this moment; nothing was changed")


async def answer(body: _Element, ctx: Context) -> Reply:
    """Register the metadata of documents that a repository holds."""
    assert ctx.registry is not None
    submission, issues = decode_submit_objects(body)
    issues = [*issues, *check_submitter(submission, ctx, Code.XDSRegistryError), *check_forwarder(submission, ctx)]
    try:
        issues += await check_references(submission, ctx.registry.index, ctx)
        issues = await register(ctx.registry, submission, issues, entries=submitted_entries(submission, ctx))
    except Busy:
        issues = [_BUSY]
    except Unavailable:
        issues = [_UNCONFIRMED]
    status = status_of(issues).rpartition(":")[2]
    codes = tuple(issue.code for issue in issues)
    failed = status == "Failure"
    event = submitted(submission, ctx, codes) if failed else None
    return Reply((encode_response(issues),), status=status, codes=codes, event=event, lacking=failed)


TRANSACTION = Transaction(
    number="ITI-42",
    name="Register Document Set-b",
    actor="registry",
    request=SUBMIT_OBJECTS_REQUEST,
    action="urn:ihe:iti:2007:RegisterDocumentSet-b",
    response_action="urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
    mtom="never",
    answer=answer,
    person_needed=False,
    passed_on=True,
)
