"""Asking: one exchange for each holder, at the same time, within a time limit."""

from __future__ import annotations

import asyncio
import logging
import ssl
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import aiohttp

from xds.errors import XdsError
from xds.mitz.answer import MAX_BYTES, Unintelligible, read_answer
from xds.mitz.question import ACTION, write_question
from xds.model.affinity_domain import BSN_OID
from xds.model.consent import Answer, ClientFacts, Question
from xds.model.hl7 import CX, parse_cx
from xds.model.party import Requester

_MOST_AT_ONCE = 32
_REASONS = {
    "Permit": "De cliënt geeft in Mitz toestemming.",
    "Deny": "De cliënt geeft in Mitz geen toestemming.",
    "NotApplicable": "Mitz heeft geen antwoord: de vraag is er niet van toepassing.",
}
_NO_ANSWER = "Mitz kon niet bepalen of de cliënt toestemming geeft."

_log = logging.getLogger(__name__)


class MitzConsents:
    """The port `ConsentSource` by the closed authorisation question."""

    def __init__(self, url: str, context: ssl.SSLContext | None, seconds: float):
        """Ask at `url`. `context` is for TLS, None where the URL is http; `seconds` is the longest wait for it all."""
        self._url = url
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()

    async def answers(
        self, requester: Requester, facts: ClientFacts, questions: Sequence[Question], now: datetime
    ) -> Mapping[Question, Answer]:
        """The answers that came, in time. A client without a BSN and a document without a holder aren't asked about."""
        patient = parse_cx(facts.patient_id)
        if patient.authority != BSN_OID:
            return {}
        by_holder: dict[tuple[str, str | None], list[Question]] = {}
        for question in questions:
            if question.holder is not None:
                by_holder.setdefault((question.holder, question.kind), []).append(question)
        groups = list(by_holder.values())
        if len(groups) > _MOST_AT_ONCE:
            _log.warning("mitz: not all holders of an answer were asked about")
        found: dict[Question, Answer] = {}
        asking = (self._ask(requester, patient, group, now) for group in groups[:_MOST_AT_ONCE])
        for answers in await asyncio.gather(*asking):
            found.update(answers)
        return found

    async def _ask(
        self, requester: Requester, patient: CX, group: Sequence[Question], now: datetime
    ) -> dict[Question, Answer]:
        """Ask about one holder; what goes wrong leaves the questions open and is logged, without the client."""
        query_id = f"_{uuid.uuid4()}"
        categories = sorted({question.category for question in group})
        try:
            message = write_question(
                requester,
                patient,
                group[0].holder or "",
                group[0].kind,
                categories,
                url=self._url,
                query_id=query_id,
                now=now,
            )
            decisions = read_answer(await self._send(message), query_id, categories)
        except Unintelligible as error:
            _log.warning("mitz: the answer is not intelligible: %s", error)
        except (aiohttp.ClientError, TimeoutError, XdsError) as error:
            _log.warning("mitz: no answer: %s", type(error).__name__)
        else:
            return {
                question: _answer(decisions[question.category], query_id)
                for question in group
                if question.category in decisions
            }
        return {}

    async def _send(self, message: bytes) -> bytes:
        headers = {"Content-Type": f'application/soap+xml; charset=UTF-8; action="{ACTION}"'}
        async with self._connected().post(self._url, data=message, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise Unintelligible(f"HTTP status {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_any():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise Unintelligible("it is too large")
            return bytes(content)

    def _connected(self) -> aiohttp.ClientSession:
        # Made at the first use, as it belongs to the event loop that runs then.
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context if self._context is not None else True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self._session


def _answer(decision: str, query_id: str) -> Answer:
    return Answer(decision == "Permit", f"mitz:{query_id}", _REASONS.get(decision, _NO_ANSWER))
