"""What `verify` says of logs that are well and of logs that are not; manipulations.py has the many that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from logs import MARIA, RECORDER, SIGNER, Log, event
from manipulations import MANIPULATIONS, Case, exported, manifest_of, selected, try_all
from msgspec.structs import replace

from xds.audit.bundle import export
from xds.audit.retention import check_term, deletion_event, years_before
from xds.audit.verify import verify
from xds.model.audit import EMPTY


def test_random_manipulations_are_all_found_and_named_and_clean_logs_pass() -> None:
    assert try_all(40 * len(MANIPULATIONS), 1) == []


def test_a_sound_log_is_sealed_and_anchored_as_far_as_its_notes_go() -> None:
    log = Log().grow(10, every=4)
    report = verify(exported(log), log.notes, log.key, [log.notes[1]])
    assert (report.sound, report.records, report.redacted) == (True, 10, 0)
    assert (report.sealed, report.anchored) == (10, 8)
    assert verify(exported(Log()), [], SIGNER.key).sound


def test_a_part_from_some_record_on_is_verified_under_the_same_checkpoints() -> None:
    log = Log().grow(21, every=4)
    lines = list(export(log.key.name, log.heads[9], log.lines[9:]))
    assert verify(lines, log.notes, log.key, log.notes).sound
    other = list(export(log.key.name, log.heads[9]._replace(edge=log.heads[8].edge * 2), log.lines[9:]))
    assert verify(other, log.notes, log.key).first_bad == 9
    lines[3] = lines[3].replace(b"Jansen", b"Pieters")
    assert verify(lines, log.notes, log.key).first_bad == 11


def test_records_beyond_the_last_checkpoint_are_not_sealed() -> None:
    log = Log().grow(5)
    log.add(RECORDER.entries(event(5))[0])
    report = verify(exported(log), log.notes, log.key)
    assert [(finding.kind, finding.seq) for finding in report.findings] == [("unsealed", 5)]


def test_a_selection_is_verified_by_itself() -> None:
    log = Log().grow(30, every=7)
    lines = selected(log, [0, 3, 17, 29])
    case = Case(lines, log.notes, log.notes, None, manifest_of(lines, log.notes))
    assert b"chain" not in lines[1]
    report = case.judged()
    assert (report.sound, report.records, report.sealed, report.anchored) == (True, 4, 30, 30)
    assert (report.listed, report.selection, report.anchors) == (4, "some", len(log.notes))
    for changed in (
        [*lines[:2], lines[2].replace(b"Jansen", b"Pieters"), *lines[3:]],
        [*lines[:2], lines[2].replace(b'"seq":3,', b'"seq":4,'), *lines[3:]],
    ):
        assert case._replace(lines=changed).judged().first_bad in (3, 4)
    assert case._replace(lines=[*lines[:2], lines[1], *lines[2:]]).judged().first_bad == 0
    assert case._replace(notes=[]).judged().findings[-1].kind == "unsealed"


def test_a_selection_without_its_own_manifest_says_so() -> None:
    log = Log().grow(12, every=5)
    lines = selected(log, [2, 7])
    case = Case(lines, log.notes, [], None, manifest_of(lines, log.notes))
    for manifest, said in (
        (None, "there is no manifest"),
        ("", "there is no manifest"),
        (log.notes[-1], "it is not the manifest of an export of this log"),
        (case.manifest.replace("records 2", "records 1"), "its signature is wrong"),
        (manifest_of(lines, log.notes[:1]), "the manifest is of a log of 5 records, and the last checkpoint has 12"),
    ):
        (finding,) = case._replace(manifest=manifest).judged().findings
        assert (finding.kind, finding.seq) == ("manifest", None) and said in finding.text


def test_a_file_that_the_manifest_vouches_for_is_as_it_was() -> None:
    log = Log().grow(3)
    lines = selected(log, [1])
    manifest = manifest_of(lines, log.notes)
    report = verify(lines, log.notes, log.key, [], manifest, {"log.ndjson": "0" * 64})
    assert [(each.kind, each.text) for each in report.findings] == [
        ("file", "log.ndjson is not the file that was exported")
    ]


def with_deletion(log: Log, below: int, now: datetime) -> Log:
    """Delete as the retention does, at `now`, and go on."""
    log.now = now
    log.add(RECORDER.entries(deletion_event(f"r-retention-{below}", below, now, now))[0])
    log.lines[:below] = [kept._replace(payload=None, salt=None) for kept in log.lines[:below]]
    return log.grow(2)


def test_what_was_deleted_after_its_term_leaves_the_proof_whole() -> None:
    log = Log().grow(10, every=4)
    with_deletion(log, 7, datetime(2030, 3, 13, tzinfo=UTC))
    report = verify(exported(log), log.notes, log.key)
    assert (report.findings, report.redacted, report.records) == ([], 7, 13)
    with_deletion(log, 12, datetime(2036, 3, 13, tzinfo=UTC))
    assert verify(exported(log), log.notes, log.key).sound, "the first retention event is deleted in its turn"
    log.lines[13] = log.lines[13]._replace(payload=None, salt=None)
    assert verify(exported(log), log.notes, log.key).first_bad == 0


def test_what_was_deleted_before_its_term_is_named() -> None:
    log = with_deletion(Log().grow(10), 7, datetime(2030, 3, 11, tzinfo=UTC))
    report = verify(exported(log), log.notes, log.key)
    assert [(finding.kind, finding.seq) for finding in report.findings] == [("redaction", 0)]


def test_the_term_is_five_years() -> None:
    now = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert years_before(now, 5) == datetime(2023, 2, 28, 12, tzinfo=UTC)
    check_term(years_before(now, 5), now)
    with pytest.raises(ValueError, match="5 years"):
        check_term(years_before(now, 5) + timedelta(seconds=1), now)


def test_a_header_of_another_log_or_none_is_named() -> None:
    log = Log().grow(3)
    lines = exported(log)
    for first in (b"", b"{}\n", lines[1], lines[0].replace(b'"xds_log":1', b'"xds_log":2'), b" " + lines[0]):
        assert [each.kind for each in verify([first, *lines[1:]], log.notes, log.key).findings] == ["format"]
    other = list(export("other.example/log", EMPTY, log.lines))
    assert [each.kind for each in verify(other, log.notes, log.key).findings] == ["format"]


def test_a_record_tells_no_patient_number_but_in_its_payload() -> None:
    (entry,) = RECORDER.entries(replace(event(1), outcome=4))
    assert MARIA.number.encode() in entry.payload
    assert MARIA.number not in repr(entry._replace(payload=b""))
