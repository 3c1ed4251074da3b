from __future__ import annotations

import base64
import datetime
import json
import shutil
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from xds.cli.examine import contact
from xds.settings import PagesSettings, Settings


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

    assert {name for name, finding in found.items() if finding["verdict"] != "ok"} <= {
        "clock", "identity", "policy", "python",
    }  # fmt: skip
    assert found.keys() >= {
        "python", "libraries", "libxml2", "configuration", "certificate", "client CA", "affinity domain", "disk",
        "database", "durability", "clock", "port", "mllp port", "contact",
    }  # fmt: skip
    assert all(finding["advice"] for finding in found.values() if finding["verdict"] != "ok")


def test_pages_that_name_nobody_to_ask_are_warned_of():
    def found(**pages: object) -> list[str]:
        return [each.verdict for each in contact(Settings(pages=PagesSettings(**pages)))]

    assert found() == []
    assert found(client_ca=Path("ca.pem")) == found(oidc_issuer="https://idp.example", contact="Bureau") == ["warn"]
    assert found(client_ca=Path("ca.pem"), contact_phone="030 123") == ["ok"]


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


def metadata(certificate: bytes) -> str:
    return (
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:example:idp">'
        '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor>'
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{base64.b64encode(certificate).decode()}</X509Certificate></X509Data></KeyInfo>"
        "</KeyDescriptor></IDPSSODescriptor></EntityDescriptor>"
    )


@pytest.mark.parametrize(("days", "verdict"), [(-1, "fail"), (10, "warn"), (100, "ok")])
def test_an_issuer_whose_certificate_expires_is_found(doctor, folder, days, verdict):
    now = datetime.datetime.now(datetime.UTC)
    until = {"not_before": now - datetime.timedelta(days=30), "not_after": now + datetime.timedelta(days=days)}
    pem = trustme.CA().issue_cert("idp.example", **until).cert_chain_pems[0].bytes()
    (folder / "idp.xml").write_text(metadata(ssl.PEM_cert_to_DER_cert(pem.decode())))

    found = verdicts(doctor(XDS_IDENTITY_REQUIRED="true", XDS_IDENTITY_ISSUERS=folder / "idp.xml"))

    assert found["issuer"]["verdict"] == verdict
    assert found["issuer"]["found"].startswith("urn:example:idp")


def test_an_issuer_that_cannot_be_read_fails(doctor, folder):
    found = verdicts(doctor(XDS_IDENTITY_REQUIRED="true", XDS_IDENTITY_ISSUERS=folder / "tls" / "issuer.pem"))

    assert found["issuers"]["verdict"] == "fail"
    assert "identity.issuers" in found["issuers"]["found"]


def test_keys_of_the_log_are_for_their_owner_only(doctor, folder):
    key = folder / "audit" / "signing-key.pem"
    assert verdicts(doctor(XDS_IDENTITY_REQUIRED="true"))["audit keys"]["verdict"] == "ok"

    key.chmod(0o640)
    found = verdicts(doctor(XDS_IDENTITY_REQUIRED="true"))
    assert (found["audit keys"]["verdict"], found["audit keys"]["advice"]) == ("fail", f"chmod 600 {key}")

    key.write_text("no key")
    assert verdicts(doctor(XDS_IDENTITY_REQUIRED="true"))["audit keys"]["verdict"] == "fail"


def test_an_old_backup_of_the_log_is_found_by_its_anchors(xds, doctor, folder):
    config = ("--config", folder / "xds.toml")
    shutil.copy(folder / "data" / "xds.db", folder / "backup")
    assert xds("audit", "anchor", *config).returncode == 0
    assert verdicts(doctor(XDS_IDENTITY_REQUIRED="true"))["anchor"]["found"] == "every record has one"
    assert verdicts(doctor(XDS_IDENTITY_REQUIRED="true", XDS_AUDIT_ANCHOR_PATHS=""))["anchor"]["verdict"] == "warn"
    assert xds("audit", "list", *config).returncode == 0
    assert xds("audit", "anchor", *config).returncode == 0

    shutil.copy(folder / "backup", folder / "data" / "xds.db")

    found = verdicts(doctor(XDS_IDENTITY_REQUIRED="true"))
    assert found["anchor"]["verdict"] == "fail"
    assert "an older copy was put back" in found["anchor"]["found"]


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


def test_a_repository_that_passes_assertions_on_is_examined(doctor, folder):
    tls = folder / "tls"
    with socket.create_server(("127.0.0.1", 0)) as registry, ThreadPoolExecutor(1) as answering:
        answering.submit(_shake_hands, registry, tls)
        url = f"https://127.0.0.1:{registry.getsockname()[1]}/registry"
        done = doctor(
            XDS_IDENTITY_REQUIRED="true",
            XDS_REGISTRY_ENABLED="false",
            XDS_MLLP_ENABLED="false",
            XDS_REPOSITORY_REGISTRY_URL=url,
            XDS_REPOSITORY_REGISTRY_CA=tls / "ca.pem",
            XDS_REPOSITORY_REGISTRY_CERTIFICATE=tls / "server.pem",
            XDS_REPOSITORY_REGISTRY_KEY=tls / "server-key.pem",
        )
    found = verdicts(done)

    assert found["registry"] == {"name": "registry", "verdict": "ok", "found": f"{url} can be reached", "advice": ""}
    assert found["certificate for the registry"]["verdict"] == "ok"
    assert found["policy"]["verdict"] == "ok" and "the registry decides" in found["policy"]["found"]
    assert found["audience"]["verdict"] == "warn" and "identity.audience" in found["audience"]["advice"]


def _shake_hands(listener: socket.socket, tls: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls / "ca.pem")
    context.load_cert_chain(tls / "server.pem", tls / "server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    plain, _ = listener.accept()
    with context.wrap_socket(plain, server_side=True):
        pass
