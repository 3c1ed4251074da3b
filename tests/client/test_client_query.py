from __future__ import annotations

import pytest
from client_peer import Answer, soap

from xds.client.query import QUERIES, coded_values, takes_list
from xds.ebrim.encode import encode
from xds.ebrim.response import encode_query_response
from xds.errors import Code, Issue

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"


def slots(peer) -> list[tuple[str, list[str]]]:
    query = peer.request.body.find(f"{{{RIM}}}AdhocQuery")
    return [(slot.get("name"), [value.text for value in slot.iter(f"{{{RIM}}}Value")]) for slot in query]


@pytest.mark.parametrize(
    ("parameter", "value", "coded"),
    [
        ("$XDSDocumentEntryPatientId", "1^^^&1.2&ISO", ["'1^^^&1.2&ISO'"]),
        ("$XDSDocumentEntryStatus", ["a", "b"], ["('a','b')"]),
        ("$XDSDocumentEntryAuthorPerson", ["O'Brien%"], ["('O''Brien%')"]),
        ("$XDSDocumentEntryEventCodeList", [["a", "b"], ["c"]], ["('a','b')", "('c')"]),
        ("$XDSDocumentEntryCreationTimeFrom", "20260101", ["20260101"]),
        ("$XDSDocumentEntryCreationTimeTo", 2026, ["2026"]),
        ("$XDSDocumentEntryCreationTimeTo", "1 OR 1", ["'1 OR 1'"]),
        ("$MetadataLevel", 1, ["1"]),
    ],
)
def test_values_are_written_as_the_standard_says(parameter, value, coded):
    assert coded_values(parameter, value) == coded


@pytest.mark.parametrize(
    ("query", "parameter", "expected"),
    [
        ("FindDocuments", "$XDSDocumentEntryPatientId", False),
        ("FindDocuments", "$XDSDocumentEntryServiceStartTimeFrom", False),
        ("FindDocuments", "$XDSDocumentEntryClassCode", True),
        ("FindDocuments", "$XDSDocumentEntryAuthorPerson", True),
        ("FindSubmissionSets", "$XDSSubmissionSetAuthorPerson", False),
        ("GetAll", "$patientId", False),
        ("GetDocuments", "$XDSDocumentEntryUniqueId", True),
        ("GetRelatedDocuments", "$XDSDocumentEntryUniqueId", False),
        ("GetRelatedDocuments", "$AssociationTypes", True),
        ("GetFolderAndContents", "$XDSFolderEntryUUID", False),
        ("GetFolderAndContents", "$XDSDocumentEntryFormatCode", True),
        (QUERIES["GetFolderAndContents"], "$XDSFolderEntryUUID", False),
        ("urn:uuid:00000000-0000-4000-8000-000000000000", "$XDSDocumentEntryPatientId", False),
        ("urn:uuid:00000000-0000-4000-8000-000000000000", "$XDSDocumentEntryUniqueId", True),
        ("urn:uuid:00000000-0000-4000-8000-000000000000", "$Other", True),
        ("FindDocuments", "$MetadataLevel", False),
    ],
)
def test_which_parameters_are_lists(query, parameter, expected):
    assert takes_list(query, parameter) is expected


def test_the_request_is_what_was_asked(client, peer):
    peer.answer = Answer(soap(b"".join(encode_query_response([])).decode()))

    client.query("FindDocuments", {"$A": "1", "$B": [["x"], ["y"]]}, "ObjectRef")

    assert peer.request.headers.get_content_type() == "application/soap+xml"
    assert peer.request.headers.get_param("action") == "urn:ihe:iti:2007:RegistryStoredQuery"
    assert peer.request.body.find(f"{{{QUERY}}}ResponseOption").get("returnType") == "ObjectRef"
    assert peer.request.body.find(f"{{{RIM}}}AdhocQuery").get("id") == QUERIES["FindDocuments"]
    assert slots(peer) == [("$A", ["'1'"]), ("$B", ["('x')"]), ("$B", ["('y')"])]


def test_what_is_found_comes_as_the_model(client, peer, submitted):
    submission, _ = submitted
    objects = [*submission.entries, *submission.submission_sets, *submission.associations]
    peer.answer = Answer(soap(b"".join(encode_query_response([encode(item) for item in objects])).decode()))

    result = client.query("GetAll", {"$patientId": "1"})

    assert (result.status, result.issues) == ("Success", ())
    assert [entry.unique_id for entry in result.objects.entries] == [submission.entries[0].unique_id]
    assert result.objects.entries[0].confidentiality_code == submission.entries[0].confidentiality_code
    assert result.objects.submission_sets[0].unique_id == submission.submission_sets[0].unique_id
    assert result.objects.associations[0].target_object == submission.entries[0].entry_uuid


def test_object_refs_come_as_ids(client, peer):
    peer.answer = Answer(soap(b"".join(encode_query_response([b'<rim:ObjectRef id="urn:uuid:1"/>'])).decode()))

    assert client.query("GetAll", {"$patientId": "1"}, "ObjectRef").objects.object_refs == ("urn:uuid:1",)


def test_a_failure_is_values(client, peer):
    issue = Issue(Code.XDSStoredQueryMissingParam, "$patientId is missing", "$patientId")
    peer.answer = Answer(soap(b"".join(encode_query_response([], [issue])).decode()))

    result = client.query("GetAll", {})

    assert (result.status, result.issues) == ("Failure", (issue,))


def test_a_query_without_a_name_is_refused_before_anything_is_sent(client, peer):
    with pytest.raises(ValueError, match="FindEverything"):
        client.query("FindEverything", {})
    assert peer.request is None
