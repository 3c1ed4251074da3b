from __future__ import annotations

import datetime
import json
import socket

import pytest
import trustme


def verdicts(done) -> dict[str, dict]:
    return {finding["name"]: finding for finding in json.loads(done.stdout)}


@pytest.fixture
def doctor(xds, folder):
    def run(**variables: object):
        return xds(
            "doctor",
            "--json",
            "--config",
            folder / "xds.toml",
            **{name: str(value) for name, value in variables.items()},
        )

    return run


def test_all_is_examined(doctor):
    found = verdicts(doctor())

    assert {name for name, finding in found.items() if finding["verdict"] != "ok"} <= {"clock", "policy", "python"}
    assert found.keys() >= {
        "python", "libraries", "libxml2", "configuration", "certificate", "client CA", "affinity domain", "disk",
        "database", "durability", "clock", "port", "mllp port",
    }  # fmt: skip
    assert all(finding["advice"] for finding in found.values() if finding["verdict"] != "ok")


def test_a_wrong_setting_fails_with_its_key(doctor):
    done = doctor(XDS_SERVER_PORT="many")

    assert done.returncode == 1
    assert verdicts(done)["configuration"]["verdict"] == "fail"
    assert "server.port" in verdicts(done)["configuration"]["found"]


def test_a_key_of_another_certificate_fails(doctor, folder):
    done = doctor(XDS_TLS_KEY=folder / "tls" / "jgz-key.pem")

    assert done.returncode == 1
    assert verdicts(done)["certificate"]["verdict"] == "fail"


@pytest.mark.parametrize(("days", "verdict"), [(-1, "fail"), (10, "warn")])
def test_a_certificate_that_is_about_to_expire_is_found(doctor, folder, days, verdict):
    now = datetime.datetime.now(datetime.UTC)
    certificate = trustme.CA().issue_cert(
        "127.0.0.1", not_before=now - datetime.timedelta(days=30), not_after=now + datetime.timedelta(days=days)
    )
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")

    found = verdicts(doctor(XDS_TLS_CERTIFICATE=folder / "both.pem", XDS_TLS_KEY=folder / "both.pem"))

    assert found["certificate"]["verdict"] == verdict


def test_a_certificate_for_another_host_is_found(doctor):
    found = verdicts(doctor(XDS_SERVER_BASE_URL="https://xds.example.nl"))

    assert found["certificate"]["verdict"] == "warn"
    assert "does not name xds.example.nl" in found["certificate"]["found"]


def test_an_absent_database_and_folder_fail(doctor, tmp_path):
    done = doctor(XDS_DATABASE_URL=f"sqlite:///{tmp_path}/none.db", XDS_REPOSITORY_DOCUMENTS=tmp_path / "none")

    assert done.returncode == 1
    assert verdicts(done)["database"]["verdict"] == verdicts(done)["disk"]["verdict"] == "fail"


def test_a_broken_affinity_domain_fails(doctor, tmp_path):
    (tmp_path / "broken.toml").write_text("[")

    assert (
        verdicts(doctor(XDS_REGISTRY_AFFINITY_DOMAIN=tmp_path / "broken.toml"))["affinity domain"]["verdict"] == "fail"
    )


def test_a_port_in_use_is_found(doctor):
    with socket.create_server(("127.0.0.1", 0)) as used:
        found = verdicts(doctor(XDS_SERVER_PORT=used.getsockname()[1]))

    assert found["port"]["verdict"] == "warn"


def test_postgresql_that_could_lose_a_commit_fails(xds, doctor, postgres_url):
    # The server of the tests runs without fsync.
    assert xds("init", "other", "--database", postgres_url).returncode == 0

    found = verdicts(doctor(XDS_DATABASE_URL=postgres_url))

    assert found["database"]["verdict"] == "ok"
    assert found["durability"]["verdict"] == "fail"
    assert "fsync is off" in found["durability"]["found"]


def test_a_registry_that_cannot_be_reached_fails(doctor):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    found = verdicts(
        doctor(
            XDS_REGISTRY_ENABLED="false",
            XDS_MLLP_ENABLED="false",
            XDS_REPOSITORY_REGISTRY_URL=f"https://localhost:{port}/registry",
        )
    )

    assert found["registry"]["verdict"] == "fail"
