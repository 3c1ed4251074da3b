"""A known requester finds what policy and consent allow, and each look is in the log."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import samples
from identity_samples import message
from lxml import etree
from served import ROOT, Served, client_context, initialised, xds

from xds.config import load
from xds.db import open_database
from xds.ebrim.submit import encode_submit_objects
from xds.model.affinity_domain import AffinityDomain
from xds.registry.register import register
from xds.transaction import Registry

PATIENT = samples.PATIENT
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
SOAP = "application/soap+xml; charset=UTF-8"
FIND = (
    '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
    '<r:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"><r:Slot name="$XDSDocumentEntryPatientId">'
    "<r:ValueList><r:Value>'{patient}'</r:Value></r:ValueList></r:Slot><r:Slot name=\"$XDSDocumentEntryStatus\">"
    "<r:ValueList><r:Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')</r:Value></r:ValueList></r:Slot>"
    "</r:AdhocQuery></q:AdhocQueryRequest>"
).replace("{patient}", PATIENT.replace("&", "&amp;"))


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    """A server that wants to know who asks; a midwife practice has published a document."""
    folder = initialised(tmp_path_factory.mktemp("guarded"))
    config = folder / "xds.toml"
    policy = ROOT / "fixtures" / "policies" / "geboortezorg.toml"
    settings = config.read_text().replace("required = false", "required = true")
    config.write_text(f'{settings}\n[consent]\npolicy = "{policy}"\n')
    assert xds("patient", "add", "--config", config, PATIENT).returncode == 0
    publish(folder)
    with Served(folder) as server:
        server.logged("ready")
        yield server


def publish(folder: Path) -> None:
    database = open_database(load(folder / "xds.toml").database.url)
    registry = Registry(database, AffinityDomain, lambda: datetime.now(UTC), None, 100)
    try:
        issues = asyncio.run(register(registry, samples.submission(samples.entry()), ()))
    finally:
        database.close()
    assert not [issue for issue in issues if issue.severity.endswith("Error")], issues


def find(server: Served, organisation: str, *token: str) -> int:
    """How many documents an organisation's user finds."""
    done = xds(
        "token", "--config", server.folder / "xds.toml", "--organisation", organisation, *token,
        XDS_SERVER_PORT=server.port,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    body = message(done.stdout.strip().encode(), body=FIND)
    status, content = post(server, organisation, body)
    assert status == 200, content
    assert b"ResponseStatusType:Success" in content, content
    return len(list(etree.fromstring(content).iter("{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}ExtrinsicObject")))


def post(
    server: Served, organisation: str, body: bytes, path: str = "/registry", kind: str = SOAP
) -> tuple[int, bytes]:
    """What the server answers to the system of an organisation."""
    context = client_context(server.folder, organisation)
    link = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=20)
    link.request("POST", path, body, {"Content-Type": kind})
    answer = link.getresponse()
    content = answer.read()
    link.close()
    return answer.status, content


def portal(server: Served, organisation: str, path: str, **asked: object) -> tuple[int, dict[str, Any]]:
    """What the consent API answers to the portal of an organisation, about the client."""
    body = json.dumps({"patient": PATIENT, "recorded_by": "a.jansen", **asked}).encode()
    status, answer = post(server, organisation, body, f"/consent/{path}", "application/json")
    return status, json.loads(answer)


def consent(server: Served, *arguments: object) -> None:
    done = xds("consent", *arguments[:1], "--config", server.folder / "xds.toml", "--patient", PATIENT, *arguments[1:])
    assert done.returncode == 0, done.stderr


def test_a_system_submits_only_as_its_own_sources(server):
    request = encode_submit_objects(samples.submission(samples.entry(), source_id="2.999.1.404")).decode()
    status, answer = post(
        server, "hospital", f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{request}</s:Body></s:Envelope>'.encode()
    )
    assert status == 200
    assert b"ResponseStatusType:Failure" in answer and b"sourceId is not one of the participant that sends" in answer
    status, _ = post(
        server, "server", f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{request}</s:Body></s:Envelope>'.encode()
    )
    assert status == 400, "the certificate is of no participant"

    done = xds("audit", "list", "--config", server.folder / "xds.toml", "--json", "--transaction", "ITI-42")
    assert done.returncode == 0, done.stderr
    (record,) = map(json.loads, done.stdout.splitlines())
    assert (record["outcome"], record["system"]["organisation"]) == (4, "00010990")


