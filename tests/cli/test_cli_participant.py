from __future__ import annotations

import json
import shutil


def listed(xds, folder):
    return json.loads(xds("participant", "list", "--json", "--config", folder / "xds.toml").stdout)


def test_a_demonstration_has_its_organisations_as_participants(xds, folder):
    assert [(each["ura"], each["kind"]) for each in listed(xds, folder)] == [
        ("00010990", "V6"),
        ("01234567", "G3"),
        ("00054321", "JGZ"),
    ]
    text = xds("participant", "list", "--config", folder / "xds.toml").stdout
    assert "1  00010990  Ziekenhuis De Uiver (V6): connected since 20" in text
    assert "no norm established" in text


def test_a_system_is_added_changed_suspended_and_let_in_again(xds, folder):
    config = ("--config", folder / "xds.toml")
    pem = folder / "tls" / "server.pem"
    described = ("--ura", "00000001", "--name", "Kraamzorg De Wolk", "--kind", "K4", "--source-id", "urn:oid:1.2.3")
    norms = ("--since", "2026-01-31", "--nen7510", "2025-05-01")

    added = xds("participant", "add", *config, "--certificate", pem, *described, *norms)
    again = xds("participant", "add", *config, "--certificate", pem, *described)

    assert (added.returncode, added.stdout) == (0, "Participant 4.\n")
    assert again.returncode == 1 and "belongs to a participant" in again.stderr
    new = listed(xds, folder)[3]
    assert (new["source_ids"], new["connected_since"], new["nen7510"]) == (["1.2.3"], "2026-01-31", "2025-05-01")
    assert xds("participant", "suspend", "4", *config).returncode == 0
    assert xds("participant", "norms", "4", "--nen7513", "2026-03-01", *config).returncode == 0
    changed = listed(xds, folder)[3]
    assert (changed["suspended"], changed["nen7510"], changed["nen7513"]) == (True, "2025-05-01", "2026-03-01")
    assert "suspended; NEN 7510 since 2025-05-01" in xds("participant", "list", *config).stdout
    assert xds("participant", "sources", "4", "1.2.5", "urn:oid:1.2.6", *config).returncode == 0
    assert listed(xds, folder)[3]["source_ids"] == ["1.2.5", "1.2.6"]
    assert xds("participant", "sources", "4", "x", *config).returncode == 2
    assert xds("participant", "sources", "5", "1.2.5", *config).returncode == 1
    assert xds("participant", "resume", "4", *config).returncode == 0
    assert not listed(xds, folder)[3]["suspended"]
    assert xds("participant", "repository", "4", "urn:oid:2.999.1", *config).returncode == 0
    assert listed(xds, folder)[3]["repository"] == "2.999.1"
    listing = xds("participant", "list", *config).stdout
    assert listing.count("passes requests on as the repository 2.999.1") == 1
    assert xds("participant", "repository", "4", "--none", *config).returncode == 0
    assert listed(xds, folder)[3]["repository"] is None
    for wrong, status in ((("4",), 2), (("4", "2.999.1", "--none"), 2), (("4", "x"), 2), (("5", "2.999.1"), 1)):
        assert xds("participant", "repository", *wrong, *config).returncode == status
    assert xds("participant", "suspend", "5", *config).returncode == 1
    assert xds("participant", "norms", "5", *config).returncode == 1
    changes = xds("audit", "list", "--json", "--transaction", "participant-change", *config).stdout
    for what, times in (
        ("added with the certificate", 4),
        ("suspended", 1),
        ("norms recorded: NEN 7513 since 2026-03-01", 1),
        ("let in again", 1),
        ("passes requests on as the repository 2.999.1", 1),
        ("passes no requests on", 1),
    ):
        assert changes.count(what) == times, changes


def test_a_certificate_is_replaced_with_overlap(xds, folder):
    config = ("--config", folder / "xds.toml")
    new, old = folder / "tls" / "server.pem", folder / "tls" / "hospital.pem"

    assert xds("participant", "certificate", "1", new, *config).returncode == 0
    assert len(listed(xds, folder)[0]["certificates"]) == 2
    assert xds("participant", "certificate", "2", new, *config).returncode == 1
    assert xds("participant", "certificate", "1", old, "--remove", *config).returncode == 0
    assert len(listed(xds, folder)[0]["certificates"]) == 1
    assert xds("participant", "certificate", "1", old, "--remove", *config).returncode == 1


def test_what_can_not_be_right_is_a_wrong_command_line(xds, folder):
    pem = folder / "tls" / "server.pem"
    config = ("--config", folder / "xds.toml", "--name", "X", "--kind", "V6")

    for wrong in (
        ("--ura", "1", "--certificate", pem),
        ("--ura", "00000001", "--certificate", folder / "xds.toml"),
        ("--ura", "00000001", "--certificate", pem, "--source-id", "x"),
        ("--ura", "00000001", "--certificate", pem, "--since", "31-1-2026"),
    ):
        assert xds("participant", "add", *config, *wrong).returncode == 2


def test_initialising_again_keeps_the_participants(xds, folder):
    shutil.copy(folder / "xds.toml", folder / "kept.toml")
    assert xds("participant", "suspend", "1", "--config", folder / "xds.toml").returncode == 0

    assert xds("init", "--demo", folder).returncode == 0
    assert listed(xds, folder)[0]["suspended"]
    (folder / "xds.toml").unlink()
    assert xds("init", "--demo", folder).returncode == 0
    assert len(listed(xds, folder)) == 6
