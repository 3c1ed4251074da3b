"""ITI-18 Registry Stored Query. Source: ITI TF-2: 3.18.

An answer is spliced: the fragments that were encoded at registration go between a head and a tail.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml.etree import _Element

from xds.ebrim.encode import at_home, escape
from xds.ebrim.fragment import unpack
from xds.ebrim.query import ADHOC_QUERY_REQUEST, AdhocQuery, decode_adhoc_query
from xds.ebrim.response import encode_query_response
from xds.errors import Code, Issue, Unavailable
from xds.model.stored import Stored
from xds.registry.stored_query import HOME, Found, StoredQuery, discover_queries, read_parameters
from xds.transaction import Context, Reply, Transaction

QUERIES = discover_queries()
REFERENCES_PER_OBJECT = 10
"""How many times `max_results` an answer of ObjectRefs may have: they are how a large answer is taken in parts."""
_SECTION = "ITI TF-2: 3.18.4.1.2"


async def answer(body: _Element, ctx: Context) -> Reply:
    """Find objects by a stored query, as LeafClass or ObjectRef."""
    assert ctx.registry is not None
    request, query, values, issues = read_request(body, ctx.registry.home_community_id)
    if issues or query is None:
        return _refuse(issues)
    as_references = request.return_type == "ObjectRef"
    limit = ctx.registry.max_results * (REFERENCES_PER_OBJECT if as_references else 1)
    home = ctx.registry.home_community_id
    try:
        found = await ctx.registry.index.read(lambda reader: query.answer(values, reader, limit + 1))
    except Unavailable:
        return _refuse([Issue(Code.XDSRegistryOutOfResources, "the registry can't read at this moment")])
    objects = [*found.entries, *found.submission_sets, *found.folders, *found.associations]
    if len(objects) > limit:
        way_out = "narrow the query" if as_references else "ask for ObjectRef, or narrow the query"
        context = f"the answer would have more than {limit} objects; {way_out}"
        return _refuse([Issue(Code.XDSTooManyResults, context, section="ITI TF-2: 3.18.4.1.3")])
    if as_references:
        return Reply(encode_query_response(_references(objects, home)))
    if not _single_patient(found):
        context = "the answer has objects of more than one patient; ask for ObjectRef, or for fewer objects"
        return _refuse([Issue(Code.XDSResultNotSinglePatient, context, section="ITI TF-2: 3.18.4.1.3")])
    fragments = [unpack(each.fragment) for each in objects]
    return Reply(encode_query_response([at_home(each, home) for each in fragments] if home else fragments))


def read_request(
    body: _Element, home: str | None
) -> tuple[AdhocQuery, StoredQuery | None, dict[str, Any], list[Issue]]:
    """The request, its stored query, the values of the parameters by field, and every mistake in them.

    `home` is this community, or None when that is not configured or not known.
    """
    request, issues = decode_adhoc_query(body)
    if request.return_type not in ("LeafClass", "ObjectRef"):
        context = "ResponseOption.returnType must be LeafClass or ObjectRef"
        issues.append(Issue(Code.XDSRegistryError, context, "returnType", section="ITI TF-2: 3.18.4.1.2.2"))
    _check_home(request.home, "AdhocQuery.home", home, issues)
    query = QUERIES.get(request.query_id.lower())
    if query is None:
        issues.append(
            Issue(Code.XDSUnknownStoredQuery, "AdhocQuery.id names no stored query that is offered here",
                  request.query_id[:128], section=_SECTION)
        )  # fmt: skip
        return request, None, {}, issues
    unreadable = {issue.location for issue in issues}
    values, wrong = read_parameters(query, request.parameters, unreadable)
    _check_home(values.pop(HOME.field, None), HOME.name, home, issues)
    return request, query, values, [*issues, *wrong]


def _check_home(given: str | None, name: str, home: str | None, issues: list[Issue]) -> None:
    """Source: ITI TF-2: 3.18.4.1.2.3.8."""
    if given and home and given != home:
        issues.append(
            Issue(Code.XDSUnknownCommunity, f"{name} is not this community", name, section="ITI TF-2: 3.18.4.1.2.3.8")
        )


def _refuse(issues: list[Issue]) -> Reply:
    return Reply(
        encode_query_response((), issues), status="Failure", codes=tuple(dict.fromkeys(issue.code for issue in issues))
    )


def _references(objects: Iterable[Stored], home: str | None) -> list[bytes]:
    at = f' home="{escape(home)}"' if home else ""
    return [f'<rim:ObjectRef id="{each.entry_uuid}"{at}/>'.encode() for each in objects]


def _single_patient(found: Found) -> bool:
    """Whether all is of one patient; an association has no patientId, and may lead to another patient's document.

    Source: ITI TF-3: Table 4.2.4.1-2 (XDSResultNotSinglePatient) and 4.2.2.1.1.
    """
    patients = {each.patient for group in (found.entries, found.submission_sets, found.folders) for each in group}
    return len(patients) <= 1


TRANSACTION = Transaction(
    number="ITI-18",
    name="Registry Stored Query",
    actor="registry",
    request=ADHOC_QUERY_REQUEST,
    action="urn:ihe:iti:2007:RegistryStoredQuery",
    response_action="urn:ihe:iti:2007:RegistryStoredQueryResponse",
    mtom="never",
    answer=answer,
)
