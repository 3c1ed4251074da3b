"""Who may use an assertion, how often, and what of that costs nothing the second time."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import timeit
from datetime import timedelta

import pytest
from identity_samples import CERTIFICATES, HOSPITAL, MIDWIFE, POLICY, headers, statement, subcode

from xds.db import open_database
from xds.errors import Fault
from xds.identity import Authenticator
from xds.identity.authenticate import PARTICIPANT_SECONDS


def ask(authenticator, blocks, certificate, now):
    return asyncio.run(authenticator.authenticate(blocks, certificate, now))


def refused(authenticator, blocks, certificate, now) -> Fault:
    with pytest.raises(Fault) as caught:
        ask(authenticator, blocks, certificate, now)
    return caught.value


@pytest.fixture
def shared(database):
    """The certificate of a second system of the hospital, which is another participant."""
    hospital = database.read_now(lambda reader: reader.participant(CERTIFICATES[HOSPITAL]))
    certificate = "cc" * 32
    database.write_now(
        lambda writer: writer.add_participant(
            hospital.organisation, certificate, (), hospital.connected_since, hospital.norms
        )
    )
    return certificate


def test_a_remembered_assertion_needs_no_second_look(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(), now))

    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now) is None
    requester = ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)

    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now) is requester
    again = headers(issuer.issue(statement(), now))
    assert authenticator.remembered(again, CERTIFICATES[HOSPITAL], now) is None
    assert authenticator.remembered(blocks, CERTIFICATES[MIDWIFE], now) is None
    assert authenticator.remembered((), CERTIFICATES[HOSPITAL], now) is None
    assert authenticator.remembered(blocks, None, now) is None


def test_it_is_forgotten_when_the_issuers_change(database, issuers, issuer, now):
    accepted = [issuers]
    authenticator = Authenticator(database, lambda: accepted[0], POLICY)
    blocks = headers(issuer.issue(statement(), now))
    ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)

    accepted[0] = {}

    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now) is None
    assert (
        "issuer of the assertion is not accepted" in refused(authenticator, blocks, CERTIFICATES[HOSPITAL], now).reason
    )


def test_it_is_forgotten_when_it_expires(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(lifetime=timedelta(minutes=5)), now))
    ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)
    last = now + timedelta(minutes=6)

    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], last - timedelta(seconds=1))
    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], last) is None
    assert subcode(refused(authenticator, blocks, CERTIFICATES[HOSPITAL], last)) == "MessageExpired"


def test_another_participant_may_not_use_it_on_any_worker_or_after_a_restart(
    database, issuers, issuer, shared, now, tmp_path
):
    """Case 66."""
    blocks = headers(issuer.issue(statement(), now))
    workers = [Authenticator(database, lambda: issuers, POLICY) for _ in range(2)]
    ask(workers[0], blocks, CERTIFICATES[HOSPITAL], now)

    for worker in workers:
        assert ask(worker, blocks, CERTIFICATES[HOSPITAL], now)
        assert subcode(refused(worker, blocks, shared, now)) == "FailedAuthentication"
    reopened = open_database(f"sqlite:///{tmp_path}/xds.db")
    try:
        restarted = Authenticator(reopened, lambda: issuers, POLICY)
        assert "another participant" in refused(restarted, blocks, shared, now).reason
        assert ask(restarted, blocks, CERTIFICATES[HOSPITAL], now)
    finally:
        reopened.close()


def test_one_use_is_one_use(database, issuers, issuer, now):
    blocks = headers(issuer.issue(statement(one_time=True), now))
    workers = [Authenticator(database, lambda: issuers, POLICY) for _ in range(2)]

    assert ask(workers[0], blocks, CERTIFICATES[HOSPITAL], now)

    assert workers[0].remembered(blocks, CERTIFICATES[HOSPITAL], now) is None
    for worker in workers:
        assert "one use" in refused(worker, blocks, CERTIFICATES[HOSPITAL], now).reason


def test_of_many_uses_at_once_one_is_the_first(database, issuers, issuer, now):
    blocks = headers(issuer.issue(statement(one_time=True), now))
    authenticator = Authenticator(database, lambda: issuers, POLICY)

    async def race():
        asked = (authenticator.authenticate(blocks, CERTIFICATES[HOSPITAL], now) for _ in range(20))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(race())

    assert sum(not isinstance(answer, Fault) for answer in answers) == 1


def test_a_row_is_written_once_and_goes_when_it_is_of_no_use(database, issuers, issuer, now, tmp_path):
    def rows() -> int:
        with contextlib.closing(sqlite3.connect(tmp_path / "xds.db")) as connection:
            return connection.execute("SELECT count(*) FROM used_assertion").fetchone()[0]

    blocks = headers(issuer.issue(statement(), now))
    for _ in range(3):
        ask(Authenticator(database, lambda: issuers, POLICY), blocks, CERTIFICATES[HOSPITAL], now)
    assert rows() == 1
    later = now + timedelta(days=2)
    ask(
        Authenticator(database, lambda: issuers, POLICY),
        headers(issuer.issue(statement(), later)),
        CERTIFICATES[HOSPITAL],
        later,
    )
    assert rows() == 1


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_suspended_participant_is_refused_within_a_minute(database, issuers, issuer, now):
    clock = Clock()
    authenticator = Authenticator(database, lambda: issuers, POLICY, clock)
    blocks = headers(issuer.issue(statement(), now))
    requester = ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)
    number = requester.participant.id
    clock.now = PARTICIPANT_SECONDS + 1

    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now) is None
    assert ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now) is requester
    database.write_now(lambda writer: writer.suspend_participant(number, True))
    clock.now += PARTICIPANT_SECONDS + 1
    assert PARTICIPANT_SECONDS < 60
    assert authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now) is None
    assert "suspended" in refused(authenticator, blocks, CERTIFICATES[HOSPITAL], now).reason
    database.write_now(lambda writer: writer.suspend_participant(number, False))
    assert ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now).user == requester.user


def test_an_unknown_certificate_or_none(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(), now))

    assert "no known participant" in refused(authenticator, blocks, "dd" * 32, now).reason
    assert "client certificate" in refused(authenticator, blocks, None, now).reason


def test_without_a_need_for_identity_a_token_that_is_there_is_still_checked(database, issuers, issuer, now):
    authenticator = Authenticator(database, lambda: issuers, POLICY._replace(required=False))

    assert ask(authenticator, (), None, now) is None
    assert ask(authenticator, headers(), None, now) is None
    foreign = headers(b'<u:UsernameToken xmlns:u="urn:x"/>')
    assert subcode(refused(authenticator, foreign, CERTIFICATES[HOSPITAL], now)) == "UnsupportedSecurityToken"
    blocks = headers(issuer.issue(statement(), now))
    assert refused(authenticator, blocks, None, now)
    assert ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)


def test_a_remembered_assertion_costs_little(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(), now))
    ask(authenticator, blocks, CERTIFICATES[HOSPITAL], now)

    best = min(
        timeit.repeat(lambda: authenticator.remembered(blocks, CERTIFICATES[HOSPITAL], now), number=500, repeat=7)
    )

    assert best / 500 < 100e-6  # 15 µs on an idle core; this only tells whether cryptography came in


def test_the_room_does_not_import_what_only_makes_tokens():
    program = "import sys, xds.identity; print({'cryptography', 'xds.identity.issue'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_a_feed_needs_no_person_but_a_participant(database, issuers):
    authenticator = Authenticator(database, lambda: issuers, POLICY)

    def system(certificate):
        return asyncio.run(authenticator.system(certificate))

    assert system(CERTIFICATES[HOSPITAL]).organisation.ura == HOSPITAL
    database.write_now(lambda writer: writer.suspend_participant(2, True))
    for certificate in ("dd" * 32, None, CERTIFICATES[MIDWIFE]):
        with pytest.raises(Fault):
            system(certificate)
    assert asyncio.run(Authenticator(database, lambda: issuers, POLICY._replace(required=False)).system(None)) is None
