from __future__ import annotations

import json

BSN = "999999990^^^&2.16.840.1.113883.2.4.6.3&ISO"
ENOUGH = {"XDS_REPOSITORY_UNIQUE_ID": "1.2.3", "XDS_IDENTITY_REQUIRED": "false"}
OTHER = "999999047^^^&2.16.840.1.113883.2.4.6.3&ISO"


def test_a_patient_that_was_added_is_listed(xds, folder):
    config = ("--config", folder / "xds.toml")

    assert xds("patient", "list", *config).stdout == ""
    added = xds("patient", "add", *config, BSN, OTHER)
    again = xds("patient", "add", *config, BSN)

    assert (added.returncode, added.stdout) == (0, "2 added, 0 known already or merged away.\n")
    assert (again.returncode, again.stdout) == (0, "0 added, 1 known already or merged away.\n")
    assert xds("patient", "list", *config).stdout.split() == sorted([BSN, OTHER])
    assert json.loads(xds("patient", "list", "--json", *config).stdout) == sorted([BSN, OTHER])

    logged = [json.loads(line) for line in xds("audit", "list", "--json", *config).stdout.splitlines()]
    told = [(each["kinds"][0]["code"], each.get("patient")) for each in logged]
    told = [each for each in told if each[0].startswith("patient")]  # xds init told of its participants
    assert told[:4] == [("patients-read", None), ("patient-add", BSN), ("patient-add", OTHER), ("patient-add", BSN)]
    assert told.count(("patients-read", None)) == 3


def test_one_that_is_not_acceptable_adds_none_and_is_not_repeated(xds, folder):
    config = ("--config", folder / "xds.toml")
    cases = {
        "123456789^^^&2.16.840.1.113883.2.4.6.3&ISO": "11-proef",
        "123456789^^^&1.2.3.4&ISO": "assigning authority",
        "123456789": "expected number^^^&OID&ISO",
    }
    for wrong, reason in cases.items():
        done = xds("patient", "add", *config, BSN, wrong)
        assert done.returncode == 1
        assert "patient 2: " in done.stderr and reason in done.stderr
        assert "123456789" not in done.stderr
    assert xds("patient", "list", *config).stdout == ""


def test_without_a_database_the_status_is_2_and_init_is_advised(xds, tmp_path):
    done = xds("patient", "list", **ENOUGH)

    assert done.returncode == 2
    assert "xds init" in done.stderr


def test_a_database_that_does_not_answer_is_status_3(xds):
    done = xds("patient", "list", XDS_DATABASE_URL="postgresql://xds:geheim@127.0.0.1:1/xds", **ENOUGH)

    assert done.returncode == 3
    assert "geheim" not in done.stderr
