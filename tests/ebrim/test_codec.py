"""The ebRIM codec: what is written reads back the same, is valid, and mistakes are all named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs
from samples import association, entry, folder, submission, submission_set

from xds import xmlio
from xds.ebrim.encode import at_home, encode
from xds.ebrim.objects import decode_fragment
from xds.ebrim.response import decode_response, encode_response
from xds.ebrim.submit import decode_submit_objects, encode_submit_objects
from xds.errors import Code, Issue, Severity
from xds.model.coded import Coded, ExtraClassification, ExtraIdentifier, LocalizedString
from xds.model.objects import AssociationType, Status

UUID = "urn:uuid:0d1f4c0c-6a54-4b6b-9a3c-0123456789ab"
SET_UUID = "urn:uuid:7f0c1f1e-6a54-4b6b-9a3c-0123456789ab"
EXTRAS = {
    "extra_slots": (("urn:example:zorgpad", ("A", "B")), ("leeg", ())),
    "extra_classifications": (
        ExtraClassification(
            "urn:uuid:11111111-2222-4333-8444-555555555555", None, "x", (("codingScheme", ("2.999",)),)
        ),
        ExtraClassification(None, "urn:uuid:11111111-2222-4333-8444-555555555556", None),
    ),
    "extra_identifiers": (ExtraIdentifier("urn:uuid:11111111-2222-4333-8444-555555555557", "42"),),
    "descriptions": (LocalizedString("opmerking", "nl-NL"), LocalizedString("remark")),
    "home_community_id": "urn:oid:2.999.9",
    "limited_metadata": True,
}
text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=40).map(
    str.strip
).filter(bool)  # fmt: skip


def official(name: str) -> etree.XMLSchema:
    path = Path(__file__).resolve().parents[3] / "shared/schemas/ebRS" / name
    if not path.is_file():
        pytest.skip("the official schemas (../shared/schemas) are not here")
    return etree.XMLSchema(etree.parse(path))


def reread(made):
    return decode_submit_objects(xmlio.parse(encode_submit_objects(made)))


def test_a_submission_with_everything_reads_back_the_same():
    made = submission(
        entry(reference_id_list=("ACC1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:accession",), **EXTRAS),
        entry("Document02", uri=("http://example.nl/a",), legal_authenticator="^Jansen^Anna"),
        folder(**EXTRAS),
        association("Folder01", "Document01"),
        association("Document01", UUID, AssociationType.RPLC, documentation=(Coded("x", "2.999.4", "uitleg"),)),
        intended_recipient=("Ziekenhuis^^^^^&2.999&ISO^^^^1|^Bakker^Jan|^^Internet^jan@example.nl",),
    )
    assert reread(made) == (made, [])


@given(title=text, code=text, slot=text, person=text)
def test_any_text_survives(title, code, slot, person):
    made = submission(
        entry(
            names=(LocalizedString(title),), type_code=Coded(code, code, title), extra_slots=((f"x{slot}", (person,)),)
        )
    )
    assert reread(made) == (made, [])


def test_what_is_written_is_valid_against_the_official_schema():
    schema = official("lcm.xsd")
    made = submission(entry(**EXTRAS), folder(**EXTRAS), association("Folder01", "Document01"))
    element = xmlio.parse(encode_submit_objects(made))
    assert schema.validate(element), schema.error_log


def test_a_fragment_reads_back_as_its_object_and_its_ids_are_distinct():
    made = entry(UUID, logical_id=UUID, version="1.1", availability_status=Status.DEPRECATED, **EXTRAS)
    fragment = encode(made)
    assert decode_fragment(fragment) == made
    ids = [part.split('"')[0] for part in fragment.decode().split(' id="')[1:]]
    assert len(set(ids)) == len(ids) > 10


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="size"', 'name="hash"', "slot hash more than once"),
        ("<rim:Value>0</rim:Value>", "<rim:Value>0</rim:Value><rim:Value>1</rim:Value>", "size has more than one"),
        ("urn:uuid:f0306f51-975f-434e-a61c-c59651d33983", "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d",
         "formatCode is given more than once"),
        ("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
         "patientId is given more than once"),
        ('classifiedObject="Document01"', 'classifiedObject="Elders"', "classifiedObject"),
        ('registryObject="Document01"', 'registryObject="Elders"', "registryObject"),
        ("urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "urn:uuid:00000000-0000-4000-8000-000000000000",
         "neither a DocumentEntry"),
        ("2.999.7", "2.999." + "7" * 260, "longer than 256"),
        ('value="Zwangerschapskaart"', f'value="{"x" * 1025}"', "longer than 1024"),
        ('xml:lang="nl-NL"', 'xml:lang="nl_NL"', "xml:lang"),
        ('<rim:Slot name="size">', f'<rim:Slot name="{"x" * 257}"/><rim:Slot name="size">', "slot name is longer"),
        ("<rim:VersionInfo", "<rim:Onbekend/><rim:VersionInfo", "unexpected element Onbekend"),
    ],
)  # fmt: skip
def test_each_structural_mistake_is_named(old, new, said):
    made = submission(entry(version="1.1"))
    message = encode_submit_objects(made).decode()
    assert old in message
    _, issues = decode_submit_objects(xmlio.parse(message.replace(old, new).encode()))
    assert any(said in issue.context and issue.code is Code.XDSRegistryMetadataError for issue in issues), issues


TOO_LONG = "x" * 257
SCHEME = "urn:uuid:11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "extra",
    [
        {"extra_classifications": (ExtraClassification(SCHEME, None, TOO_LONG),)},
        {"extra_classifications": (ExtraClassification(SCHEME, None, "x", ((TOO_LONG, ("x",)),)),)},
        {"extra_classifications": (ExtraClassification(SCHEME, None, "x", (("x", (TOO_LONG,)),)),)},
        {"extra_classifications": (ExtraClassification(SCHEME, None, "x", (), (LocalizedString("x" * 1025),)),)},
        {"extra_classifications": (ExtraClassification(SCHEME, None, "x", (), (LocalizedString("x", "?"),)),)},
        {"extra_identifiers": (ExtraIdentifier("urn:x", "x", (LocalizedString("x" * 1025),)),)},
    ],
)
def test_extra_metadata_that_ebrim_has_no_room_for_is_refused(extra):
    (issue,) = reread(submission(entry(**extra)))[1]
    assert (issue.code, issue.location) == (Code.XDSRegistryMetadataError, "Document01")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<rim:VersionInfo", '<rim:ContentVersionInfo versionName="2"/><rim:VersionInfo', "ContentVersionInfo"),
        ('<rim:Slot name="authorRole">', '<rim:Slot name="authorShoeSize"><rim:ValueList><rim:Value>44</rim:Value>'
         '</rim:ValueList></rim:Slot><rim:Slot name="authorRole">', "authorShoeSize"),
        ('<rim:Slot name="codingScheme">', '<rim:Slot name="codingVersion"><rim:ValueList><rim:Value>2</rim:Value>'
         '</rim:ValueList></rim:Slot><rim:Slot name="codingScheme">', "codingVersion"),
    ],
)  # fmt: skip
def test_what_is_not_stored_is_warned_of(old, new, said):
    made = submission(entry(version="1.1"))
    message = encode_submit_objects(made).decode()
    assert old in message
    read, issues = decode_submit_objects(xmlio.parse(message.replace(old, new, 1).encode()))
    assert [(issue.code, issue.severity, issue.location) for issue in issues] == [
        (Code.XDSExtraMetadataNotSaved, Severity.WARNING, "Document01")
    ]
    assert said in issues[0].context
    assert read.entries == made.entries


def test_what_real_senders_write_is_read():
    """Other prefixes, upper-case UUIDs also of schemes, blanks in values, a classification outside its object."""
    made = submission(entry(UUID), name=SET_UUID)
    message = encode_submit_objects(made).decode()
    node = f'classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd" classifiedObject="{SET_UUID}"'
    start = message.index("<rim:Classification ", message.index("<rim:RegistryPackage"))
    end = message.index("/>", start) + 2
    assert node in message[start:end]
    message = message[:start] + message[end:]
    message = re.sub(r"(?<=urn:uuid:)[0-9a-f-]{36}", lambda found: found[0].upper(), message)
    outside = f'<rim:Classification id="c" {node}/></rim:RegistryObjectList>'
    message = message.replace("</rim:RegistryObjectList>", outside)
    message = message.replace("<rim:Value>0</rim:Value>", "<rim:Value>\n 0\t</rim:Value>")
    message = message.replace("rim:", "r:").replace("xmlns:rim", "xmlns:r")
    message = message.replace("regrep:xsd:r:3.0", "regrep:xsd:rim:3.0")
    read, issues = decode_submit_objects(xmlio.parse(message.encode()))
    assert issues == []
    assert read.entries == made.entries
    assert read.submission_sets == made.submission_sets


@pytest.mark.parametrize("made", [entry(UUID, logical_id=UUID), submission_set(), folder()])
def test_a_fragment_is_given_another_home(made):
    for home in ("urn:oid:2.999.1", "urn:oid:2.999.22"):
        moved = structs.replace(made, home_community_id=home)
        assert at_home(encode(made), home) == encode(moved)
        assert at_home(encode(moved), home) == encode(moved)
        assert at_home(encode(moved), "urn:oid:2.999.3") == encode(
            structs.replace(made, home_community_id="urn:oid:2.999.3")
        )


def test_a_response_reads_back_and_errors_decide_its_status():
    warning = Issue(Code.XDSExtraMetadataNotSaved, "w", "x", Severity.WARNING)
    error = Issue(Code.XDSUnknownPatientId, 'a "<&>"', "y")
    foreign = Issue("urn:example:<&>Error", "a code that we don't know", "z")
    for issues, status in (([], "Success"), ([warning], "Success"), ([warning, error, foreign], "Failure")):
        element = xmlio.parse(encode_response(issues))
        read_status, read = decode_response(element)
        assert read_status.endswith(status)
        assert read == [replace(issue, section="") for issue in issues]
