"""The consent register for a hospital's portal, over mutual TLS, with the participant of the client certificate."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from consent_samples import HOSPITAL, POLICY, PRACTICE, category, organisation, permit
from samples import OTHER_PATIENT, PATIENT

from xds.db import Database, open_database
from xds.errors import Unavailable
from xds.identity import Authenticator
from xds.identity import Policy as IdentityPolicy
from xds.model.consent import ANYONE, Channel, ConsentChange, Decision
from xds.model.party import NormStatus, Participant
from xds.portal import add_consent_api

OWN = f"organisation:{HOSPITAL.ura}"
PERMIT = {
    "patient": PATIENT,
    "decision": "permit",
    "holder": OWN,
    "consumer": "category:jgz",
    "recorded_by": "a.jansen",
}


class Log:
    """What the log was told; it can be out of order."""

    def __init__(self) -> None:
        self.changes: list[ConsentChange] = []
        self.looks: list[tuple[str, str]] = []
        self.refusals: list[tuple[str, str | None]] = []
        self.broken = False

    def changed(self, writer: Any, change: ConsentChange) -> None:
        if self.broken:
            raise Unavailable("the log can't be written")
        self.changes.append(change)

    async def seen(self, patient_id: str, recorded_by: str) -> None:
        if self.broken:
            raise Unavailable("the log can't be written")
        self.looks.append((patient_id, recorded_by))

    async def refused(self, what: str, patient_id: str | None, reason: str) -> None:
        if self.broken:
            raise Unavailable("the log can't be written")
        self.refusals.append((what, patient_id))


class Certificates:
    """A server's context, and one of each client that it trusts."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert("127.0.0.1").configure_cert(self.server)
        self._authority.configure_trust(self.server)
        self.server.verify_mode = ssl.CERT_REQUIRED
        self.hospital, self.fingerprint = self._client("hospital.example")
        self.stranger, _ = self._client("stranger.example")

    def _client(self, name: str) -> tuple[ssl.SSLContext, str]:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        certificate = self._authority.issue_cert(name)
        certificate.configure_cert(context)
        der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
        return context, hashlib.sha256(der).hexdigest()


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture
def database(tmp_path: Path, certificates: Certificates) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/xds.db", create=True)

    def change(writer: Any) -> None:
        writer.add_patient(PATIENT)
        writer.add_participant(HOSPITAL, certificates.fingerprint, (), date(2025, 1, 1), NormStatus())

    database.write_now(change)
    yield database
    database.close()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def ask(database: Database, certificates: Certificates, log: Log) -> Callable[..., tuple[int, Any]]:
    """Sends one request to a server of its own; the status, and the JSON that came back."""
    authenticator = Authenticator(database, dict, IdentityPolicy("", *[None] * 3, True))  # type: ignore[arg-type]

    async def participant_of(request: web.Request) -> Participant:
        certificate = request.transport.get_extra_info("ssl_object").getpeercert(True)
        return await authenticator.participant(hashlib.sha256(certificate).hexdigest())

    async def main(path: str, body: Any, context: ssl.SSLContext, headers: dict[str, str]) -> tuple[int, Any]:
        app = web.Application()
        add_consent_api(app, database, lambda: POLICY, participant_of, lambda request, participant: log)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates.server).start()
            url = f"https://127.0.0.1:{runner.addresses[0][1]}/consent/{path}"
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            async with aiohttp.ClientSession() as session:
                method = "GET" if content is None else "POST"
                async with session.request(method, url, data=content, ssl=context, headers=headers) as answer:
                    return answer.status, json.loads(await answer.read())
        finally:
            await runner.cleanup()

    def run(path: str, body: Any = None, *, who: str = "hospital", kind: str = "application/json") -> tuple[int, Any]:
        return asyncio.run(main(path, body, getattr(certificates, who), {"Content-Type": kind}))

    return run


def words(database: Database) -> list[Any]:
    return database.read_now(lambda reader: reader.consents.versions(reader.patient(PATIENT)))


def test_a_portal_learns_what_a_client_can_speak_of(ask):
    status, policy = ask("policy")

    assert status == 200
    assert (policy["version"], policy["form"]) == ("2026-01", "specified")
    assert policy["data_categories"]["GGC012"] == "uitslagen"
    assert policy["organisation_categories"]["jgz"] == "jeugdgezondheidszorg"


def test_a_permit_is_recorded_told_to_the_log_listed_and_withdrawn(ask, database, log):
    status, made = ask("record", {**PERMIT, "category": "GGC012", "from": "2026-01-01", "until": "2027-01-01"})

    (word,) = words(database)
    assert (status, made["number"]) == (201, word.number)
    assert (word.subject.holder, word.subject.category, word.subject.consumer) == (
        organisation(HOSPITAL.ura), "GGC012", category("jgz"),
    )  # fmt: skip
    assert (word.decision, word.channel, word.recorded_by) == (Decision.PERMIT, Channel.PORTAL, "00000003:a.jansen")
    assert word.since == datetime(2025, 12, 31, 23, tzinfo=UTC) and word.until == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert [(change.patient_id, change.number) for change in log.changes] == [(PATIENT, word.number)]

    status, listed = ask("list", {"patient": PATIENT, "recorded_by": "a.jansen"})
    assert status == 200 and log.looks == [(PATIENT, "00000003:a.jansen")]
    assert [(each["number"], each["decision"], each["newest"]) for each in listed["words"]] == [(1, "permit", True)]

    withdrawal = {key: PERMIT[key] for key in ("patient", "holder", "consumer", "recorded_by")}
    status, _ = ask("withdraw", {**withdrawal, "category": "GGC012", "channel": "spoken"})
    assert status == 201
    assert [each.decision for each in words(database)] == [Decision.PERMIT, Decision.WITHDRAWN]


