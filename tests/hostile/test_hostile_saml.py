"""Hostile assertions against a running server: cases 52 to 73 of the catalogue."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest
from identity_samples import SAML, message, sign
from oracle import PATIENT_BSN, error_codes, fault_codes
from saml_attacks import CASES, VICTIM, attacks
from served import Served, client_context, xds

from xds.identity.issue import Statement, TestIssuer

ADT = (
    b"MSH|^~\\&|EPD|ZH|XDS|REG|20260301||ADT^A04|1|P|2.3.1\rEVN|A04\rPID|||999900006^^^&2.16.840.1.113883.2.4.6.3&ISO\r"
)
SKEW = timedelta(seconds=60)


@pytest.fixture(scope="module")
def issuer(guarded) -> TestIssuer:
    tls = guarded.folder / "tls"
    return TestIssuer(
        "https://issuer.example/test", (tls / "issuer.pem").read_bytes(), (tls / "issuer-key.pem").read_bytes()
    )


@pytest.fixture(scope="module")
def said(guarded) -> Statement:
    """What a good assertion of the hospital says."""
    return Statement(guarded.audience, "00010990", "Ziekenhuis De Uiver", user=VICTIM)


@pytest.fixture(scope="module")
def attacked(issuer, said):
    return attacks(issuer, said, issuer.certificate)


def refused(guarded, *tokens: bytes, organisation: str = "hospital") -> str:
    """The subcode of the fault."""
    with guarded.unharmed():
        status, answer = guarded.ask(*tokens, organisation=organisation)
    code, subcode = fault_codes(answer)
    assert (status, code) == (400, "soap:Sender")
    assert VICTIM.encode() not in answer and PATIENT_BSN.encode() not in answer
    assert VICTIM not in guarded.log()
    return subcode.partition(":")[2]


def accepted(guarded, *tokens: bytes, organisation: str = "hospital") -> bool:
    status, answer = guarded.ask(*tokens, organisation=organisation)
    return status == 200 and b"ResponseStatusType:Success" in answer and not error_codes(answer)


def test_a_good_assertion_is_accepted(guarded, issuer, said):
    assert accepted(guarded, issuer.issue(said))
    assert accepted(guarded, guarded.token("--role", "03.000"))


@pytest.mark.parametrize("case", CASES)
def test_an_attack_on_the_signature(guarded, attacked, case):
    assert refused(guarded, attacked[case]) in {
        "FailedCheck",
        "InvalidSecurityToken",
        "UnsupportedSecurityToken",
        "UnsupportedAlgorithm",
    }


def test_65_a_comment_cuts_nothing_off(guarded, issuer, said):
    """Another organisation's number does not become ours where a comment ends it."""
    token = issuer.issue(said).replace(b">000012345<", b">000012345<!-- -->6<")

    assert refused(guarded, token) == "FailedCheck"


def test_67_wrong_audience(guarded):
    assert refused(guarded, guarded.token("--audience", "https://other.example")) == "InvalidSecurityToken"


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (-timedelta(minutes=5) - SKEW - timedelta(seconds=1), "MessageExpired"),
        (-timedelta(minutes=5) - SKEW + timedelta(seconds=15), None),
        (SKEW + timedelta(seconds=15), "InvalidSecurityToken"),
        (SKEW - timedelta(seconds=1), None),
    ],
)
def test_68_expired_or_not_yet_valid(guarded, issuer, said, begins, expected):
    token = issuer.issue(said, datetime.now(UTC) + begins)

    if expected is None:
        assert accepted(guarded, token)
    else:
        assert refused(guarded, token) == expected


def test_73_the_token_of_a_person_on_the_certificate_of_another_organisation(guarded):
    token = guarded.token("--organisation", "hospital")

    assert refused(guarded, token, organisation="midwife-practice") == "FailedAuthentication"
    assert accepted(guarded, token)


def test_no_assertion_and_none_that_may_be_used_again(guarded):
    assert refused(guarded) == "SecurityTokenUnavailable"
    once = guarded.token("--variant", "one-time")
    assert accepted(guarded, once)
    assert refused(guarded, once) == "FailedAuthentication"


def test_a_holder_of_key_assertion_needs_its_certificate(guarded):
    token = guarded.token("--holder", str(guarded.folder / "tls" / "server.pem"))

    assert refused(guarded, token) == "FailedAuthentication"
    assert accepted(guarded, token, organisation="server")


def test_an_attribute_that_comes_twice(guarded, issuer, said):
    assertion = issuer.compose(said, datetime.now(UTC))
    attributes = assertion.find(f"{SAML}AttributeStatement")
    attributes.append(attributes.makeelement(f"{SAML}Attribute", dict(attributes[2].attrib)))

    assert refused(guarded, message(sign(issuer, assertion))) == "InvalidSecurityToken"


def test_66_a_replay_by_another_participant_on_every_worker_and_after_a_restart(guarded):
    """Both systems are the same hospital's; only the one that used the assertion first may use it again."""
    token = guarded.token()
    assert accepted(guarded, token)
    assert refused(guarded, token, organisation="server") == "FailedAuthentication"
    port = guarded.port
    try:
        for workers in (2, 1):
            with Served(guarded.folder, XDS_SERVER_WORKERS=workers, XDS_IDENTITY_AUDIENCE=guarded.audience) as again:
                again.logged("ready", workers)
                guarded.port = again.port
                for _ in range(10):
                    assert accepted(guarded, token)
                    status, answer = guarded.ask(token, organisation="server")
                    assert (status, fault_codes(answer)[1]) == (400, "q:FailedAuthentication")
    finally:
        guarded.port = port


def test_a_suspended_system_is_refused_also_where_no_person_is_asked_for(guarded, tmp_path):
    config = guarded.folder / "xds.toml"
    context = client_context(guarded.folder, "jgz")

    def feed() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", guarded.server.mllp_port), 20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(b"\x0b" + ADT + b"\x1c\r")
            return connection.recv(4096)

    assert b"MSA|AA" in feed()
    assert xds("participant", "suspend", "3", "--config", config).returncode == 0
    with Served(guarded.folder, XDS_IDENTITY_AUDIENCE=guarded.audience) as again:
        again.logged("ready")
        port, guarded.port, first, guarded.server = guarded.port, again.port, guarded.server, again
        try:
            token = guarded.token("--organisation", "jgz", "--audience", guarded.audience)
            assert refused(guarded, token, organisation="jgz") == "FailedAuthentication"
            assert feed() == b""
        finally:
            guarded.port, guarded.server = port, first
    assert xds("participant", "resume", "3", "--config", config).returncode == 0
