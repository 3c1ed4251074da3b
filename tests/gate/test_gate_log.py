"""What a server that keeps a log records of itself, of its identity feed, and of who was not let in."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guarded_server import guarded
from identity_samples import message
from samples import PATIENT
from served import Served, client_context, xds

from xds.config import load
from xds.db import open_database
from xds.gate.effective import configuration, differences, effective
from xds.gate.recording import recorder_of
from xds.settings import ConsentSettings, DatabaseSettings, Settings

Record = dict[str, Any]
SOAP = "application/soap+xml; charset=UTF-8"
MERGED = "999900006^^^&2.16.840.1.113883.2.4.6.3&ISO"
WRONG_BSN = "123456789^^^&2.16.840.1.113883.2.4.6.3&ISO"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return guarded(tmp_path_factory.mktemp("logged"))


@pytest.fixture(scope="module")
def log(folder: Path) -> Iterator[list[Record]]:
    """The log of a server that was started, spoken to and stopped, and started again with another setting."""
    with Served(folder) as server:
        server.logged("ready")
        assert b"MSA|AA|1" in send(server, "hospital", adt("A04", "1", f"PID|||{PATIENT}||van Zwaluwenberg^Eva"))
        assert b"MSA|AA|2" in send(server, "hospital", adt("A04", "2", f"PID|||{MERGED}"))
        assert b"MSA|AA|3" in send(server, "hospital", adt("A40", "3", f"PID|||{PATIENT}\rMRG|{MERGED}"))
        assert b"MSA|AE|4" in send(server, "hospital", adt("A04", "4", f"PID|||{WRONG_BSN}"))
        assert b"MSA|AR" in send(server, "hospital", b"no HL7")
        assert send(server, "server", adt("A04", "5", f"PID|||{PATIENT}")) == b"", "a system that is no participant"
        for port in (server.port, server.port, server.mllp_port):
            knock(folder, port)
        policy = folder / "policy.toml"
        right = policy.read_text()
        policy.write_text("[")
        server.process.send_signal(signal.SIGHUP)
        server.logged("the certificate was reloaded")
        server.get("/ready")
        policy.write_text(right)
        server.process.send_signal(signal.SIGHUP)
        server.logged("the certificate was reloaded", 2)
        assert server.stop() == 0
    base_url = f"https://127.0.0.1:{server.port}"
    with Served(folder, XDS_SERVER_BASE_URL=base_url, XDS_REGISTRY_MAX_RESULTS=77) as again:
        again.logged("ready")
        assert again.stop() == 0
    done = xds("audit", "list", "--config", folder / "xds.toml", "--json")
    assert done.returncode == 0, done.stderr
    yield [json.loads(line) for line in done.stdout.splitlines()]


def adt(event: str, control_id: str, segments: str) -> bytes:
    return f"MSH|^~\\&|EPD|ZH|XDS|REG|20260301||ADT^{event}|{control_id}|P|2.3.1\rEVN|{event}\r{segments}\r".encode()


def send(server: Served, organisation: str, message: bytes) -> bytes:
    context = client_context(server.folder, organisation)
    with (
        socket.create_connection(("127.0.0.1", server.mllp_port), 20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(b"\x0b" + message + b"\x1c\r")
        return link.recv(4096)


def knock(folder: Path, port: int) -> None:
    """Try to connect without a client certificate."""
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        pytest.raises(OSError),
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(b"x")
        if not link.recv(1):
            raise ConnectionError


def of_kind(log: list[Record], code: str) -> list[Record]:
    return [record for record in log if record["kinds"][0]["code"] == code]


def test_each_message_of_the_feed_is_on_record_with_who_sent_it(log: list[Record]) -> None:
    records = of_kind(log, "ITI-8")

    assert [(each["outcome"], each.get("patient"), each.get("outcome_text", "")) for each in records] == [
        (0, PATIENT, ""),
        (0, MERGED, ""),
        (0, PATIENT, ""),
        (0, MERGED, ""),
        (4, WRONG_BSN, "AE 204"),
        (8, None, "AR 100"),
        (8, None, "the client certificate is of no known participant"),
    ]
    assert [each["system"].get("organisation") for each in records] == ["00010990"] * 6 + [None]
    assert [each["user"]["access_point"] for each in records] == ["127.0.0.1"] * 7
    assert [each["things"][0]["id"] for each in records[:5]] == ["1", "2", "3", "3", "4"]
    assert records[2]["request_id"] == records[3]["request_id"]
    assert len(records[6]["things"][0]["id"]) == 64, "its certificate"


def test_connections_that_were_not_let_in_are_counted_by_peer_and_reason(log: list[Record]) -> None:
    records = of_kind(log, "110126")

    assert {each["outcome"] for each in records} == {8}
    assert {each["user"]["access_point"] for each in records} == {"127.0.0.1"}
    assert sum(int(dict(each["things"][0]["details"])["count"]) for each in records) == 3


def test_start_stop_and_every_change_of_the_configuration_are_on_record(log: list[Record]) -> None:
    about = [
        (each["kinds"][0]["code"], each["outcome"])
        for each in log
        if each["kinds"][0]["code"] in ("110120", "110121", "110131")
    ]
    assert about == [
        ("110120", 0), ("110131", 0), ("110131", 4), ("110131", 0), ("110121", 0), ("110120", 0), ("110131", 0),
        ("110121", 0),
    ]  # fmt: skip
    first, wrong, right, changed = of_kind(log, "110131")
    assert first["outcome_text"] == "first configuration"
    assert "policy.toml" in wrong["outcome_text"] and right["outcome_text"] == "reloaded"
    assert [thing["id"] for thing in wrong["things"][1:]] == ["consent.policy"]
    assert first["things"][0]["id"] == right["things"][0]["id"] != wrong["things"][0]["id"]
    differing = {thing["id"]: dict(thing["details"]) for thing in changed["things"][1:]}
    assert differing["registry.max_results"] == {"before": "10000", "after": "77"}
    assert all(each["user"]["person"]["number"] for each in log)


def test_each_policy_that_was_in_force_is_kept_and_none_that_could_not_be_read(folder: Path, log: list[Record]) -> None:
    database = open_database(f"sqlite:///{folder}/data/xds.db")
    kept = database.read_now(lambda reader: reader.consents.policies())
    database.close()

    assert [each.content for each in kept] == [(folder / "policy.toml").read_bytes()]


def test_the_surname_of_a_client_is_kept_as_a_keyed_hash_only(folder: Path, log: list[Record]) -> None:
    recorder = recorder_of(load(folder / "xds.toml"))
    surname = recorder.surname("zwaluwenberg")
    database = open_database(f"sqlite:///{folder}/data/xds.db")
    known = database.read_now(lambda reader: reader.hints.bearers({surname}, 3))
    database.close()

    assert known == {surname: [recorder.patient(PATIENT)]}
    assert b"waluwenberg" not in (folder / "data" / "xds.db").read_bytes()


def test_what_is_asked_while_no_data_may_be_given_is_on_record(folder: Path) -> None:
    nowhere = folder / "nowhere" / "anchors.txt"
    with Served(folder, XDS_AUDIT_ANCHOR_PATHS=nowhere, XDS_AUDIT_ANCHOR_GRACE_MINUTES=0) as server:
        server.logged("ready")
        audience = ("--audience", server.url, "--role", "01.046")
        token = xds("token", "--config", folder / "xds.toml", "--organisation", "hospital", *audience)
        link = http.client.HTTPSConnection("127.0.0.1", server.port, context=client_context(folder), timeout=20)
        link.request("POST", "/registry", message(token.stdout.strip().encode()), {"Content-Type": SOAP})
        answer = link.getresponse()
        assert answer.status == 500 and b"not available for the moment" in answer.read()
        link.close()

    done = xds("audit", "list", "--config", folder / "xds.toml", "--json", "--transaction", "ITI-18")
    (record,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (record["outcome"], record["system"]["organisation"]) == (12, "00010990")


def test_the_settings_in_the_log_have_no_secret(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("a")
    url = "postgresql://xds:gehe@im@db.example/xds?password=geheim&sslmode=require"
    settings = Settings(database=DatabaseSettings(url=url), consent=ConsentSettings(policy=policy))

    shown = effective(settings)

    assert shown["database.url"] == "postgresql://db.example/xds"
    before = configuration(shown)
    policy.write_text("b")
    after = effective(settings)
    assert configuration(after).id != before.id
    assert [each.id for each in differences(shown, after)] == ["consent.policy"]
