"""Submissions as clients of other stacks put them on the wire (fixtures/stacks), sent again byte for byte."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest
from samples import PATIENT
from served import ROOT, Served, client_context, initialised, xds

from xds.client import Client

DOCUMENTS = {
    "axis2": ("2.999.61.1795628717365.0", "2c6bdc69f397a8a00bbb29cf186d76f0e86bdb56"),
    "cxf": ("2.999.31.1795628700007.0", "2c6bdc69f397a8a00bbb29cf186d76f0e86bdb56"),
    "gsoap": ("2.999.41.1795628684.0", "e8d152861e60ca35afdc0cc53d1f76799e7c97f6"),
    "metro": ("2.999.32.1795628710833.0", "2c6bdc69f397a8a00bbb29cf186d76f0e86bdb56"),
}
"""The uniqueId and hash of the document in each."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    folder = initialised(tmp_path_factory.mktemp("stacks") / "xds")
    assert xds("patient", "add", PATIENT, "--config", folder / "xds.toml").returncode == 0
    with Served(folder) as server:
        server.logged("ready")
        yield server


@pytest.mark.parametrize("stack", DOCUMENTS)
def test_what_another_stack_sends_is_registered_with_its_document(server: Served, stack: str) -> None:
    message = (ROOT / "fixtures" / "stacks" / f"{stack}.http").read_bytes()
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection,
        client_context(server.folder).wrap_socket(connection, server_hostname="127.0.0.1") as system,
    ):
        system.sendall(message)
        answer = http.client.HTTPResponse(system)
        answer.begin()
        assert (answer.status, b"ResponseStatusType:Success" in answer.read()) == (200, True)
    tls = server.folder / "tls"
    with Client(
        registry_url=f"{server.url}/registry",
        certificate=tls / "hospital.pem",
        key=tls / "hospital-key.pem",
        ca=tls / "ca.pem",
    ) as client:
        (entry,) = client.query("GetDocuments", {"$XDSDocumentEntryUniqueId": [DOCUMENTS[stack][0]]}).objects.entries
    assert (entry.hash, entry.size) == (DOCUMENTS[stack][1], "100")
