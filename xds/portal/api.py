"""The handlers of /consent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import web

from xds.consent.change import Outcome, born, end_relation, notify, record, relate
from xds.consent.explain import described
from xds.consent.policy import Policy
from xds.errors import Fault, Unavailable
from xds.model.consent import ANYONE, Consent, ConsentChange, Decision, Scope, ScopeKind
from xds.model.party import Participant
from xds.portal.messages import Informed, Look, Record, Relate, Withdraw
from xds.ports import Index, Reader, Writer

_MOST = 64 << 10
_SECONDS = 30.0
_QUOTED = re.compile(r"(?<=enum value) '.*'(?= - at)|(?<=unknown field) `.*?`(?= - at|$)", re.S)
Request = TypeVar("Request", Look, Withdraw, Record, Relate, Informed)


class PortalLog(Protocol):
    """Who is told what a portal did in one request."""

    def changed(self, writer: Writer, change: ConsentChange) -> None:
        """Record a change in its own transaction; what is raised undoes the change."""

    async def seen(self, patient_id: str, recorded_by: str) -> None:
        """Record that a client's words were asked for; what is raised keeps them from being answered."""

    async def refused(self, what: str, patient_id: str | None, reason: str) -> None:
        """Record that a request was refused. `what` is the end of its path; a client is not known of every request."""


LogOf = Callable[[web.Request, Participant | None], PortalLog]
"""The log of one request, by a participant, or by who was not let in."""


@dataclass(frozen=True, slots=True)
class _Api:
    index: Index
    policy: Callable[[], Policy]
    participant_of: Callable[[web.Request], Awaitable[Participant]]
    log_of: LogOf


@dataclass(slots=True)
class _Call:
    """One request. `patient` is the client that it is about, once that has been read."""

    request: web.Request
    index: Index
    policy: Callable[[], Policy]
    participant: Participant
    log: PortalLog
    patient: str | None = None


def add_consent_api(
    app: web.Application,
    index: Index,
    policy: Callable[[], Policy],
    participant_of: Callable[[web.Request], Awaitable[Participant]],
    log_of: LogOf,
) -> None:
    """Serve the consent register to participants. `participant_of` raises a Fault when it lets nobody in."""
    api = _Api(index, policy, participant_of, log_of)
    app.router.add_get("/consent/policy", _answering(api, "policy", _policy))
    for path, handler in (
        ("list", _list),
        ("record", _record),
        ("withdraw", _withdraw),
        ("relation", _relation),
        ("informed", _informed),
    ):
        app.router.add_post(f"/consent/{path}", _answering(api, path, handler))


Handler = Callable[[_Call], Awaitable[web.Response]]


class _Refused(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, *mistakes: str):
        super().__init__()
        self.status = status
        self.mistakes = mistakes


