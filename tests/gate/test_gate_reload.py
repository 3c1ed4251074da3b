"""A policy and issuers that change while the server runs, on every worker."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
from guarded_server import guarded
from served import Served, xds

WORKERS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    with Served(guarded(tmp_path_factory.mktemp("reload")), XDS_SERVER_WORKERS=WORKERS) as server:
        server.logged("ready", WORKERS)
        yield server


def test_a_worker_that_takes_another_s_place_has_what_it_reads_on_record(server: Served) -> None:
    policy = server.folder / "policy.toml"
    policy.write_text(f"{policy.read_text()}\n# Another one.\n")
    (pid,) = [line["pid"] for line in server.logged("worker started", WORKERS) if line["worker"] == 1]
    os.kill(pid, signal.SIGKILL)
    server.logged("ready", WORKERS + 1)
    done = xds("audit", "list", "--config", server.folder / "xds.toml", "--json", "--action", "U")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    changed = [each for each in records if each["kinds"][0]["code"] == "110131"]
    assert [thing["id"] for thing in changed[-1]["things"][1:]] == ["consent.policy"]


def hang_up(server: Served, times: int) -> None:
    server.process.send_signal(signal.SIGHUP)
    server.logged("the certificate was reloaded", WORKERS * times)


@pytest.mark.parametrize("name", ["policy", "issuers"])
def test_what_became_wrong_is_told_by_every_worker_until_it_is_right(server: Served, name: str) -> None:
    file = server.folder / {"policy": "policy.toml", "issuers": "tls/issuer.xml"}[name]
    before = len(server.logged("the certificate was reloaded", 0)) // WORKERS
    right = file.read_text()

    file.write_text("[")
    hang_up(server, before + 1)
    for _ in range(8):
        status, body = server.get("/ready")
        assert status == 503
        assert file.name in json.loads(body)["checks"][name]

    file.write_text(right)
    hang_up(server, before + 2)
    assert {server.get("/ready")[0] for _ in range(8)} == {200}
