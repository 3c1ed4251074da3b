"""The participant register, and the assertions that were used: what is asked of them and what changes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from xds.db.consents import WriteConsents
from xds.db.participant_sql import ParticipantStatements
from xds.db.session import Session
from xds.model.party import NormStatus, Organisation, Participant


class ReadParticipants:
    """What a `Reader` can be asked of participants."""

    _session: Session
    _participants: ParticipantStatements

    def participant(self, certificate: str) -> Participant | None:
        """The participant that has this certificate."""
        rows = self._session.rows(self._participants.find, (bytes.fromhex(certificate),))
        return next(map(_participant, rows), None)

    def participants(self) -> list[Participant]:
        """Every participant once for each of its certificates, in the order in which they were added."""
        return [_participant(row) for row in self._session.rows(self._participants.all)]


class WriteParticipants(ReadParticipants):
    """What a `Writer` can change of participants."""

    consents: WriteConsents

    def add_participant(
        self,
        organisation: Organisation,
        certificate: str,
        source_ids: Iterable[str],
        connected_since: date,
        norms: NormStatus,
        expires: datetime | None = None,
    ) -> int:
        """The number of a new participant; ValueError when the certificate is another's.

        Its kind of organisation takes part from now on, which clients must hear of if it is the first.
        """
        row = (
            organisation.ura,
            organisation.name,
            organisation.kind,
            " ".join(source_ids),
            connected_since.isoformat(),
            *_norm_dates(norms),
            0,
            None,
        )
        ((number,),) = self._session.rows(self._participants.add, row)
        self.add_certificate(number, certificate, expires)
        self.consents.join(organisation.kind, datetime.now(UTC))
        return number

    def add_certificate(self, participant: int, certificate: str, expires: datetime | None = None) -> None:
        """Let a participant use this certificate too; ValueError when it is in use, or the participant unknown."""
        until = None if expires is None else int(expires.timestamp())
        self._session.run(self._participants.add_certificate, (bytes.fromhex(certificate), participant, until))

    def remove_certificate(self, participant: int, certificate: str) -> bool:
        """Whether the participant had this certificate, which it may use no longer."""
        return bool(self._session.run(self._participants.remove_certificate, (participant, bytes.fromhex(certificate))))

    def suspend_participant(self, participant: int, suspended: bool) -> bool:
        """Whether there is such a participant."""
        return bool(self._session.run(self._participants.suspend, (int(suspended), participant)))

    def set_source_ids(self, participant: int, source_ids: Iterable[str]) -> bool:
        """Whether there is such a participant."""
        return bool(self._session.run(self._participants.set_source_ids, (" ".join(source_ids), participant)))

    def set_repository(self, participant: int, unique_id: str | None) -> bool:
        """Whether there is such a participant; it passes requests on from now on as the repository with this id."""
        return bool(self._session.run(self._participants.set_repository, (unique_id, participant)))

    def set_norms(self, participant: int, norms: NormStatus) -> bool:
        """Whether there is such a participant."""
        return bool(self._session.run(self._participants.set_norms, (*_norm_dates(norms), participant)))

    def claim_assertion(self, assertion: str, participant: int, expires: datetime) -> tuple[int, bool]:
        """The participant that owns an assertion, this one if it had no owner, and whether that is new."""
        key = bytes.fromhex(assertion)
        if self._session.run(self._participants.claim, (key, participant, int(expires.timestamp()) + 1)):
            return participant, True
        ((owner,),) = self._session.rows(self._participants.owner, (key,))
        return owner, False

    def forget_assertions(self, before: datetime) -> None:
        """Drop the assertions that expired before then."""
        self._session.run(self._participants.forget, (int(before.timestamp()),))


def _participant(row: Sequence[Any]) -> Participant:
    number, ura, name, kind, source_ids, since, *norms, suspended, repository, fingerprint, expires = row
    return Participant(
        id=number,
        organisation=Organisation(ura, name, kind),
        certificate=bytes(fingerprint).hex(),
        source_ids=tuple(source_ids.split()),
        connected_since=date.fromisoformat(since),
        norms=NormStatus(*(date.fromisoformat(text) if text else None for text in norms)),
        suspended=bool(suspended),
        certificate_expires=None if expires is None else datetime.fromtimestamp(expires, UTC),
        repository=repository,
    )


def _norm_dates(norms: NormStatus) -> tuple[str | None, ...]:
    return tuple(day.isoformat() if day else None for day in (norms.nen7510, norms.nen7512, norms.nen7513))
