"""Real server processes on loopback, with TLS and client certificates."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import samples
from msgspec.structs import replace
from served import QUERY, ROOT, SOAP, Served, client_context, connection, free_port, initialised, process, xds

from xds.cli.init import make_certificates
from xds.client import Client, DocumentToSubmit, compose
from xds.client.metadata import read_metadata

PATIENT = samples.PATIENT
NUMBER = PATIENT.partition("^")[0]
CONTENT = b"\r\n%PDF-1.7 of a pregnancy\r\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """An initialised folder with a known patient, to copy."""
    folder = initialised(tmp_path_factory.mktemp("template") / "xds")
    assert xds("patient", "add", PATIENT, "--config", folder / "xds.toml").returncode == 0
    return folder


@pytest.fixture
def folder(template, tmp_path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "xds"))


@pytest.fixture(scope="module")
def server(template, tmp_path_factory) -> Iterator[Served]:
    """A server for the tests that leave it as it was."""
    with Served(Path(shutil.copytree(template, tmp_path_factory.mktemp("shared") / "xds"))) as server:
        server.logged("ready")
        yield server


@pytest.fixture
def own_server(folder) -> Iterator[Served]:
    with Served(folder) as server:
        server.logged("ready")
        yield server


def client(registry: Served, repository: Served, organisation: str = "hospital") -> Client:
    tls = registry.folder / "tls"
    return Client(
        registry_url=f"{registry.url}/registry",
        repository_url=f"{repository.url}/repository",
        certificate=tls / f"{organisation}.pem",
        key=tls / f"{organisation}-key.pem",
        ca=tls / "ca.pem",
    )


def submit(client: Client):
    metadata = read_metadata(ROOT / "fixtures" / "demo" / "submission.toml")
    entry = replace(metadata.entry("record.pdf", {}), mime_type="application/pdf", language_code="nl-NL")
    submitted = replace(metadata.submitted_as({}), patient_id=PATIENT)
    return client.submit(*compose([DocumentToSubmit(CONTENT, entry)], submitted))


def find(client: Client):
    parameters = {
        "$XDSDocumentEntryPatientId": PATIENT,
        "$XDSDocumentEntryStatus": ["urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"],
    }
    return client.query("FindDocuments", parameters)


# What is served


def test_a_document_goes_in_and_comes_out(server, tmp_path):
    with client(server, server) as system:
        assert submit(system).issues == ()
        (entry,) = find(system).objects.entries
        retrieved = system.retrieve([(entry.repository_unique_id, entry.unique_id)], to=tmp_path)

    assert retrieved.documents[0].path.read_bytes() == CONTENT


def test_a_transaction_that_is_not_offered_is_not_supported_whatever_its_message_is_like(server):
    query, retrieve = "AdhocQueryRequest", "RetrieveDocumentSetRequest"
    regrep = "urn:oasis:names:tc:ebxml-regrep:xsd"
    for actor, action, namespace, message in (
        ("registry", "2010:UpdateDocumentSet", f"{regrep}:lcm:3.0", "SubmitObjectsRequest"),
        ("registry", "2018:RestrictedUpdateDocumentSet", f"{regrep}:lcm:3.0", "SubmitObjectsRequest"),
        ("registry", "2010:RegisterOnDemandDocumentEntry", f"{regrep}:lcm:3.0", "SubmitObjectsRequest"),
        ("registry", "2010:DeleteDocumentSet", f"{regrep}:lcm:3.0", "RemoveObjectsRequest"),
        ("registry", "2009:MultiPatientStoredQuery", f"{regrep}:query:3.0", query),
        ("registry", "2007:CrossGatewayQuery", f"{regrep}:query:3.0", query),
        ("repository", "2007:CrossGatewayRetrieve", "urn:ihe:iti:xds-b:2007", retrieve),
        ("repository", "2017:RemoveDocuments", "urn:ihe:iti:rmd:2017", "RemoveDocumentsRequest"),
    ):
        status, answer = post(server, actor, f"urn:ihe:iti:{action}", f'<{message} xmlns="{namespace}"/>')
        assert (status, re.findall(rb"<soap:Value>(.*?)</", answer)) == (
            400,
            [b"soap:Sender", b"wsa:ActionNotSupported"],
        )
        assert f"<wsa:Action>urn:ihe:iti:{action}</wsa:Action></wsa:ProblemAction>".encode() in answer
    body = f'<{query} xmlns="{regrep}:query:3.0"/>'
    status, answer = post(server, "registry", "urn:ihe:iti:2007:RegisterDocumentSet-b", body)
    assert (status, b"wsa:ActionMismatch" in answer) == (400, True)


def post(server: Served, actor: str, action: str, body: str) -> tuple[int, bytes]:
    """What is answered to a message that names this action in its header and in its Content-Type."""
    envelope = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action>{action}</a:Action></s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )
    system = connection(server)
    try:
        headers = {"Content-Type": f'application/soap+xml; charset=UTF-8; action="{action}"'}
        system.request("POST", f"/{actor}", envelope.encode(), headers)
        answer = system.getresponse()
        return answer.status, answer.read()
    finally:
        system.close()


def test_the_pages_for_operators(server):
    assert server.get("/health") == (200, '{"status": "ok"}')
    status, ready = server.get("/ready")
    assert (status, json.loads(ready)["checks"]) == (
        200,
        {"database": "ok", "disk": "ok", "affinity_domain": "ok", "issuers": "ok"},
    )


def test_the_wsdl_has_the_address_of_this_server(server):
    for actor in ("registry", "repository"):
        status, wsdl = server.get(f"/{actor}?wsdl")
        assert status == 200
        assert f'location="{server.url}/{actor}"' in wsdl
        assert server.get(f"/{actor}")[0] == 404


def test_endpoints_are_those_that_are_served(server):
    config = ("--config", server.folder / "xds.toml")
    variables = {"XDS_SERVER_PORT": server.port, "XDS_MLLP_PORT": server.mllp_port}

    offered = json.loads(xds("endpoints", "--json", *config, **variables).stdout)

    assert {endpoint["transaction"]: endpoint["url"] for endpoint in offered} == {
        "ITI-8": f"mllps://127.0.0.1:{server.mllp_port}",
        "ITI-18": f"{server.url}/registry",
        "ITI-41": f"{server.url}/repository",
        "ITI-42": f"{server.url}/registry",
        "ITI-43": f"{server.url}/repository",
    }
    apart = xds("endpoints", *config, XDS_REPOSITORY_ENABLED="false", XDS_MLLP_ENABLED="false").stdout
    assert [line.split()[0] for line in apart.splitlines()] == ["ITI-18", "ITI-42"]


def test_the_identity_feed_is_taken_over_tls(server):
    message = (
        "MSH|^~\\&|EPD|ZH|XDS|REGIO|20260401||ADT^A04^ADT_A01|1|P|2.3.1\r"
        f"EVN||20260401\rPID|||{samples.OTHER_PATIENT}||Bakker^Noor\rPV1||O\r"
    )
    context = client_context(server.folder)
    with (
        socket.create_connection(("127.0.0.1", server.mllp_port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(b"\x0b" + message.encode() + b"\x1c\r")
        assert b"MSA|AA|1" in link.recv(4096)

    listed = xds("patient", "list", "--config", server.folder / "xds.toml").stdout
    assert samples.OTHER_PATIENT in listed


def test_a_registry_and_a_repository_run_apart(folder, tmp_path):
    database = f"sqlite:///{tmp_path}/repository.db"
    assert xds("init", tmp_path / "repository", "--database", database).returncode == 0
    with ExitStack() as running:
        registry = running.enter_context(Served(folder, XDS_REPOSITORY_ENABLED="false"))
        repository = running.enter_context(
            Served(
                folder,
                XDS_REGISTRY_ENABLED="false",
                XDS_MLLP_ENABLED="false",
                XDS_DATABASE_URL=database,
                XDS_REPOSITORY_REGISTRY_URL=f"{registry.url}/registry",
                XDS_REPOSITORY_REGISTRY_CA=folder / "tls" / "ca.pem",
                XDS_REPOSITORY_REGISTRY_CERTIFICATE=folder / "tls" / "server.pem",
                XDS_REPOSITORY_REGISTRY_KEY=folder / "tls" / "server-key.pem",
            )
        )
        registry.logged("ready")
        repository.logged("ready")
        with client(registry, repository) as system:
            assert submit(system).status == "Success"
            (entry,) = find(system).objects.entries
            retrieved = system.retrieve([(entry.repository_unique_id, entry.unique_id)], to=tmp_path)
            assert retrieved.documents[0].path.read_bytes() == CONTENT
            assert [line["transaction"] for line in registry.logged("answered", 2)] == ["ITI-42", "ITI-18"]

            registry.stop()
            answer = submit(system)
            assert answer.status == "Failure"
            assert [issue.code for issue in answer.issues] == ["XDSRegistryNotAvailable"]


# Who is let in


def test_a_client_without_a_certificate_of_the_ca_is_not_let_in(server, tmp_path):
    make_certificates(tmp_path / "other")
    stranger = ssl.create_default_context(cafile=server.folder / "tls" / "ca.pem")
    impostor = ssl.create_default_context(cafile=server.folder / "tls" / "ca.pem")
    impostor.load_cert_chain(tmp_path / "other" / "hospital.pem", tmp_path / "other" / "hospital-key.pem")

    for context in (stranger, impostor):
        refused = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
        with pytest.raises((OSError, http.client.HTTPException)):
            refused.request("GET", "/health")
            refused.getresponse()
    assert server.get("/health")[0] == 200


def test_what_is_no_http_is_refused_and_not_repeated(own_server):
    context = client_context(own_server.folder)
    for nonsense in (f"{NUMBER} is no method\r\n\r\n", f"GET / HTTP/1.1\r\nHost: x\r\n{NUMBER} \r\n\r\n"):
        with (
            socket.create_connection(("127.0.0.1", own_server.port), 10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
        ):
            link.sendall(nonsense.encode())
            answer = b"".join(iter(lambda: link.recv(4096), b""))
        assert answer.split(b" ", 2)[1] == b"400"
        assert NUMBER.encode() not in answer
    own_server.stop()
    assert NUMBER not in "".join(own_server.log)


def test_no_answer_tells_what_the_server_is_made_of(server):
    requests = [
        b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /registry HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"no HTTP\r\n\r\n",
    ]
    for request in requests:
        with (
            socket.create_connection(("127.0.0.1", server.port), 10) as plain,
            client_context(server.folder).wrap_socket(plain, server_hostname="127.0.0.1") as link,
        ):
            link.sendall(request)
            answer = b"".join(iter(lambda: link.recv(4096), b""))
        assert re.findall(rb"(?i)\r\nserver: *([^\r]*)", answer) == [b"xds"]
        assert not re.search(rb"(?i)python|aiohttp", answer)


# When something is wrong


def test_ready_says_what_is_wrong_and_recovers(own_server):
    domain = own_server.folder / "geboortezorg.toml"
    right = domain.read_text()
    domain.write_text("[")
    own_server.process.send_signal(signal.SIGHUP)
    own_server.logged("the certificate was reloaded")
    (own_server.folder / "data" / "documents").rename(own_server.folder / "data" / "away")

    status, body = own_server.get("/ready")

    checks = json.loads(body)["checks"]
    assert status == 503
    assert "geboortezorg.toml" in checks["affinity_domain"]
    assert "can't be reached" in checks["disk"]
    assert checks["database"] == "ok"
    assert own_server.get("/health")[0] == 200

    domain.write_text(right)
    (own_server.folder / "data" / "away").rename(own_server.folder / "data" / "documents")
    own_server.process.send_signal(signal.SIGHUP)
    own_server.logged("the certificate was reloaded", 2)
    assert own_server.get("/ready")[0] == 200


@pytest.mark.parametrize(
    ("variables", "status", "reason"),
    [
        ({"XDS_SERVER_PORT": 0}, 2, "server.port"),
        ({"XDS_TLS_KEY": "/nowhere.pem"}, 2, "can't be used"),
        ({"XDS_REGISTRY_AFFINITY_DOMAIN": "/nowhere.toml"}, 2, "/nowhere.toml"),
        ({"XDS_DATABASE_URL": "sqlite:////nowhere.db"}, 2, "xds init"),
        ({"XDS_DATABASE_URL": "sqlite:////nowhere.db", "XDS_SERVER_WORKERS": 2}, 2, "xds init"),
        ({"XDS_DATABASE_URL": "postgresql://xds:geheim@127.0.0.1:1/xds"}, 3, "Connection refused"),
    ],
)
def test_a_server_that_cannot_run_says_why(template, variables, status, reason):
    ports = {"XDS_SERVER_PORT": free_port(), "XDS_MLLP_PORT": free_port()}

    done = process("serve", "--config", template / "xds.toml", **(ports | variables))

    assert done.returncode == status
    assert reason in done.stderr
    assert "geheim" not in done.stderr and "Traceback" not in done.stderr


def test_a_port_in_use_is_named(template):
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        done = process("serve", "--config", template / "xds.toml", XDS_SERVER_PORT=port, XDS_MLLP_PORT=free_port())

    assert done.returncode == 2
    assert f"server.host, server.port: can't listen on 127.0.0.1:{port}" in done.stderr


# Logs and metrics


def test_logs_and_metrics_say_what_was_done_and_of_nobody(own_server):
    with client(own_server, own_server) as system:
        submit(system)
        find(system)
    broken = connection(own_server)
    broken.request("POST", "/registry", QUERY.replace(b"AdhocQueryRequest", f"X{NUMBER}".encode()), SOAP)
    assert broken.getresponse().status == 400
    broken.close()

    metrics = own_server.get("/metrics")[1]
    lines = own_server.logged("answered", 3)

    assert [(line["transaction"], line["status"]) for line in lines] == [
        ("ITI-41", "Success"),
        ("ITI-18", "Success"),
        ("unknown", "Fault"),
    ]
    for sample in (
        'xds_requests_total{status="Success",transaction="ITI-18"} 1.0',
        'xds_requests_total{status="Fault",transaction="unknown"} 1.0',
        'xds_request_seconds_count{transaction="ITI-41"} 1.0',
        'xds_errors_total{code="ActionNotSupported",transaction="unknown"} 1.0',
        f"xds_stored_document_bytes_total {len(CONTENT)}.0",
    ):
        assert sample in metrics.splitlines()
    assert NUMBER not in metrics
    own_server.stop()
    assert NUMBER not in "".join(own_server.log)
    assert all(json.loads(line)["timestamp"].endswith("Z") for line in own_server.log)
