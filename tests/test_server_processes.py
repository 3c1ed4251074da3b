"""The processes of a server: workers, a signal to end or to read again, and their sudden ends."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from samples import PATIENT
from served import QUERY, SOAP, Served, ask, client_context, connection, initialised, xds


@pytest.fixture
def folder(tmp_path) -> Path:
    """An initialised folder with a known patient."""
    folder = initialised(tmp_path / "xds")
    assert xds("patient", "add", PATIENT, "--config", folder / "xds.toml").returncode == 0
    return folder


def test_workers_share_the_port_and_count_together(folder):
    with Served(folder, XDS_SERVER_WORKERS=2) as server:
        server.logged("ready", 2)
        open_connections = [connection(server) for _ in range(8)]
        for each in open_connections:
            assert ask(each)[0] == 200

        def counted() -> bool:
            return 'xds_requests_total{status="Success",transaction="ITI-18"} 8.0' in server.get("/metrics")[1]

        assert any(counted() for _ in range(500))
        for each in open_connections:
            each.close()
        assert server.stop() == 0


def test_a_worker_that_dies_is_replaced(folder):
    with Served(folder, XDS_SERVER_WORKERS=2) as server:
        server.logged("ready", 2)
        first = server.logged("worker started", 2)[0]["pid"]

        os.kill(first, signal.SIGKILL)

        server.logged("worker ended")
        server.logged("ready", 3)
        for _ in range(4):
            assert server.get("/ready")[0] == 200
        assert server.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_that_runs_is_answered_before_the_server_ends(folder, workers):
    with Served(folder, XDS_SERVER_WORKERS=workers) as server:
        server.logged("ready", workers)
        idle, busy = connection(server), connection(server)
        assert ask(idle)[0] == 200
        busy.putrequest("POST", "/registry")
        for name, value in {**SOAP, "Content-Length": str(len(QUERY))}.items():
            busy.putheader(name, value)
        busy.endheaders(QUERY[:100])
        # The answer to another request on a later connection: by then this one's head has been read.
        server.get("/health")

        server.process.send_signal(signal.SIGTERM)
        server.logged("stopping", workers)
        busy.send(QUERY[100:])
        answer = busy.getresponse()

        assert answer.status == 200
        assert b"ResponseStatusType:Success" in answer.read()
        assert server.process.wait(40) == 0
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 5)


def test_workers_end_when_their_parent_is_killed_and_the_next_start_tidies_up(folder, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with Served(folder, XDS_SERVER_WORKERS=2, TMPDIR=temporary) as server:
        server.logged("ready", 2)

        server.process.kill()

        server.logged("stopped", 2)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 5)
        assert len(list(temporary.iterdir())) == 1
    with Served(folder, XDS_SERVER_PORT=server.port, TMPDIR=temporary) as again:
        again.logged("ready")
        assert len(list(temporary.iterdir())) == 1
        assert "xds_requests_total" not in again.get("/metrics")[1]
        assert again.stop() == 0
        assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_renewed_certificate_is_shown_without_a_restart(folder, workers):
    with Served(folder, XDS_SERVER_WORKERS=workers) as server:
        server.logged("ready", workers)
        authority = trustme.CA()
        renewed = authority.issue_cert("127.0.0.1")
        (folder / "tls" / "server-key.pem").write_bytes(renewed.private_key_pem.bytes())
        (folder / "tls" / "server.pem").write_bytes(renewed.cert_chain_pems[0].bytes())

        server.process.send_signal(signal.SIGHUP)
        server.logged("the certificate was reloaded", workers)

        context = client_context(folder)
        authority.configure_trust(context)
        for _ in range(4):
            with (
                socket.create_connection(("127.0.0.1", server.port)) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
            ):
                shown = link.getpeercert(binary_form=True)
            assert ssl.DER_cert_to_PEM_cert(shown).strip() == renewed.cert_chain_pems[0].bytes().decode().strip()
