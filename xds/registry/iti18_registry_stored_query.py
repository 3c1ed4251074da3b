"""ITI-18 Registry Stored Query. Source: ITI TF-2: 3.18.

An answer is spliced: the fragments that were encoded at registration go between a head and a tail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree
from lxml.etree import _Element

from xds.consent.retrieving import look_to_retrieve, newest
from xds.consent.sight import NO_EVIDENCE, Evidence, Sight, gather, look, record_emergencies
from xds.ebrim.encode import at_home, escape
from xds.ebrim.fragment import unpack
from xds.ebrim.query import ADHOC_QUERY_REQUEST, AdhocQuery, decode_adhoc_query
from xds.ebrim.response import encode_query_response
from xds.errors import Code, Issue, Unavailable
from xds.model.audit import MINOR, SUCCESS, Event
from xds.model.audit import Access as Accessed
from xds.model.hl7 import cx_or_none
from xds.model.stored import Found, Stored
from xds.ports import Reader
from xds.registry.stored_query import HOME, StoredQuery, discover_queries, read_parameters
from xds.transaction import Context, Reply, Transaction, unrecorded

QUERIES = discover_queries()
REFERENCES_PER_OBJECT = 10
"""How many times `max_results` an answer of ObjectRefs may have: they are how a large answer is taken in parts."""
_SECTION = "ITI TF-2: 3.18.4.1.2"
_MOST_HIDDEN = 100_000
"""Objects that a requester may not see, and that a query passes over."""
_QUERY_KEPT = 32 * 1024
"""Characters of a request that the log keeps."""
_TO_RETRIEVE = "retrieval-check"
_PASSED_ON = {"GetDocuments": _TO_RETRIEVE, "GetSubmissionSetAndContents": "registration-check"}
"""What a repository asks on behalf of a person, by the query's name, as the log has it: which documents it may give
them, and whether it registered what they submitted."""
_NOT_PASSED_ON = Issue(Code.XDSRegistryError, "a repository may not pass this query on")
_OTHER_PATIENT = Issue(Code.XDSRegistryError, "the assertion's resource-id is another patient than the query's")


async def answer(body: _Element, ctx: Context) -> Reply:
    """Find objects by a stored query, as LeafClass or ObjectRef."""
    assert ctx.registry is not None
    request, query, values, issues = read_request(body, ctx.registry.home_community_id)
    asked = _Asked(request, query, values, body, ctx)
    if asked.passed_on and not asked.kind:
        return asked.refuse([_NOT_PASSED_ON])
    if issues or query is None:
        return asked.refuse(issues)
    if ctx.requester is not None and ctx.requester.patient not in (None, asked.patient or ctx.requester.patient):
        return asked.refuse([_OTHER_PATIENT])
    try:
        found, evidence = await ctx.registry.index.read(lambda reader: _find(query, values, reader, asked))
        sight = await (look_to_retrieve if asked.to_retrieve else look)(found, evidence, ctx)
        await record_emergencies(sight.emergencies, ctx.registry.index)
    except Unavailable:
        return asked.refuse([Issue(Code.XDSRegistryOutOfResources, "the registry can't read at this moment")])
    issues = asked.too_much(found, sight.found)
    if issues:
        return asked.refuse(issues)
    objects = sight.found.objects
    home = ctx.registry.home_community_id
    if asked.as_references:
        return asked.give(_references(objects, home), sight)
    fragments = [unpack(each.fragment) for each in objects]
    return asked.give([at_home(each, home) for each in fragments] if home else fragments, sight)


class _Asked:
    """What was asked, and the answers to it with what the log records of them."""

    def __init__(
        self,
        request: AdhocQuery,
        query: StoredQuery | None,
        values: Mapping[str, Any],
        body: _Element,
        ctx: Context,
    ):
        assert ctx.registry is not None
        self.passed_on = ctx.requester is not None and ctx.requester.forwarder is not None
        self.kind = _PASSED_ON.get(query.name, "") if self.passed_on and query is not None else ""
        self.to_retrieve = self.kind == _TO_RETRIEVE
        self.as_references = request.return_type == "ObjectRef"
        self.limit = ctx.registry.max_results * (REFERENCES_PER_OBJECT if self.as_references else 1)
        # What a requester may not see must not show by an answer that is too large, so more is looked at.
        self.most = self.limit + _MOST_HIDDEN if ctx.requester else self.limit
        self.is_open = ctx.requester is None and ctx.event is unrecorded
        self.patient = None if self.is_open else cx_or_none(values.get("patient"))
        self._ids = _ids(values)
        self._query_id = request.query_id
        self._body = body
        self._ctx = ctx

    def give(self, objects: Sequence[bytes], sight: Sight) -> Reply:
        accesses = sight.accesses or ([] if self.patient is None else [Accessed(self.patient)])
        hidden = any(each.verdict is not None and not each.verdict.permitted for each in accesses)
        event = self._event(MINOR if hidden else SUCCESS, accesses)
        lacking = not objects or (len(self._ids) > 1 and not self._ids <= _told_of(sight.found))
        return Reply(encode_query_response(objects), event=event, lacking=lacking)

    def refuse(self, issues: list[Issue]) -> Reply:
        codes = tuple(dict.fromkeys(issue.code for issue in issues))
        accesses = () if self.patient is None else (Accessed(self.patient),)
        event = self._event(MINOR, accesses, outcome_text=" ".join(codes))
        return Reply(encode_query_response((), issues), status="Failure", codes=codes, event=event)

    def too_much(self, found: Found, visible: Found) -> list[Issue]:
        """Why what may be seen is no answer. Source: ITI TF-2: 3.18.4.1.3."""
        seen = len(visible.objects)
        if seen > self.limit or (seen and len(found.objects) > self.most):
            way_out = "narrow the query" if self.as_references else "ask for ObjectRef, or narrow the query"
            context = f"the answer would have more than {self.limit} objects; {way_out}"
            return [Issue(Code.XDSTooManyResults, context, section="ITI TF-2: 3.18.4.1.3")]
        # Documents of several patients may be retrieved at once, and the repository tells them apart.
        if not self.as_references and not self.to_retrieve and not _single_patient(visible):
            context = "the answer has objects of more than one patient; ask for ObjectRef, or for fewer objects"
            return [Issue(Code.XDSResultNotSinglePatient, context, section="ITI TF-2: 3.18.4.1.3")]
        return []

    def _event(self, outcome: int, accesses: Sequence[Accessed], outcome_text: str = "") -> Event | None:
        if self._ctx.event is unrecorded:
            return None
        query = etree.tostring(self._body, encoding="unicode")[:_QUERY_KEPT]
        return self._ctx.event(
            outcome, accesses, outcome_text=outcome_text, query_id=self._query_id, query=query, transaction=self.kind
        )


def _ids(values: Mapping[str, Any]) -> set[str]:
    """The ids that were asked for as a list."""
    lists = (values.get(name) for name in ("uuids", "unique_ids", "logical_ids"))
    return {each for ids in lists if isinstance(ids, tuple) for each in ids}


def _told_of(found: Found) -> set[str]:
    """The ids of what is in an answer, and of what hangs on it."""
    told = {end for each in found.associations for end in (each.source_object, each.target_object)}
    names = ("entry_uuid", "unique_id", "logical_id")
    return told | {getattr(each, name) for each in found.objects for name in names if hasattr(each, name)}


def _find(query: StoredQuery, values: dict[str, Any], reader: Reader, asked: _Asked) -> tuple[Found, Evidence]:
    found = query.answer(values, reader, asked.most + 1)
    if asked.to_retrieve:
        found = newest(found.entries)
    if asked.is_open:
        return found, NO_EVIDENCE
    return found, gather(reader, found)


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
    passed_on=True,
)
