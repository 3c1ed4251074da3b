"""An assertion that a repository passes on: whose it must be, how often it counts, and what the system behind it is."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import date

import pytest
from identity_samples import CERTIFICATES, HOSPITAL, MIDWIFE, POLICY, headers, statement, subcode

from xds.errors import Fault
from xds.identity import Authenticator
from xds.model.party import NormStatus, Organisation, Requester

REPOSITORY, SECOND = "ee" * 32, "ff" * 32


@pytest.fixture
def database(database):
    """With a repository, and a second system of the hospital that has a source of its own."""

    def change(writer) -> None:
        added = (date(2026, 1, 1), NormStatus())
        repository = writer.add_participant(Organisation("00000003", "De Opslag", "V6"), REPOSITORY, (), *added)
        assert writer.set_repository(repository, "2.999.1")
        hospital = writer.participant(CERTIFICATES[HOSPITAL]).organisation
        writer.add_participant(hospital, SECOND, ("2.999.8",), *added)

    database.write_now(change)
    return database


def ask(authenticator, blocks, certificate, now) -> Requester:
    return asyncio.run(authenticator.authenticate(blocks, certificate, now))


def refused(authenticator, blocks, certificate, now) -> str:
    with pytest.raises(Fault) as caught:
        ask(authenticator, blocks, certificate, now)
    assert subcode(caught.value) == "FailedAuthentication"
    return caught.value.reason


def suspend(database, certificate: str) -> None:
    database.write_now(lambda writer: writer.suspend_participant(writer.participant(certificate).id, True))


def test_the_person_is_known_and_the_repository_too(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(), now))

    requester = ask(authenticator, blocks, REPOSITORY, now)

    assert requester.forwarder.repository == "2.999.1"
    assert requester.organisation.ura == requester.participant.organisation.ura == HOSPITAL
    assert requester.participant.source_ids == ("2.999.7", "2.999.8"), "which of its systems it was is not known"
    assert authenticator.remembered(blocks, REPOSITORY, now) is None


def test_it_stays_the_system_s_that_sent_it(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(), now))

    assert ask(authenticator, blocks, REPOSITORY, now)
    assert ask(authenticator, blocks, SECOND, now).forwarder is None
    assert ask(authenticator, blocks, REPOSITORY, now)
    assert "another participant" in refused(authenticator, blocks, CERTIFICATES[HOSPITAL], now)


def test_for_one_use_it_is_the_repository_s_for_its_request(database, issuers, issuer, now):
    workers = [Authenticator(database, lambda: issuers, POLICY) for _ in range(2)]
    passed_on = headers(issuer.issue(statement(one_time=True), now))
    used = headers(issuer.issue(statement(one_time=True), now))

    for worker in (*workers, *workers):
        assert ask(worker, passed_on, REPOSITORY, now).forwarder
    assert "another participant" in refused(workers[0], passed_on, CERTIFICATES[HOSPITAL], now)
    assert ask(workers[0], used, CERTIFICATES[HOSPITAL], now)
    assert "another participant" in refused(workers[1], used, REPOSITORY, now)


def test_the_organisation_must_be_connected_here(database, authenticator, issuer, now):
    suspend(database, CERTIFICATES[MIDWIFE])
    suspend(database, SECOND)

    assert "no system of the assertion's organisation" in refused(
        authenticator, headers(issuer.issue(statement(MIDWIFE), now)), REPOSITORY, now
    )
    requester = ask(authenticator, headers(issuer.issue(statement(), now)), REPOSITORY, now)
    assert requester.participant.source_ids == ("2.999.7",)


def test_nobody_vouches_for_the_repository_s_own(authenticator, issuer, now):
    own = replace(statement(), ura="00000003")
    assert "no system of the assertion's organisation" in refused(
        authenticator, headers(issuer.issue(own, now)), REPOSITORY, now
    )
    with pytest.raises(Fault, match="may ask nothing itself"):
        asyncio.run(authenticator.system(REPOSITORY))


def test_a_suspended_repository_passes_nothing_on(database, authenticator, issuer, now):
    suspend(database, REPOSITORY)
    assert "suspended" in refused(authenticator, headers(issuer.issue(statement(), now)), REPOSITORY, now)


def test_a_system_that_is_no_repository_passes_nothing_on(database, authenticator, issuer, now):
    database.write_now(lambda writer: writer.set_repository(writer.participant(REPOSITORY).id, None))
    assert "another organisation" in refused(authenticator, headers(issuer.issue(statement(), now)), REPOSITORY, now)


def test_a_holder_of_key_is_a_system_of_the_organisation(database, authenticator, issuer, now):

    der = b"the DER form of a certificate"
    blocks = headers(issuer.issue(statement(holder=der), now))

    assert "no subject confirmation holds" in refused(authenticator, blocks, REPOSITORY, now)
    of_another = database.read_now(lambda reader: reader.participant(CERTIFICATES[MIDWIFE])).id
    fingerprint = hashlib.sha256(der).hexdigest()
    database.write_now(lambda writer: writer.add_certificate(of_another, fingerprint))
    assert "no subject confirmation holds" in refused(authenticator, blocks, REPOSITORY, now)

    own = database.read_now(lambda reader: reader.participant(CERTIFICATES[HOSPITAL])).id

    def change(writer) -> None:
        writer.remove_certificate(of_another, fingerprint)
        writer.add_certificate(own, fingerprint)

    database.write_now(change)
    assert ask(authenticator, blocks, REPOSITORY, now).forwarder
