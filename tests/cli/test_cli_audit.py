"""`xds audit`: found, told, exported, verified, anchored, deleted; and each use is itself in the log."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from xds.atna.keys import read_index_key
from xds.audit.record import Recorder
from xds.db import Database, open_database
from xds.model.audit import Access, Document, Event, Source
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict

ROOT = Path(__file__).resolve().parents[2]
BSN = "2.16.840.1.113883.2.4.6.3"
MARIA, SOFIE = CX("999911120", BSN), CX("999900006", BSN)
NOON = datetime(2025, 3, 12, 13, 5, tzinfo=UTC)
PERMITTED = Verdict(
    True, "specific", "12", "Mag, want er is toestemming.", Checks(True, True, True), Grounds("m 3", "t 1", "c 12")
)


def requester(name: str, number: str, ura: str, organisation: str, role: str, **changes: object) -> Requester:
    where = Organisation(ura, organisation, "V4")
    participant = Participant(1, where, "ab" * 32, (), NOON.date())
    person = Person(number, "2.16.528.1.1007.3.1", name, Coded("01", "2.16.840.1.113883.2.4.15.111", role))
    purpose = Coded("TREATMENT", "2.16.840.1.113883.3.18.7.1")
    return Requester(participant, person, where, purpose, 4, "issuer", "_1", **changes)


MIDWIFE = requester("J. Jansen", "123456789", "00001234", "Praktijk De Kom", "Verloskundige")
DOCTOR = requester("A. de Wit", "987654321", "00005678", "Ziekenhuis Oost", "Gynaecoloog")
URGENT = requester("A. de Wit", "987654321", "00005678", "Ziekenhuis Oost", "Gynaecoloog", emergency="bloeding")

Xds = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def log(tmp_path: Path, xds: Xds) -> Iterator[Database]:
    """The log of a configuration in the test's folder."""
    assert xds("init", ".").returncode == 0
    database = open_database(f"sqlite:///{tmp_path}/data/xds.db")
    yield database
    database.close()


@pytest.fixture
def story(log: Database, tmp_path: Path) -> Database:
    """Two organisations look into two dossiers, on two days, and the glass is broken once."""
    recorder = Recorder(Source("here", "log"), read_index_key(tmp_path / "audit/index-key"))
    echo = (Document("1.2.3", "urn:uuid:00000000-0000-4000-8000-000000000001", "2.999", "N"),)

    def happened(number: int, transaction: str, who: Requester | None, *accesses: Access, outcome: int = 0) -> None:
        started = NOON + timedelta(hours=6 * number)
        event = Event(f"r-{number}", transaction, started, outcome, who, address="192.0.2.7", accesses=accesses)
        log.write_now(lambda writer: writer.record(recorder.entries(event)))

    happened(0, "ITI-18", MIDWIFE, Access(MARIA, PERMITTED, echo))
    happened(1, "ITI-43", MIDWIFE, Access(MARIA, PERMITTED, echo))
    happened(2, "ITI-43", DOCTOR, Access(MARIA, PERMITTED._replace(permitted=False)), outcome=4)
    happened(3, "ITI-43", URGENT, Access(MARIA, PERMITTED, echo))
    happened(4, "ITI-18", DOCTOR, Access(SOFIE, PERMITTED))
    return log


def listed(xds: Xds, *options: str) -> list[str]:
    """The requests that are listed, the uses of the log aside."""
    done = xds("audit", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    requests = [json.loads(line)["request_id"] for line in done.stdout.splitlines()]
    return [request for request in requests if not request.startswith("cli-")]


def test_init_makes_the_keys_for_their_owner_only(log: Database, tmp_path: Path, xds: Xds) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "audit").iterdir()}
    assert modes == {"index-key": 0o600, "signing-key.pem": 0o600}
    before = (tmp_path / "audit/index-key").read_bytes()
    assert xds("init", ".").returncode == 0
    assert (tmp_path / "audit/index-key").read_bytes() == before


