from __future__ import annotations

import ssl
import stat
import tomllib
from pathlib import Path

from consent_samples import POLICY_FILE

from xds.cli.init import ORGANISATIONS
from xds.model.hl7 import is_oid


def settings_of(folder: Path) -> dict:
    return tomllib.loads((folder / "xds.toml").read_text())


def test_a_folder_is_made_that_doctor_is_content_with(xds, folder):
    done = xds("doctor", "--config", folder / "xds.toml")

    assert done.returncode == 0, done.stdout
    assert "fail" not in done.stdout


def test_each_repository_gets_an_id_of_its_own(xds, tmp_path):
    ids = set()
    for name in ("one", "two"):
        assert xds("init", name).returncode == 0
        ids.add(settings_of(tmp_path / name)["repository"]["unique_id"])

    assert len(ids) == 2
    assert all(map(is_oid, ids))


def test_a_policy_is_copied_and_used_beside_an_affinity_domain_of_the_same_name(xds, folder, tmp_path):
    policy = tmp_path / "geboortezorg.toml"
    policy.write_bytes(POLICY_FILE.read_bytes())

    assert xds("init", "x", "--affinity-domain", folder / "geboortezorg.toml", "--policy", policy).returncode == 0

    assert settings_of(tmp_path / "x")["consent"] == {"policy": "policy.toml"}
    assert (tmp_path / "x" / "policy.toml").read_bytes() == policy.read_bytes()
    done = xds("doctor", "--config", tmp_path / "x" / "xds.toml")
    assert "version 2026-01, specified consent, 11 roles" in done.stdout
    (tmp_path / "x" / "policy.toml").write_text("version = 1")
    assert "correct the file that consent.policy names" in xds("doctor", "--config", tmp_path / "x" / "xds.toml").stdout


def test_a_second_run_keeps_what_is_there(xds, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.*m*") if path.is_file()}

    done = xds("init", folder, "--demo")

    assert done.returncode == 0
    assert "is kept as it is" in done.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_a_demonstration_with_a_policy_asks_who_it_is_and_anchors_its_log(xds, tmp_path):
    assert xds("init", "demo", "--demo", "--policy", POLICY_FILE).returncode == 0
    assert xds("init", "open", "--demo", "--since", "2026-08-01").returncode == 0
    assert "connected since 2026-08-01" in xds("participant", "list", "--config", tmp_path / "open" / "xds.toml").stdout
    assert xds("init", "plain").returncode == 0

    settings = settings_of(tmp_path / "demo")
    assert settings["identity"] == {"required": True, "issuers": ["tls/issuer.xml"]}
    assert settings["audit"] == {"anchor_paths": ["anchors"]}
    assert settings_of(tmp_path / "open")["identity"] == {"required": False, "issuers": ["tls/issuer.xml"]}
    assert settings_of(tmp_path / "plain")["identity"] == {"required": False}
    assert xds("audit", "anchor", "--config", tmp_path / "demo" / "xds.toml").returncode == 0
    assert len(list((tmp_path / "demo" / "anchors").iterdir())) == 1


def test_every_organisation_gets_a_certificate_of_the_ca(folder):
    tls = folder / "tls"
    for name in ("server", *ORGANISATIONS):
        context = ssl.create_default_context(cafile=tls / "ca.pem")
        context.load_cert_chain(tls / f"{name}.pem", tls / f"{name}-key.pem")
        assert stat.S_IMODE((tls / f"{name}-key.pem").stat().st_mode) == 0o600


def test_a_wrong_repository_id_is_refused_and_the_next_run_can_put_it_right(xds, tmp_path):
    done = xds("init", "x", "--repository-id", "nonsense")

    assert done.returncode == 2
    assert "repository.unique_id" in done.stderr
    assert not (tmp_path / "x" / "xds.toml").exists()


def test_a_folder_that_cannot_be_made_is_a_mistake(xds, tmp_path):
    (tmp_path / "file").write_text("")

    done = xds("init", "file/inside")

    assert done.returncode == 2
    assert "can't be made" in done.stderr
