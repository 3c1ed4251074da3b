"""Reading, judging and acknowledging Patient Identity Feed messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.errors import Unavailable
from xds.mllp.acknowledgement import accept, reject
from xds.mllp.feed import Feed, FeedError, Identity, read_feed
from xds.mllp.handle import handle
from xds.model.affinity_domain import BSN_OID, AffinityDomain
from xds.model.audit import Entry
from xds.model.hl7 import CX

BSN = f"999911120^^^BSN&{BSN_OID}&ISO"
OWN = "A-1^^^HOSP&1.2.3&ISO"


def message(event: str = "A01", *segments: str, head: dict[int, str] | None = None) -> bytes:
    msh = ["MSH", "^~\\&", "EPD", "ZH", "XDS", "REG", "20260301", "", f"ADT^{event}", "id-7", "P", "2.3.1", *[""] * 6]
    for field, value in (head or {}).items():
        msh[field - 1] = value
    body = segments or (f"PID|||{BSN}||Jansen^Anna",)
    return "\r".join(["|".join(msh), f"EVN|{event}|20260301", *body]).encode() + b"\r"


def understood(content: bytes) -> Feed:
    feed = read_feed(content)
    assert isinstance(feed, Feed), feed
    return feed


def refused(content: bytes) -> FeedError:
    error = read_feed(content)
    assert isinstance(error, FeedError)
    return error


@pytest.mark.parametrize("event", ["A01", "A04", "A05", "A08"])
def test_a_registration_gives_the_identifiers_of_pid_3(event: str) -> None:
    feed = understood(message(event, f"PID|||{BSN}~{OWN}||Jansen^Anna", "PV1||I"))
    (identity,) = feed.identities
    assert identity.patient_ids == (CX("999911120", BSN_OID), CX("A-1", "1.2.3"))
    assert (identity.subsumed, identity.birth_date, identity.surnames) == ((), None, {"jansen"})
    assert not feed.is_merge
    assert (feed.header.event, feed.header.control_id) == (event, "id-7")


def test_a_merge_gives_the_subsumed_identifiers_too() -> None:
    feed = understood(message("A40", f"PID|||{OWN}", "PD1|", "MRG|B-2^^^&1.2.3&ISO", "PV1||I"))
    assert feed.is_merge
    assert feed.identities == (Identity((CX("A-1", "1.2.3"),), (CX("B-2", "1.2.3"),)),)


def test_a_merge_may_be_of_several_patients() -> None:
    feed = understood(
        message("A40", f"PID|||{OWN}", "MRG|B-2^^^&1.2.3&ISO", "PID|||C-3^^^&1.2.3&ISO", "MRG|D-4^^^&1.2.3&ISO")
    )
    assert [(str(one.patient_ids[0]), str(one.subsumed[0])) for one in feed.identities] == [
        ("A-1^^^&1.2.3&ISO", "B-2^^^&1.2.3&ISO"),
        ("C-3^^^&1.2.3&ISO", "D-4^^^&1.2.3&ISO"),
    ]


@pytest.mark.parametrize(
    "pid_3",
    ["5", "5^^^HOSP", "5^^^HOSP&1.2.3&DNS", "5^^^HOSP&hospital.example&ISO", "5^^^&&ISO", "", "~~", "^^^HOSP"],
)
def test_an_identifier_without_the_oid_of_an_authority_is_left_out(pid_3: str) -> None:
    assert understood(message("A01", f"PID|||{pid_3}")).identities == (Identity(()),)


def test_the_other_parts_of_an_identifier_are_left_out() -> None:
    feed = understood(message("A01", f"PID|||999911120^^M11^NS&{BSN_OID}&ISO^PI^FAC&1.9&ISO^20200101"))
    assert [str(cx) for cx in feed.identities[0].patient_ids] == [f"999911120^^^&{BSN_OID}&ISO"]


@pytest.mark.parametrize("number", ["", "a\\T\\b", "a\\S\\b", "a\\F\\b", "a\\R\\b", "a\\E\\b", "a\x1bb"])
def test_a_number_that_no_cx_can_hold_is_refused(number: str) -> None:
    error = refused(message("A01", f"PID|||{number}^^^&1.2.3&ISO"))
    assert (error.acknowledgement, error.code, error.segment, error.field) == ("AE", 102, "PID", 3)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_segments_may_end_in_any_line_end(end: bytes) -> None:
    assert understood(message().replace(b"\r", end)) == understood(message())


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("UNICODE UTF-8", "utf-8"), ("8859/1", "latin-1"), ("8859/15", "iso-8859-15"), ("", "utf-8"), ("", "latin-1")],
)
def test_character_sets(charset: str, encoding: str) -> None:
    pid = "PID|||Zoë-1^^^&1.2.3&ISO||Müller^Zoë"
    content = message("A01", pid, head={18: charset}).decode().encode(encoding)
    assert understood(content).identities[0].patient_ids == (CX("Zoë-1", "1.2.3"),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ("AR", 100, "MSH", 0)),
        (b"MSH", ("AR", 100, "MSH", 0)),
        (b"PID|||1\r", ("AR", 100, "MSH", 0)),
        (b"MSH#^~\\&#EPD\r", ("AR", 100, "MSH", 0)),
        (b"MSH|^~\\&\r", ("AR", 101, "MSH", 10)),
        (b"\x00\xff" * 1000, ("AR", 100, "MSH", 0)),
        (message(head={10: ""}), ("AR", 101, "MSH", 10)),
        (message(head={9: "ORU^R01"}), ("AR", 200, "MSH", 9)),
        (message(head={9: "ADT"}), ("AR", 200, "MSH", 9)),
        (message("A03"), ("AR", 201, "MSH", 9)),
        (message(head={12: "3.0"}), ("AR", 203, "MSH", 12)),
        (message(head={12: ""}), ("AR", 203, "MSH", 12)),
        (message(head={18: "ISO IR87"}), ("AE", 103, "MSH", 18)),
        (message(head={18: "UNICODE UTF-8"}).replace(b"Anna", b"\xff"), ("AE", 102, "MSH", 18)),
        (message("A01", "PV1||I"), ("AE", 100, "PID", 0)),
        (message("A01", f"PID|||{BSN}", f"PID|||{OWN}"), ("AE", 100, "PID", 0)),
        (message("A40", f"PID|||{OWN}"), ("AE", 100, "MRG", 0)),
        (message("A40", "MRG|B-2^^^&1.2.3&ISO", f"PID|||{OWN}"), ("AE", 100, "MRG", 0)),
        (message("A01", "PID|||" + "~" * 20_000), ("AE", 102, "PID", 0)),
        (message("A01", "PID|||" + "^" * 20_000), ("AE", 102, "PID", 0)),
    ],
)
def test_what_is_not_accepted_and_why(content: bytes, expected: tuple[str, int, str, int]) -> None:
    error = refused(content)
    assert (error.acknowledgement, error.code, error.segment, error.field) == expected


def test_what_is_not_used_may_be_long() -> None:
    feed = understood(message("A08", f"PID|||{BSN}", "OBX|1|TX|||" + "text " * 40_000))
    assert feed == understood(message("A08", f"PID|||{BSN}"))


@given(st.binary(max_size=300) | st.text("MSHPIDRG|^~\\&\r\nA01.2IO\x0b\x1c", max_size=300).map(str.encode))
def test_any_bytes_give_a_verdict_and_an_acknowledgement_in_ascii(content: bytes) -> None:
    for start in (b"", message()[:60], message()):
        verdict = read_feed(start + content)
        answer = accept(verdict) if isinstance(verdict, Feed) else reject(verdict)
        assert answer.isascii()
        assert answer.startswith(b"MSH|^~\\&|")
        assert b"\x1c" not in answer
        assert b"\x0b" not in answer


def test_the_acknowledgement_of_2_3_1() -> None:
    answer = accept(understood(message()), datetime(2026, 3, 1, 12, 30, tzinfo=UTC)).decode()
    msh, msa, end = answer.split("\r")
    fields = msh.split("|")
    assert fields[2:6] == ["XDS", "REG", "EPD", "ZH"]
    assert fields[6] == "20260301123000+0000"
    assert fields[8] == "ACK^A01"
    assert 0 < len(fields[9]) <= 20
    assert fields[10:] == ["P", "2.3.1"]
    assert (msa, end) == ("MSA|AA|id-7", "")


def test_the_acknowledgement_of_2_5_names_its_structure_and_character_set() -> None:
    head = {12: "2.5", 18: "UNICODE UTF-8"}
    fields = accept(understood(message("A08", head=head))).decode().split("\r")[0].split("|")
    assert fields[8] == "ACK^A08^ACK"
    assert (fields[11], fields[17]) == ("2.5", "UNICODE UTF-8")


def test_an_error_in_the_form_of_2_3_1() -> None:
    _, msa, err, _ = reject(refused(message("A03"))).decode().split("\r")
    assert msa == "MSA|AR|id-7|MSH-9: only the events A01, A04, A05, A08 and A40 are accepted"
    assert err == "ERR|MSH^1^9^201&MSH-9: only the events A01, A04, A05, A08 and A40 are accepted&HL70357"


def test_an_error_in_the_form_of_2_5() -> None:
    _, msa, err, _ = reject(refused(message("A40", f"PID|||{OWN}", head={12: "2.5.1"}))).decode().split("\r")
    assert msa == "MSA|AE|id-7|A40 needs one MRG after each PID"
    text = "A40 needs one MRG after each PID"
    assert err == f"ERR||MRG^1|100^{text}^HL70357|E||||{text}"


def test_delimiters_in_an_error_are_escaped() -> None:
    answer = reject(refused(b"nothing")).decode()
    assert "MSH\\F\\\\S\\\\R\\\\E\\\\T\\\\F\\" in answer


class Registrations:
    """What a message asked of the registry."""

    def __init__(self, error: Exception | None = None):
        self.added: list[str] = []
        self.birth_dates: list[date | None] = []
        self.merged: list[tuple[str, str]] = []
        self.error = error

    async def add(self, patients: Mapping[str, date | None], entries: Sequence[Entry]) -> None:
        if self.error is not None:
            raise self.error
        self.added += patients
        self.birth_dates += patients.values()

    async def merge(self, merges: Sequence[tuple[str, str]], entries: Sequence[Entry]) -> None:
        if self.error is not None:
            raise self.error
        self.merged += merges


def send(content: bytes, registry: Registrations, *authorities: str) -> list[str]:
    domain = AffinityDomain(assigning_authorities=frozenset(authorities))
    return asyncio.run(handle(content, domain, registry.add, registry.merge)).decode().split("\r")


def test_identifiers_of_the_affinity_domain_become_known() -> None:
    registry = Registrations()
    answer = send(message("A01", f"PID|||{BSN}~{OWN}~{BSN}"), registry, BSN_OID)
    assert answer[1] == "MSA|AA|id-7"
    assert registry.added == [f"999911120^^^&{BSN_OID}&ISO"]


def test_without_a_list_of_authorities_all_identifiers_with_an_oid_become_known() -> None:
    registry = Registrations()
    send(message("A01", f"PID|||{BSN}~{OWN}~5^^^LOCAL"), registry)
    assert registry.added == [f"999911120^^^&{BSN_OID}&ISO", "A-1^^^&1.2.3&ISO"]


@pytest.mark.parametrize(
    ("pid_7", "birth_date"),
    [
        ("", None),
        ("19950102", date(1995, 1, 2)),
        ("19950102131500", date(1995, 1, 2)),
        ("199501", None),
        ("19951302", None),
        ("onbekend", None),
    ],
)
def test_the_birth_date_comes_along_where_it_is_whole(pid_7: str, birth_date: date | None) -> None:
    registry = Registrations()
    assert send(message("A08", f"PID|||{OWN}~{BSN}||||{pid_7}"), registry)[1] == "MSA|AA|id-7"
    assert set(registry.birth_dates) == {birth_date}


def test_a_patient_of_another_domain_is_an_error_in_pid_3() -> None:
    registry = Registrations()
    answer = send(message("A01", f"PID|||{OWN}"), registry, BSN_OID)
    assert answer[1].startswith("MSA|AE|id-7|PID-3")
    assert answer[2].startswith("ERR|PID^1^3^204&")
    assert registry.added == []


@pytest.mark.parametrize("number", ["123456789", "000000000", "99991112", "900214186"])
def test_a_bsn_that_fails_the_11_proef_is_an_error_in_pid_3_that_is_not_repeated(
    number: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registrations()
    with caplog.at_level(logging.DEBUG):
        answer = send(message("A01", f"PID|||{OWN}~{number}^^^&{BSN_OID}&ISO"), registry)
    assert answer[1].startswith("MSA|AE|id-7|PID-3: a BSN fails the 11-proef")
    assert answer[2].startswith("ERR|PID^1^3^204&")
    assert registry.added == []
    assert number not in "\r".join(answer) + caplog.text


def test_a_merge_is_made_within_each_authority() -> None:
    registry = Registrations()
    content = message(
        "A40",
        f"PID|||{BSN}~{OWN}~C^^^&1.9&ISO",
        f"MRG|B-2^^^&1.2.3&ISO~999900006^^^&{BSN_OID}&ISO~D^^^&1.9&ISO",
    )
    assert send(content, registry, BSN_OID, "1.2.3")[1] == "MSA|AA|id-7"
    assert registry.merged == [
        ("B-2^^^&1.2.3&ISO", "A-1^^^&1.2.3&ISO"),
        (f"999900006^^^&{BSN_OID}&ISO", f"999911120^^^&{BSN_OID}&ISO"),
    ]


@pytest.mark.parametrize(
    "mrg",
    ["", "B-2", "A-1^^^&1.2.3&ISO", f"999911120^^^&{BSN_OID}&ISO", "B-2^^^&1.2.3&ISO~A-1^^^&1.2.3&ISO"],
)
def test_a_merge_needs_another_patient_of_the_same_authority(mrg: str) -> None:
    registry = Registrations()
    answer = send(message("A40", f"PID|||{OWN}", f"MRG|{mrg}"), registry)
    assert answer[1].startswith("MSA|AE|id-7|MRG-1")
    assert answer[2].startswith("ERR|MRG^1^1^204&")
    assert registry.merged == []


def test_a_mistake_in_the_second_of_two_merges_undoes_neither_as_none_was_begun() -> None:
    registry = Registrations()
    content = message("A40", f"PID|||{OWN}", "MRG|B-2^^^&1.2.3&ISO", "PID|||C-3^^^&1.2.3&ISO", "MRG|D")
    assert "MRG^2^1^204" in send(content, registry)[2]
    assert registry.merged == []


def test_a_merge_into_a_patient_that_was_merged_away_is_not_to_be_sent_again() -> None:
    answer = send(message("A40", f"PID|||{OWN}", "MRG|B-2^^^&1.2.3&ISO"), Registrations(ValueError("A-1")))
    assert answer[1].startswith("MSA|AE|id-7|PID-3")
    assert answer[2].startswith("ERR|PID^1^3^204&")
    assert "A-1" not in "".join(answer)


@pytest.mark.parametrize("error", [Unavailable("999911120"), RuntimeError("999911120")])
@pytest.mark.parametrize("event", ["A01", "A40"])
def test_when_the_registry_fails_the_message_is_rejected_for_now(
    error: Exception, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    mrg = (f"MRG|999900006^^^&{BSN_OID}&ISO",) if event == "A40" else ()
    with caplog.at_level(logging.DEBUG):
        answer = send(message(event, f"PID|||{BSN}", *mrg), Registrations(error))
    assert answer[1].startswith("MSA|AR|id-7|")
    assert "^207&" in answer[2]
    sent = "\r".join(answer) + caplog.text
    assert "999911120" not in sent and "999900006" not in sent