def test_records_are_listed_by_what_is_asked(story: Database, xds: Xds) -> None:
    assert listed(xds) == ["r-0", "r-1", "r-2", "r-3", "r-4"]
    assert listed(xds, "--patient", MARIA.number) == ["r-0", "r-1", "r-2", "r-3"]
    assert listed(xds, "--patient", str(SOFIE)) == ["r-4"]
    assert listed(xds, "--employee", "123456789") == ["r-0", "r-1"]
    assert listed(xds, "--organisation", "00005678", "--outcome", "4") == ["r-2"]
    assert listed(xds, "--transaction", "ITI-43", "--action", "R") == ["r-1", "r-2", "r-3"]
    assert listed(xds, "--emergency") == ["r-3"]
    assert listed(xds, "--from", "2025-03-13", "--until", "2025-03-13") == ["r-2", "r-3", "r-4"]
    assert listed(xds, "--until", "2025-03-12", "--limit", "1") == ["r-0"]
    text = xds("audit", "list", "--emergency").stdout
    assert re.search(r"2025-03-13 08:05:00 +ITI-43 +R ok +A\. de Wit, Ziekenhuis Oost +1 documents +EMERGENCY", text)


def test_each_use_of_the_log_is_in_the_log_and_the_clients_is_in_hers(story: Database, xds: Xds) -> None:
    xds("audit", "list", "--patient", SOFIE.number)
    xds("audit", "show", "0")
    xds("audit", "report", "day", "00001234", "--from", "2025-03-12")
    uses = [
        json.loads(line) for line in xds("audit", "list", "--json", "--transaction", "log-read").stdout.splitlines()
    ]
    names = [use["things"][0]["name"] for use in uses]
    assert names == ["xds audit list", "xds audit show", "xds audit report day", "xds audit list"]
    assert all(use["event"]["code"] == "110101" and use["user"]["local_id"] for use in uses)
    assert uses[0]["patient"] == str(SOFIE) and SOFIE.number not in json.dumps(uses[0]["things"])
    assert dict(uses[2]["things"][0]["details"]) == {
        "from": "2025-03-12", "until": "2025-03-12", "organisation": "00001234",
    }  # fmt: skip


def test_a_record_is_shown_in_the_standards_forms(story: Database, xds: Xds) -> None:
    assert json.loads(xds("audit", "show", "1").stdout)["kinds"][0]["code"] == "ITI-43"
    assert json.loads(xds("audit", "show", "1", "--format", "fhir").stdout)["resourceType"] == "AuditEvent"
    assert etree.fromstring(xds("audit", "show", "1", "--format", "dicom").stdout).tag == "AuditMessage"
    xml = etree.fromstring(xds("audit", "show", "0", "1", "--format", "nen7513").stdout.encode())
    etree.XMLSchema(etree.parse(ROOT / "wsdl/nen7513.xsd")).assertValid(xml)
    assert len(xml) == 2
    hers = etree.fromstring(xds("audit", "list", "--patient", MARIA.number, "--format", "nen7513").stdout.encode())
    assert len(hers) == 5, "four of hers, and this export"
    assert xds("audit", "list", "--format", "fhir", "--emergency").stdout.count("AuditEvent") == 1
    absent = xds("audit", "show", "0", "999")
    assert (absent.returncode, len(absent.stdout.splitlines())) == (1, 1)


def test_the_client_reads_who_saw_her_dossier_without_names(story: Database, xds: Xds) -> None:
    lines = xds("audit", "report", "client", MARIA.number).stdout.splitlines()
    assert lines[:4] == [
        "12 maart 2025 14:05 — Verloskundige, Praktijk De Kom — zocht naar documenten: 1.2.3 — noodknop: nee",
        "12 maart 2025 20:05 — Verloskundige, Praktijk De Kom — bekeek: 1.2.3 — noodknop: nee",
        "13 maart 2025 02:05 — Gynaecoloog, Ziekenhuis Oost — bekeek — geweigerd — noodknop: nee",
        "13 maart 2025 08:05 — Gynaecoloog, Ziekenhuis Oost — bekeek: 1.2.3 — noodknop: ja",
    ]
    assert "las de logging" in lines[4]


def test_similar_lines_of_a_day_are_one_for_the_client_only(story: Database, xds: Xds) -> None:
    for _ in range(2):
        xds("audit", "list", "--patient", SOFIE.number)
    lines = xds("audit", "report", "client", SOFIE.number).stdout.splitlines()
    assert len(lines) == 2 and lines[1].endswith("3 keer op deze dag"), "this use too"
    assert len(xds("audit", "report", "dossier", SOFIE.number).stdout.splitlines()) == 5


