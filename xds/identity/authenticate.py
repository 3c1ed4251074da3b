"""From the header blocks of a request and its client certificate to the known person behind it.

Source: ITI TF-2: 3.19.6.2 and 3.40.4.1.3.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from lxml import etree
from lxml.etree import _Element

from xds.identity.faults import failed_authentication, invalid_token, no_token
from xds.identity.issuers import Issuer
from xds.identity.saml import Expected, Terms, check_alone, check_terms, find_assertion, issuer_of
from xds.identity.signature import signed_content
from xds.identity.xua import organisation_of, read_requester
from xds.model.party import Participant, Requester
from xds.ports import Index, Reader

PARTICIPANT_SECONDS = 20.0
"""How long a participant counts as it was read: suspending one works within this time, on every worker."""

_MOST_REMEMBERED = 20_000
_KEPT_AFTER_EXPIRY = timedelta(days=1)
"""The row of a used assertion stays so much longer, for a clock that is set back."""
_FORGET_EVERY = timedelta(hours=1)


class Policy(NamedTuple):
    """What is asked of an assertion. Without `required`, a request with no token is let through."""

    audience: str
    skew: timedelta
    max_lifetime: timedelta
    least_assurance: int
    required: bool


class _Remembered(NamedTuple):
    requester: Requester
    expires: datetime
    issuers: Mapping[str, Issuer]


class _Read(NamedTuple):
    participant: Participant
    at: float


class Authenticator:
    """Knows the participants and the assertions that this worker has seen.

    `issuers` is asked at each request; when it gives another mapping, every assertion is verified anew. `clock` is
    monotonic, in seconds.
    """

    def __init__(
        self,
        index: Index,
        issuers: Callable[[], Mapping[str, Issuer]],
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._index = index
        self._issuers = issuers
        self._policy = policy
        self._clock = clock
        self._read: dict[str, _Read] = {}
        self._remembered: dict[bytes, _Remembered] = {}
        self._forgot: datetime | None = None

    def remembered(self, headers: Sequence[_Element], certificate: str | None, now: datetime) -> Requester | None:
        """Who asks, when that is known without waiting and without cryptography; else None, and ask `authenticate`.

        `headers` are the header blocks that are for us; `certificate` is the SHA-256 of the client certificate's DER
        form, in lower-case hex, or None without TLS.
        """
        read = self._read.get(certificate or "")
        if read is None or self._clock() - read.at > PARTICIPANT_SECONDS:
            return None
        assertion = find_assertion(headers)
        if assertion is None:
            return None
        return self._recall(_key(_encoded(assertion), certificate), read.participant, now)

    async def authenticate(
        self, headers: Sequence[_Element], certificate: str | None, now: datetime, *, person_needed: bool = True
    ) -> Requester | None:
        """Who asks; None only where the request has no token in a Security header and needs none.

        It needs one where identity is required, but for a request between systems: there `system` says who sends.

        A Fault of WS-Security says why nobody was accepted. Unavailable when the database does not answer.
        """
        assertion = find_assertion(headers)
        if assertion is None:
            if self._policy.required and person_needed:
                raise no_token("a SAML assertion in a Security header is needed")
            return None
        sender = await self._sender(certificate)
        encoded = _encoded(assertion)
        key = _key(encoded, certificate)
        requester = self._recall(key, sender, now)
        if requester is None:
            issuers = self._issuers()
            connected = [] if sender.repository is None else await self._index.read(_participants)
            requester, terms = self._verify(assertion, encoded, sender, connected, now)
            await self._claim(requester, terms, now)
            if not terms.one_time and requester.forwarder is None:
                self._remember(key, _Remembered(requester, terms.expires, issuers), now)
        return requester

    def assertion(self, headers: Sequence[_Element]) -> bytes | None:
        """The assertion in a request that `authenticate` let through, for passing it on; None when it has none."""
        assertion = find_assertion(headers)
        return None if assertion is None else _encoded(assertion)

    async def participant(self, certificate: str | None) -> Participant:
        """The participant of a client certificate; a Fault when it is unknown or suspended, or for passing on only."""
        sender = await self._sender(certificate)
        if sender.repository is not None:
            raise failed_authentication("this participant passes on what others ask, and may ask nothing itself")
        return sender

    async def _sender(self, certificate: str | None) -> Participant:
        if certificate is None:
            raise failed_authentication("a client certificate is needed")
        read = self._read.get(certificate)
        if read is None or self._clock() - read.at > PARTICIPANT_SECONDS:
            at = self._clock()
            found = await self._index.read(lambda reader: reader.participant(certificate))
            if found is None or found.suspended:
                self._read.pop(certificate, None)
                raise failed_authentication(
                    "this participant is suspended" if found else "the client certificate is of no known participant"
                )
            # The same object while nothing changes: what is remembered of it stays good.
            same = read is not None and read.participant == found
            read = self._read[certificate] = _Read(read.participant if same and read else found, at)
        return read.participant

    async def system(self, certificate: str | None) -> Participant | None:
        """The participant that sends what needs no person behind it; None where identity is not required."""
        return await self.participant(certificate) if self._policy.required else None

    def _recall(self, key: bytes, participant: Participant, now: datetime) -> Requester | None:
        found = self._remembered.get(key)
        if found is None or found.requester.participant is not participant or now >= found.expires:
            return None
        if found.issuers is not self._issuers():
            return None
        return found.requester

    def _remember(self, key: bytes, remembered: _Remembered, now: datetime) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered = {each: it for each, it in self._remembered.items() if it.expires > now}
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = remembered

    def _verify(
        self, assertion: _Element, encoded: bytes, sender: Participant, connected: Iterable[Participant], now: datetime
    ) -> tuple[Requester, Terms]:
        """Who asks, and the assertion's terms; a sender that passes it on got it from one of those `connected`."""
        check_alone(assertion)
        issuer = self._issuers().get(issuer_of(assertion))
        if issuer is None:
            raise invalid_token("the issuer of the assertion is not accepted")
        signed = signed_content(assertion, encoded, issuer.keys(now))
        check_alone(signed)
        if issuer_of(signed) != issuer.name:
            raise invalid_token("the issuer of the assertion is not the one that signed it")
        participant, certificates = sender, frozenset((sender.certificate,))
        if sender.repository is not None:
            participant, certificates = _behind(organisation_of(signed), connected)
        policy = self._policy
        terms = check_terms(
            signed,
            Expected(policy.audience, certificates, policy.skew, policy.max_lifetime, policy.least_assurance, now),
        )
        requester = read_requester(signed, issuer.name, terms.assurance, participant)
        return requester if participant is sender else replace(requester, forwarder=sender), terms

    async def _claim(self, requester: Requester, terms: Terms, now: datetime) -> None:
        """Make the assertion the participant's own, or refuse it when it is another's or was to be used once.

        A repository has done so before it passes one on, for one request of its own: here it stays the system's that
        sent it there. Only what was to be used once becomes the repository's, so that nobody else can use it.
        """
        if requester.forwarder is not None and not terms.one_time:
            return
        user = requester.forwarder or requester.participant
        assertion = hashlib.sha256(f"{requester.issuer}\0{requester.assertion_id}".encode()).hexdigest()
        forget = self._forgot is None or abs(now - self._forgot) > _FORGET_EVERY
        if forget:
            self._forgot = now

        def claim(writer) -> tuple[int, bool]:
            if forget:
                writer.forget_assertions(now - _KEPT_AFTER_EXPIRY)
            return writer.claim_assertion(assertion, user.id, terms.expires)

        owner, first = await self._index.write(claim)
        if owner != user.id:
            raise failed_authentication("the assertion was used before by another participant")
        if terms.one_time and not first and requester.forwarder is None:
            raise failed_authentication("the assertion was for one use, and was used before")


def _participants(reader: Reader) -> list[Participant]:
    return reader.participants()


def _behind(ura: str, connected: Iterable[Participant]) -> tuple[Participant, frozenset[str]]:
    """The system that sent an assertion of this organisation to a repository, and the certificates that it may have.

    Which of the organisation's systems it was only the repository knows: it has the sources of all.
    """
    own = [each for each in connected if each.organisation.ura == ura and not each.suspended and not each.repository]
    if not own:
        raise failed_authentication("no system of the assertion's organisation is connected here")
    sources = dict.fromkeys(source_id for each in own for source_id in each.source_ids)
    return replace(own[0], source_ids=tuple(sources)), frozenset(each.certificate for each in own)


def _encoded(assertion: _Element) -> bytes:
    return etree.tostring(assertion, encoding="utf-8", xml_declaration=False, with_tail=False)


def _key(encoded: bytes, certificate: str | None) -> bytes:
    digest = hashlib.sha256(encoded)
    digest.update((certificate or "").encode())
    return digest.digest()
