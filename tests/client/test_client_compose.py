from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from client_peer import PATIENT, submission_set

import xds.client
from xds.client import DocumentToSubmit, compose
from xds.client.metadata import read_metadata
from xds.errors import Misconfigured
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.hl7 import is_oid
from xds.model.objects import AssociationType, DocumentEntry

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_the_public_names_are_these():
    assert xds.client.__all__ == [
        "Client",
        "DocumentToSubmit",
        "QueryResult",
        "RetrieveResult",
        "Retrieved",
        "SubmitResult",
        "compose",
    ]
    assert all(hasattr(xds.client, name) for name in xds.client.__all__)


def test_what_is_not_given_is_derived(entry, tmp_path):
    file = tmp_path / "letter.xml"
    file.write_bytes(b"<x/>")
    os.utime(file, (0, datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp()))

    submission, contents = compose([DocumentToSubmit(file, entry)], submission_set(), NOW)

    (made,), (of,) = submission.entries, submission.submission_sets
    assert (made.mime_type, made.creation_time) == ("text/xml", "20260203040506")
    assert (made.patient_id, made.source_patient_id) == (PATIENT, PATIENT)
    assert is_oid(made.unique_id)
    assert is_oid(of.unique_id)
    assert made.unique_id != of.unique_id
    assert of.submission_time == "20260301123000"
    assert contents == {made.entry_uuid: file}


def test_what_is_given_stays():
    given = DocumentEntry(
        entry_uuid="mine",
        unique_id="1.2.3",
        mime_type="a/b",
        creation_time="2020",
        source_patient_id="7^^^&1.9&ISO",
    )

    submission, _ = compose([DocumentToSubmit(b"", given)], submission_set(), NOW)

    (made,) = submission.entries
    assert (made.entry_uuid, made.unique_id, made.mime_type, made.creation_time) == ("mine", "1.2.3", "a/b", "2020")
    assert made.source_patient_id == "7^^^&1.9&ISO"


def test_every_document_is_a_member_and_may_replace_another(entry):
    documents = [DocumentToSubmit(b"1", entry), DocumentToSubmit(b"2", entry, target="urn:uuid:old")]

    submission, _ = compose(documents, submission_set(), NOW)

    first, second = (entry.entry_uuid for entry in submission.entries)
    of = submission.submission_sets[0].entry_uuid
    assert [(a.association_type, a.source_object, a.target_object) for a in submission.associations] == [
        (AssociationType.HAS_MEMBER, of, first),
        (AssociationType.HAS_MEMBER, of, second),
        (AssociationType.RPLC, second, "urn:uuid:old"),
    ]
    assert [a.submission_set_status for a in submission.associations] == ["Original", "Original", None]


METADATA = """
[submission_set]
source_id = "1.2.3"
content_type_code = "c^Content^1.4"

[document]
class_code = "k^Class^1.5"
confidentiality_code = ["N^normal^1.6", "R^^1.6"]
authors = [{ person = "^Jansen^Anna", institution = ["A", "B"] }]
title = "All"

[files."echo.pdf"]
title = "Echo"
type_code = "t^Type^1.7"
"""


def written(folder: Path, text: str = METADATA):
    file = folder / "metadata.toml"
    file.write_text(text)
    return read_metadata(file)


def test_metadata_are_written_in_toml(tmp_path):
    metadata = written(tmp_path)

    entry = metadata.entry("echo.pdf", {"class_code": "o^Option^1.5"})
    assert entry.names == (LocalizedString("Echo"),)
    assert entry.class_code == Coded("o", "1.5", "Option")
    assert entry.type_code == Coded("t", "1.7", "Type")
    assert entry.confidentiality_code == (Coded("N", "1.6", "normal"), Coded("R", "1.6", None))
    assert entry.authors == (Author(person=("^Jansen^Anna",), institution=("A", "B")),)
    assert metadata.entry("other.pdf", {}).title == "All"
    of = metadata.submitted_as({"patient_id": PATIENT})
    assert (of.source_id, of.content_type_code, of.patient_id) == ("1.2.3", Coded("c", "1.4", "Content"), PATIENT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[document]\nclas_code = 'a^b^c'", r"document\.clas_code: .* did you mean class_code"),
        ("[document]\nclass_code = 'a'", r'document\.class_code: expected "code\^'),
        ("[document]\ntitle = 7", r"document\.title: expected a text"),
        ("[document]\nhash = 'x'", r"document\.hash: no such attribute"),
        ("[document]\nauthors = ['Jansen']", r"document\.authors: expected tables"),
        ("[document]\nauthors = [{ persons = 'Jansen' }]", r"authors\.persons: .* did you mean person"),
        ("[files.'echo.pdf']\ntype = 'x'", r'files\."echo\.pdf"\.type'),
        ("[documents]\n", r"documents: expected the tables"),
        ("files = 1\n", r"files: expected the tables"),
        ("[files]\nx = 1\n", r'files\."x": expected the tables'),
        ("[document\n", r"metadata\.toml is not TOML"),
    ],
)
def test_a_mistake_in_metadata_names_its_place(tmp_path, text, told):
    with pytest.raises(Misconfigured) as caught:
        written(tmp_path, text).entry("echo.pdf", {})
    assert re.search(told, str(caught.value))