def test_the_other_overviews_have_names(story: Database, xds: Xds) -> None:
    dossier = xds("audit", "report", "dossier", str(MARIA), "--until", "2025-03-12").stdout
    assert dossier.splitlines()[1].startswith(
        "12 maart 2025 20:05 — J. Jansen, Verloskundige, Praktijk De Kom — bekeek"
    )
    day = json.loads(xds("audit", "report", "day", "00005678", "--from", "2025-03-13", "--json").stdout)
    assert [(row["employee"], row["client"], row["emergency"]) for row in day] == [
        ("A. de Wit", MARIA.number, False), ("A. de Wit", MARIA.number, True), ("A. de Wit", SOFIE.number, False),
    ]  # fmt: skip
    employee = xds("audit", "report", "employee", "123456789").stdout.splitlines()
    assert len(employee) == 2 and f"cliënt {MARIA.number}" in employee[0]
    assert xds("audit", "report", "day", "00005678").returncode == 2
    assert xds("audit", "report", "employee", "1").stdout == "Er is niets vastgelegd.\n"


def independent(folder: Path, *more: Path) -> int:
    return subprocess.run(
        [sys.executable, ROOT / "scripts/verify-audit", folder, *more], capture_output=True
    ).returncode


def test_an_export_is_verified_by_a_stranger_and_a_change_is_named(story: Database, xds: Xds, tmp_path: Path) -> None:
    assert xds("audit", "export", "out").returncode == 0
    key = tmp_path / "published.key"
    key.write_text(xds("audit", "key").stdout)
    found = xds("audit", "verify", "out", "--key", key, "--json")
    assert found.returncode == 0, found.stdout
    assert json.loads(found.stdout)["records"] == 6
    assert independent(tmp_path / "out", key) == 0
    lines = (tmp_path / "out/log.ndjson").read_bytes()
    (tmp_path / "out/log.ndjson").write_bytes(lines.replace(b"A. de Wit", b"A. de Wet", 1))
    changed = xds("audit", "verify", "out", "--key", key)
    assert changed.returncode == 1 and "The first bad record is 2." in changed.stdout
    assert independent(tmp_path / "out", key) == 1
    assert xds("audit", "export", "out").returncode == 3, "what is there is not written over"


def test_a_clients_part_is_verified_by_itself(story: Database, xds: Xds, tmp_path: Path) -> None:
    assert xds("audit", "export", "hers", "--patient", MARIA.number).returncode == 0
    text = (tmp_path / "hers/log.ndjson").read_text()
    assert SOFIE.number not in text and text.count(MARIA.number) == 5, "four of hers, and this export"
    verified = xds("audit", "verify", "hers").stdout
    assert "5 of the 5 exported records were checked.\nExported at 20" in verified
    assert " UTC. Asked for: patient: chosen.\n" in verified
    assert "not compared with any anchor, for none was given." in verified and "All is as it was written." in verified
    assert independent(tmp_path / "hers") == 0
    (tmp_path / "hers/log.ndjson").write_text("".join(text.splitlines(keepends=True)[:1]))
    emptied = xds("audit", "verify", "hers")
    assert emptied.returncode == 1 and "The first bad record is 0." in emptied.stdout
    assert "0 of the 5 exported records were checked" in emptied.stdout
    assert independent(tmp_path / "hers") == 1
    (tmp_path / "hers/log.ndjson").write_text(text)
    (tmp_path / "hers/manifest").unlink()
    assert "BAD manifest: there is no manifest" in xds("audit", "verify", "hers").stdout
    (tmp_path / "hers/key").unlink()
    without = xds("audit", "verify", "hers")
    assert without.returncode == 2 and "public key is missing" in without.stderr and "BAD" not in without.stdout


def test_an_export_is_anchored_when_it_is_made(story: Database, xds: Xds, tmp_path: Path) -> None:
    with (tmp_path / "xds.toml").open("a") as config:
        config.write('\n[audit]\nanchor_paths = ["anchors"]\n')
    assert xds("audit", "export", "hers", "--patient", MARIA.number).returncode == 0
    found = json.loads(xds("audit", "verify", "hers", "--json", "--anchor", "anchors").stdout)
    assert (found["sound"], found["anchored"]) == (True, found["sealed"])
    assert (found["records"], found["listed"], found["selection"]) == (5, 5, "patient: chosen")
    assert datetime.now(UTC) - datetime.fromisoformat(found["exported"]) < timedelta(hours=1)
    assert f"anchored up to {found['sealed']}." in xds("audit", "verify", "hers", "--anchor", "anchors").stdout
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "hers/checkpoints", tmp_path / "other/note")
    assert xds("audit", "list").returncode == 0 and xds("audit", "export", "later", "--emergency").returncode == 0
    shown = xds("audit", "verify", "later", "--anchor", "other").stdout
    assert "but none of the 1 anchors is of a log of this size." in shown