def test_the_story(server):
    gynaecologist = ("--role", "01.046")
    assert find(server, "midwife-practice", "--role", "03.000") == 1, "her own document"
    assert find(server, "hospital", *gynaecologist) == 0, "no treatment relation, no consent"
    consent(server, "relation", "--organisation", "00010990", "--by", "balie")
    assert find(server, "hospital", *gynaecologist) == 0, "no consent"
    consent(server, "record", "--permit", "--consumer", "organisation:00010990", "--channel", "paper", "--by", "balie")
    assert find(server, "hospital", *gynaecologist) == 1
    assert find(server, "jgz", "--role", "01.070") == 0, "no treatment relation"
    consent(server, "record", "--deny", "--consumer", "organisation:00010990", "--channel", "paper", "--by", "balie")
    assert find(server, "hospital", *gynaecologist) == 0, "withdrawn"
    emergency = ("--purpose", "BTG", "--reason", "bloedverlies bij opname")
    assert find(server, "hospital", *gynaecologist, *emergency) == 1, "the glass was broken"

    done = xds("audit", "list", "--config", server.folder / "xds.toml", "--json", "--patient", PATIENT)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    queries = [each for each in records if "ITI-18" in json.dumps(each)]
    assert len(queries) == 7
    assert "bloedverlies bij opname" in json.dumps(queries[-1])
    assert {json.dumps(each["holders"]) for each in queries} == {'["01234567"]'}, "whose documents they are"

    metrics = server.get("/metrics")[1].splitlines()
    decided = [line for line in metrics if line.startswith("xds_verdicts_total{")]
    assert sum(float(line.rpartition(" ")[2]) for line in decided) == 7
    assert 'xds_verdicts_total{permitted="no",rule="treatment-relation"} 1.0' in decided
    assert any(line.startswith("xds_log_records ") for line in metrics)


def test_a_portal_records_what_clients_say_and_it_works_on_the_next_request(server):
    nurse = ("--role", "30.000")
    own = {"holder": "organisation:01234567", "consumer": "organisation:00054321"}
    assert find(server, "jgz", *nurse) == 0
    assert portal(server, "jgz", "relation")[0] == 201
    assert find(server, "jgz", *nurse) == 0, "no consent"
    assert portal(server, "midwife-practice", "record", decision="permit", **own)[0] == 201
    assert find(server, "jgz", *nurse) == 1
    assert portal(server, "jgz", "withdraw", **own)[0] == 403, "not its documents"
    assert portal(server, "midwife-practice", "withdraw", **own)[0] == 201
    assert find(server, "jgz", *nurse) == 0, "withdrawn"
    status, listed = portal(server, "midwife-practice", "list")
    assert (status, [word["decision"] for word in listed["words"]][-2:]) == (200, ["permit", "withdrawn"])
    assert portal(server, "server", "list")[0] == 403, "no participant"

    done = xds("audit", "list", "--config", server.folder / "xds.toml", "--json")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    ours = [each for each in records if each["request_id"].startswith("portal-")]
    assert [(each["kinds"][0]["code"], each["outcome"], each["system"].get("organisation")) for each in ours] == [
        ("consent-change", 0, "00054321"),
        ("consent-change", 0, "01234567"),
        ("consent-change", 4, "00054321"),
        ("consent-change", 0, "01234567"),
        ("consent-read", 0, "01234567"),
        ("consent-read", 8, None),
    ]
    assert {each.get("patient") for each in ours[:5]} == {PATIENT} and "patient" not in ours[5]
    assert dict(ours[4]["things"][0]["details"]) == {"recorded_by": "01234567:a.jansen"}
    assert {each["user"]["access_point"] for each in ours} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("organisation", "first"),
    [("hospital", "envelope"), ("server", "envelope"), ("server", "document")],
    ids=["without an assertion", "no participant", "no participant, and its document comes first"],
)
def test_no_stranger_fills_the_disk(server, organisation, first):
    """The answer comes before the document has, and nothing of that was kept."""
    body = '<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007"/>'
    head = 'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    document = "--b\r\nContent-ID: <d>\r\n\r\n" + "x" * 300_000
    root = f"--b\r\n{head}\r\nContent-ID: <r>\r\n\r\n{message(body=body).decode()}\r\n"
    content = root + document if first == "envelope" else document
    kind = 'multipart/related; boundary="b"; start="<r>"; type="application/xop+xml"; start-info="application/soap+xml"'
    request = (
        f"POST /repository HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nContent-Type: {kind}\r\n\r\n{content}"
    )
    context = client_context(server.folder, organisation)
    with (
        socket.create_connection(("127.0.0.1", server.port), 20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(request.encode())
        answer = link.recv(65536)
        staged = list((server.folder / "data" / "documents" / "tmp").iterdir())
    assert answer.startswith(b"HTTP/1.1 400 ") and b"wss-wssecurity-secext" in answer
    assert staged == []
    done = xds("audit", "list", "--config", server.folder / "xds.toml", "--json", "--transaction", "assertion-refused")
    refused = json.loads(done.stdout.splitlines()[-1])
    assert (refused["outcome"], refused["things"][0]["kind"]["code"]) == (8, "certificate")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_requests_of_the_readme_are_taken(server, tmp_path):
    tls = tmp_path / "try-xds" / "tls"
    tls.parent.mkdir()
    tls.symlink_to(server.folder / "tls")
    files = ("cacert = ca.pem", "cert = hospital.pem", "key = hospital-key.pem")
    (tls.parent / "curl").write_text("".join(f"{file.replace('= ', '= try-xds/tls/')}\n" for file in files))
    (block,) = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    for line in block.splitlines():
        command = f"{line} --fail-with-body --silent".replace("8443", str(server.port))
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "mistakes" not in json.loads(done.stdout)
