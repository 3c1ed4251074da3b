"""Affinity domain files: both forms, merging, mistakes, reloading."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from xds.affinity import Reloading, load
from xds.errors import Misconfigured
from xds.model.affinity_domain import BSN_OID, Concept

SNOMED = "2.16.840.1.113883.6.96"
EXAMPLE = Path(__file__).parents[2] / "fixtures" / "affinity-domains" / "geboortezorg.toml"
TODAY = date(2026, 3, 1)

TOML = """
dutch = true

[assigning_authorities]
"2.16.840.1.113883.2.4.6.3" = "BSN"

[value_sets.classCode."2.16.840.1.113883.6.96"]
"371531000" = "Verslag"
"1" = { display = "Oud", since = 2015-12-01, until = 2024-02-05 }

[value_sets.mimeType]
"application/pdf" = "PDF"
"""

CODES_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Codes>
  <!-- a comment -->
  <CodeType name="classCode" classScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a">
    <Code code="11488-4" display="Consult" codingScheme="2.16.840.1.113883.6.1" system="http://loinc.org"/>
    <Code code="11488-4" display="Consultation" codingScheme="2.16.840.1.113883.6.1"/>
    <Code code="11488-4" display="Local" codingScheme="1.2.3"/>
  </CodeType>
  <CodeType name="mimeType"><Code code="text/xml" ext="xml"/></CodeType>
  <CodeType name="somethingElse"><Code code="x" codingScheme="y"/></CodeType>
  <AssigningAuthority id="&amp;1.3.6.1.4.1.21367.13.20.1000&amp;ISO" display="IHERED"/>
  <AssigningAuthority id="1.2.3"/>
</Codes>
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_toml(tmp_path: Path) -> None:
    domain = load([write(tmp_path / "a.toml", TOML)])
    assert domain.dutch
    assert domain.assigning_authorities == {BSN_OID}
    assert domain.value_sets["classCode"][("371531000", SNOMED)] == Concept("371531000", SNOMED, "Verslag")
    assert domain.value_sets["mimeType"] == {("application/pdf", ""): Concept("application/pdf", "", "PDF")}
    assert domain.allows("classCode", "371531000", SNOMED, TODAY)
    assert not domain.allows("classCode", "371531000", "1.2.3", TODAY)
    assert not domain.allows("mimeType", "text/html", "", TODAY)
    assert domain.allows("typeCode", "anything", "", TODAY)


@pytest.mark.parametrize(
    ("day", "allowed"),
    [
        (date(2015, 11, 30), False),
        (date(2015, 12, 1), True),
        (date(2024, 2, 4), True),
        (date(2024, 2, 5), False),
    ],
)
def test_a_code_holds_from_its_first_day_to_the_day_before_until(tmp_path: Path, day: date, allowed: bool) -> None:
    assert load([write(tmp_path / "a.toml", TOML)]).allows("classCode", "1", SNOMED, day) is allowed


def test_codes_xml(tmp_path: Path) -> None:
    domain = load([write(tmp_path / "codes.xml", CODES_XML)])
    assert domain.value_sets["classCode"] == {
        ("11488-4", "2.16.840.1.113883.6.1"): Concept("11488-4", "2.16.840.1.113883.6.1", "Consult"),
        ("11488-4", "1.2.3"): Concept("11488-4", "1.2.3", "Local"),
    }
    assert domain.value_sets.keys() == {"classCode", "mimeType"}
    assert domain.allows("mimeType", "text/xml", "", TODAY)
    assert domain.assigning_authorities == {"1.3.6.1.4.1.21367.13.20.1000", "1.2.3"}
    assert not domain.dutch


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_files_of_both_forms_make_one_domain(tmp_path: Path, order: tuple[int, int]) -> None:
    files = [write(tmp_path / "a.toml", TOML), write(tmp_path / "codes.xml", CODES_XML)]
    domain = load([files[number] for number in order])
    assert domain.dutch
    assert len(domain.assigning_authorities) == 3
    assert len(domain.value_sets["classCode"]) == 4
    assert len(domain.value_sets["mimeType"]) == 2


def test_the_same_said_twice_is_no_conflict(tmp_path: Path) -> None:
    files = [write(tmp_path / name, TOML) for name in ("a.toml", "b.toml")]
    assert load(files) == load(files[:1])


@pytest.mark.parametrize(
    ("second", "names"),
    [
        ('[value_sets.classCode."2.16.840.1.113883.6.96"]\n"371531000" = "Rapport"', "371531000"),
        ('[value_sets.classCode."2.16.840.1.113883.6.96"]\n"1" = "Oud"', "classCode"),
        ('[assigning_authorities]\n"2.16.840.1.113883.2.4.6.3" = "Sofi"', BSN_OID),
        ("dutch = false", "dutch"),
    ],
)
def test_a_contradiction_names_the_file_and_the_key(tmp_path: Path, second: str, names: str) -> None:
    files = [write(tmp_path / "a.toml", TOML), write(tmp_path / "b.toml", second)]
    with pytest.raises(Misconfigured, match=r"b\.toml") as caught:
        load(files)
    assert names in str(caught.value)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("dutch = maybe", "line 1"),
        ("dutch = 'yes'", "dutch: expected true or false"),
        ("nederlands = true", "nederlands"),
        ("value_sets = 3", "value_sets: expected a table"),
        ("[value_sets.clasCode.x]\na = 'b'", "classCode"),
        ("[value_sets.classCode]\na = 'b'", "value_sets.classCode.'a': expected a coding scheme"),
        ("[value_sets.classCode]", "no codes"),
        ("[value_sets.mimeType.x]\na = 'b'", "value_sets.mimeType.'x'"),
        ("[value_sets.classCode.x]\na = 3", "value_sets.classCode.'x'.'a': expected a display name"),
        ("[value_sets.classCode.x]\n' a' = 'b'", "blanks"),
        ("[value_sets.classCode.x]\na = {display = 'b', from = 2020-01-01}", "from"),
        ("[value_sets.classCode.x]\na = {display = 'b', since = '2020-01-01'}", "since: expected a date"),
        ("[value_sets.classCode.x]\na = {display = 'b', since = 2020-01-01T00:00:00}", "since: expected a date"),
        ("[value_sets.classCode.x]\na = {display='b', since=2020-01-01, until=2020-01-01}", "since must be before"),
        ("[value_sets.classCode.x]\na = 'b'\na = 'c'", "not TOML"),
        ("[assigning_authorities]\n'urn:oid:1.2.3' = 'x'", "expected a bare OID"),
        ("[assigning_authorities]\n'1.2.3' = 4", "1.2.3"),
        ("<Codes", "line 1"),
        ("<Kodes/>", "expected Codes"),
        ("<!DOCTYPE Codes><Codes/>", "a.txt"),
        ("<Codes>\n<CodeType/></Codes>", ":2: CodeType/@name"),
        ("<Codes>\n\n<CodeType name='classCode'/></Codes>", ":3: CodeType classCode has no Code"),
        ("<Codes>\n<CodeType name='classCode'>\n<Code code='x'/></CodeType></Codes>", ":3: Code/@codingScheme"),
        ("<Codes>\n<CodeType name='classCode'>\n<Code codingScheme='x'/></CodeType></Codes>", ":3: Code/@code"),
        ("<Codes>\n<AssigningAuthority id='&amp;x&amp;ISO'/></Codes>", ":2: AssigningAuthority/@id"),
    ],
)
def test_a_mistake_names_the_file_the_place_and_what_is_expected(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load([write(tmp_path / "a.txt", text)])
    assert "a.txt" in str(caught.value)
    assert names in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"missing\.toml.*No such file"):
        load([tmp_path / "missing.toml"])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_changed_file_is_read_within_a_second(tmp_path: Path) -> None:
    path, clock = write(tmp_path / "a.toml", TOML), Clock()
    current = Reloading([path], clock)
    before = current()
    write(path, TOML.replace("371531000", "371532000"))
    clock.now = 0.9
    assert current() is before
    clock.now = 1.0
    assert current().allows("classCode", "371532000", SNOMED, TODAY)
    assert current.error is None


def test_a_change_of_the_same_size_is_seen_by_its_time(tmp_path: Path) -> None:
    path, clock = write(tmp_path / "a.toml", TOML), Clock()
    current = Reloading([path], clock)
    write(path, TOML.replace("371531000", "371532000"))
    os.utime(path, (2_000_000_000, 2_000_000_000))
    clock.now = 1.0
    assert current().allows("classCode", "371532000", SNOMED, TODAY)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path, clock = write(tmp_path / "a.toml", TOML), Clock()
    current = Reloading([path], clock)
    before = current()
    clock.now = 100.0
    assert current() is before


def test_a_broken_file_keeps_the_old_domain_and_says_so_until_it_is_mended(tmp_path: Path) -> None:
    path, clock = write(tmp_path / "a.toml", TOML), Clock()
    current = Reloading([path], clock)
    before = current()
    write(path, TOML + "oops")
    clock.now = 1.0
    assert current() is before
    assert current.error is not None
    assert "a.toml" in current.error
    path.unlink()
    clock.now = 2.0
    assert current() is before
    assert "No such file" in (current.error or "")
    write(path, TOML)
    clock.now = 3.0
    assert current() == before
    assert current.error is None


def test_reload_looks_at_once(tmp_path: Path) -> None:
    path, clock = write(tmp_path / "a.toml", TOML), Clock()
    current = Reloading([path], clock)
    write(path, TOML.replace("371531000", "371532000"))
    current.reload()
    assert current().allows("classCode", "371532000", SNOMED, TODAY)


def test_a_broken_file_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        Reloading([write(tmp_path / "a.toml", "oops")])


@pytest.mark.parametrize(
    ("attribute", "code", "scheme"),
    [
        ("classCode", "9491000146107", SNOMED),
        ("typeCode", "722124004", SNOMED),
        ("typeCode", "57055-6", "2.16.840.1.113883.6.1"),
        ("typeCode", "57057-2", "2.16.840.1.113883.6.1"),
        ("typeCode", "57059-8", "2.16.840.1.113883.6.1"),
        ("typeCode", "18842-5", "2.16.840.1.113883.6.1"),
        ("confidentialityCode", "R", "2.16.840.1.113883.5.25"),
        ("healthcareFacilityTypeCode", "JGZ", "2.16.840.1.113883.2.4.15.1060"),
        ("eventCodeList", "US", "1.2.840.10008.2.16.4"),
        ("mimeType", "application/pdf", ""),
    ],
)
def test_the_birth_care_example_allows_what_birth_care_uses(attribute: str, code: str, scheme: str) -> None:
    domain = load([EXAMPLE])
    assert domain.dutch
    assert BSN_OID in domain.assigning_authorities
    assert domain.allows(attribute, code, scheme, TODAY)
    assert not domain.allows(attribute, "no-such-code", scheme, TODAY)