def test_the_log_itself_is_verified_against_its_anchors(
    story: Database, xds: Xds, tmp_path: Path
) -> None:  # fmt: skip
    there = {"XDS_AUDIT_ANCHOR_PATHS": f"{tmp_path}/anchors"}
    first = xds("audit", "anchor", **there)
    assert first.returncode == 0
    assert [path.read_text() for path in (tmp_path / "anchors").iterdir()] == [first.stdout]
    assert xds("audit", "verify", "--anchor", tmp_path / "anchors").returncode == 0
    story.write_now(
        lambda writer: writer._session.run("UPDATE log_record SET payload = CAST('{}' AS BLOB) WHERE seq = 3")
    )
    found = xds("audit", "verify", "--anchor", tmp_path / "anchors", "--json")
    assert (found.returncode, json.loads(found.stdout)["first_bad"]) == (1, 3)


def test_an_old_backup_is_noticed(story: Database, xds: Xds, tmp_path: Path) -> None:
    story.write_now(lambda writer: writer._session.run_many("DELETE FROM log_record WHERE seq > ?", [(99,)]))
    backup = f"{tmp_path}/backup.db"
    story.read_now(lambda reader: None)
    subprocess.run([sys.executable, "-c", f"import sqlite3; c = sqlite3.connect({str(tmp_path / 'data/xds.db')!r}); "
                    f"c.execute('VACUUM INTO ?', ({backup!r},))"], check=True)  # fmt: skip
    there = {"XDS_AUDIT_ANCHOR_PATHS": f"{tmp_path}/anchors"}
    xds("audit", "list")
    assert xds("audit", "anchor", **there).returncode == 0
    restored = {"XDS_DATABASE_URL": f"sqlite:///{backup}"}
    xds("audit", "list", **restored)
    found = xds("audit", "verify", "--anchor", tmp_path / "anchors", "--json", **restored)
    assert found.returncode == 1 and "anchor" in found.stdout


def test_an_anchor_that_fails_is_said(story: Database, xds: Xds, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    failed = xds("audit", "anchor", XDS_AUDIT_ANCHOR_PATHS=f"{tmp_path}/taken")
    assert failed.returncode == 1 and "No anchor keeps it." in failed.stderr


def test_nothing_is_deleted_within_five_years_and_what_is_leaves_its_proof(
    log: Database, xds: Xds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(Source("here", "log"), read_index_key(tmp_path / "audit/index-key"))
    for number, year in enumerate((2001, 2002, 2019)):
        written = datetime(year, 6, 1, tzinfo=UTC)
        monkeypatch.setattr("xds.db.log.time_ns", lambda at=written: int(at.timestamp()) * 10**9)
        event = Event(f"r-{number}", "ITI-18", written, 0, MIDWIFE, accesses=(Access(MARIA),))
        log.write_now(lambda writer, event=event: writer.record(recorder.entries(event)))
    monkeypatch.undo()
    kept = xds("audit", "retention")
    assert (kept.returncode, kept.stdout) == (1, "2 records are older than 20 years.\n")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    assert xds("audit", "retention", "--delete-before", tomorrow.replace(day=1)).returncode == 1
    assert xds("audit", "retention", "--delete-before", "2003-01-01").stdout == "2 records were deleted.\n"
    assert xds("audit", "retention").returncode == 0
    assert listed(xds, "--patient", MARIA.number) == ["r-2"]
    found = json.loads(xds("audit", "verify", "--json").stdout)
    assert (found["sound"], found["redacted"]) == (True, 2)
    assert xds("audit", "export", "out").returncode == 0
    assert independent(tmp_path / "out") == 0


def test_without_its_keys_the_log_is_not_opened(log: Database, xds: Xds, tmp_path: Path) -> None:
    (tmp_path / "audit/index-key").write_text("short")
    wrong = xds("audit", "list")
    assert wrong.returncode == 2 and "audit.index_key" in wrong.stderr
    (tmp_path / "audit/index-key").write_text(secrets.token_hex(32))
    (tmp_path / "audit/signing-key.pem").unlink()
    missing = xds("audit", "key")
    assert missing.returncode == 2 and "xds init" in missing.stderr