def test_parents_speak_for_a_child_whose_birth_date_comes_along(ask, database, log):
    child = {**PERMIT, "given_by": ["parent"]}
    status, wrong = ask("record", child)
    assert status == 422 and "birth date is not known" in wrong["mistakes"][0]

    status, _ = ask("record", {**child, "birth_date": "2024-01-01"})

    assert status == 201 and len(log.changes) == 2
    assert words(database)[0].given_by == {"parent"}


def test_what_can_not_be_recorded_undoes_what_came_along(ask, database, log):
    status, _ = ask("record", {**PERMIT, "consumer": "category:onbekend", "birth_date": "2024-01-01"})

    (facts,) = database.read_now(lambda reader: reader.consents.facts([reader.patient(PATIENT)])).values()
    assert status == 422 and facts.birth_date is None and facts.consents == ()
    assert log.refusals == [("record", PATIENT)]


def test_more_is_allowed_only_about_the_participants_own_documents(ask, database):
    for holder in ("any", "category:RPZAC104", f"organisation:{PRACTICE.ura}"):
        assert ask("record", {**PERMIT, "holder": holder})[0] == 403
        assert ask("withdraw", {"patient": PATIENT, "holder": holder, "recorded_by": "x"})[0] == 403
        assert ask("record", {**PERMIT, "holder": holder, "decision": "deny"})[0] == 201
    assert [each.decision for each in words(database)] == [Decision.DENY] * 3


def test_of_a_clients_words_those_about_its_documents_are_listed(ask, database):
    holders = (ANYONE, organisation(HOSPITAL.ura), category("RPZAC104"), organisation(PRACTICE.ura), category("jgz"))

    def change(writer: Any) -> None:
        for holder in holders:
            writer.consents.add_consent(writer.patient(PATIENT), permit(category("jgz"), None, holder))

    database.write_now(change)

    _, listed = ask("list", {"patient": PATIENT, "recorded_by": "x"})
    assert [each["holder"] for each in listed["words"]] == ["any", OWN, "category:RPZAC104"]
    assert ask("list", {"patient": OTHER_PATIENT, "recorded_by": "x"}) == (200, {"words": []})


def test_a_participant_registers_and_ends_its_own_treatment_relation(ask, database):
    begun = ask("relation", {"patient": PATIENT, "recorded_by": "x", "from": "2026-01-01", "until": "2099-01-01"})
    assert begun[0] == 201 and "Ziekenhuis De Linde vanaf 1 januari 2026 tot 1 januari 2099" in begun[1]["text"]

    assert ask("relation", {"patient": PATIENT, "recorded_by": "x", "end": True})[0] == 201
    status, wrong = ask("relation", {"patient": PATIENT, "recorded_by": "x", "end": True})
    assert (status, wrong["mistakes"]) == (422, ["the organisation has no treatment relation with the client"])


def test_that_a_client_was_told_is_recorded(ask):
    assert ask("informed", {"patient": PATIENT, "category": "jgz", "recorded_by": "x"})[0] == 201
    assert ask("informed", {"patient": PATIENT, "category": "onbekend", "recorded_by": "x"})[0] == 422
    assert ask("informed", {"patient": OTHER_PATIENT, "category": "jgz", "recorded_by": "x"})[0] == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON in UTF-8"),
        (b"\xff", "not JSON in UTF-8"),
        (b"[]", "Expected `object`"),
        ({**PERMIT, "patient": 999911120}, "$.patient"),
        ({**PERMIT, "decision": "999911120"}, "$.decision"),
        ({**PERMIT, "holder": "999911120"}, "$.holder"),
        ({**PERMIT, "holder": "organisation:"}, "$.holder"),
        ({**PERMIT, "given_by": ["999911120"]}, "enum value - at `$.given_by[0]`"),
        ({**PERMIT, "channel": "999911120"}, "enum value - at `$.channel`"),
        ({**PERMIT, "from": "999911120"}, "$.from"),
        ({**PERMIT, "999911120": 1}, "unknown field"),
        ({**PERMIT, "recorded_by": ""}, "$.recorded_by"),
        ({"patient": PATIENT}, "missing required field"),
    ],
)
def test_what_is_not_intelligible_is_named_by_its_place_and_not_quoted(ask, database, log, body, said, caplog):
    caplog.set_level(logging.DEBUG)

    status, wrong = ask("record", body)

    assert status == 400 and said in wrong["mistakes"][0]
    assert log.refusals == [("record", None)]
    assert "999911120" not in str(wrong) + caplog.text
    assert words(database) == []


def test_a_request_of_another_type_or_size_is_refused(ask):
    assert ask("record", PERMIT, kind="text/plain")[0] == 415
    assert ask("record", {**PERMIT, "recorded_by": "x" * (64 << 10)})[0] == 413


def test_who_is_no_participant_or_suspended_gets_nothing(ask, database, log):
    for path, body in (("policy", None), ("record", PERMIT), ("list", {"patient": PATIENT, "recorded_by": "x"})):
        assert ask(path, body, who="stranger")[0] == 403
    database.write_now(lambda writer: writer.suspend_participant(1, True))
    assert ask("record", PERMIT)[0] == 403
    assert words(database) == [] and log.changes == []


def test_without_the_log_nothing_is_changed_or_shown(ask, database, log):
    log.broken = True

    assert ask("record", PERMIT)[0] == 503
    assert ask("list", {"patient": PATIENT, "recorded_by": "x"})[0] == 503
    assert words(database) == []