def _answering(api: _Api, path: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            try:
                participant = await api.participant_of(request)
            except Fault as fault:
                await api.log_of(request, None).refused(path, None, fault.reason)
                return _json({"mistakes": [fault.reason]}, 403)
            call = _Call(request, api.index, api.policy, participant, api.log_of(request, participant))
            try:
                return await handler(call)
            except _Refused as refused:
                await call.log.refused(path, call.patient, "; ".join(refused.mistakes))
                return _json({"mistakes": refused.mistakes}, refused.status)
        except Unavailable:
            return _json({"mistakes": ["the consent register can't be reached"]}, 503)

    return answer


async def _policy(call: _Call) -> web.Response:
    """What a client can speak of, for who shows it."""
    policy = call.policy()
    categories = {code: category.display for code, category in policy.organisation_categories.items()}
    shown = {
        "version": policy.version,
        "form": policy.form,
        "data_categories": policy.data_categories,
        "organisation_categories": categories,
    }
    return _json(shown)


async def _list(call: _Call) -> web.Response:
    asked = await _read(call, Look)
    policy, participant = call.policy(), call.participant
    await call.log.seen(asked.patient, f"{participant.organisation.ura}:{asked.recorded_by}")

    def versions(reader: Reader) -> list[Consent]:
        patient = reader.patient(asked.patient)
        return [] if patient is None else reader.consents.versions(patient)

    words = await call.index.read(versions)
    newest = {word.subject: word.number for word in words}
    return _json(
        {
            "words": [
                described(policy, word, newest[word.subject] == word.number)
                for word in words
                if _concerns(policy, participant, word.subject.holder)
            ]
        }
    )


async def _record(call: _Call) -> web.Response:
    asked = await _read(call, Record)
    now = datetime.now(UTC)

    def act(writer: Writer) -> list[Outcome]:
        made: list[Outcome] = []
        word = _signed(call.participant, asked.word(now))
        if asked.birth_date is not None:
            made.append(born(writer, asked.patient, asked.birth_date, word.recorded_by, now))
        return [*made, record(writer, call.policy(), asked.patient, word)]

    if asked.decision == Decision.PERMIT:
        _own_documents(call.participant, asked)
    return await _change(call, act)


async def _withdraw(call: _Call) -> web.Response:
    asked = await _read(call, Withdraw)
    _own_documents(call.participant, asked)
    word = _signed(call.participant, asked.word(datetime.now(UTC)))
    return await _change(call, lambda writer: [record(writer, call.policy(), asked.patient, word)])


async def _relation(call: _Call) -> web.Response:
    asked = await _read(call, Relate)
    now, ura = datetime.now(UTC), call.participant.organisation.ura
    by = f"{ura}:{asked.recorded_by}"
    if asked.end:
        return await _change(call, lambda writer: [end_relation(writer, asked.patient, ura, by, now)])
    relation = asked.relation(ura, now)
    return await _change(call, lambda writer: [relate(writer, asked.patient, relation, by, now)])


async def _informed(call: _Call) -> web.Response:
    asked = await _read(call, Informed)
    now, by = datetime.now(UTC), f"{call.participant.organisation.ura}:{asked.recorded_by}"
    return await _change(call, lambda writer: [notify(writer, call.policy(), asked.patient, asked.category, by, now)])


async def _change(call: _Call, act: Callable[[Writer], list[Outcome]]) -> web.Response:
    """Make changes and tell the log, all or nothing; answer with the last."""

    def change(writer: Writer) -> ConsentChange:
        outcomes = act(writer)
        for outcome in outcomes:
            if not isinstance(outcome, ConsentChange):
                raise _Refused(422, *outcome)
            call.log.changed(writer, outcome)
        return outcomes[-1]

    made = await call.index.write(change)
    return _json({"number": made.number, "text": made.text}, 201)


def _signed(participant: Participant, word: Consent) -> Consent:
    return replace(word, recorded_by=f"{participant.organisation.ura}:{word.recorded_by}")


def _own_documents(participant: Participant, asked: Withdraw) -> None:
    if asked.holder != f"{ScopeKind.ORGANISATION}:{participant.organisation.ura}":
        raise _Refused(403, "holder: what allows more is about the participant's own documents")


def _concerns(policy: Policy, participant: Participant, holder: Scope) -> bool:
    organisation = participant.organisation
    return (
        holder == ANYONE
        or holder == Scope(ScopeKind.ORGANISATION, organisation.ura)
        or (holder.kind is ScopeKind.CATEGORY and holder.code in policy.categories_of(organisation.kind))
    )


async def _read(call: _Call, kind: type[Request]) -> Request:
    request = call.request
    if request.content_type != "application/json":
        raise _Refused(415, "expected application/json")
    if (request.content_length or 0) > _MOST:
        raise _Refused(413, "the request is too large")
    content = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > _MOST:
                    raise _Refused(413, "the request is too large")
    except TimeoutError:
        raise _Refused(408, "the request took too long to come in") from None
    try:
        asked = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused(400, _place(error)) from None
    call.patient = asked.patient
    return asked


def _place(error: Exception) -> str:
    """What is wrong and where, without what was sent."""
    text = str(error) if isinstance(error, msgspec.ValidationError) else "not JSON in UTF-8"
    return _QUOTED.sub("", text)


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
