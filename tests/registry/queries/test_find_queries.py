"""FindDocuments, FindDocumentsByReferenceId, FindSubmissionSets, FindFolders: every parameter narrows the answer."""

from __future__ import annotations

import pytest
from asking import ANY_TYPE, APPROVED, BOTH, DEPRECATED, MINE
from samples import OTHER_PATIENT

DOCUMENTS = {"$XDSDocumentEntryPatientId": MINE, "$XDSDocumentEntryStatus": BOTH}
STABLE = {"old", "new", "addendum", "current_map"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, STABLE),
        ({"Status": APPROVED}, STABLE - {"old"}),
        ({"Status": f"({DEPRECATED})"}, {"old"}),
        ({"Status": "('urn:oasis:names:tc:ebxml-regrep:StatusType:Submitted')"}, set()),
        ({"Type": ANY_TYPE}, STABLE | {"snapshot"}),
        ({"Type": "('urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248')"}, {"snapshot"}),
        ({"PatientId": f"'{OTHER_PATIENT}'"}, {"strangers"}),
        ({"PatientId": "'nobody^^^&2.999.1&ISO'"}, set()),
        ({"ClassCode": "('letter^^2.999.8','other^^2.999.8')"}, {"new"}),
        ({"ClassCode": "('letter^^2.999.9')"}, set()),
        ({"TypeCode": "('t^^2.999.8')"}, {"new"}),
        ({"FormatCode": "('f^^2.999.8')"}, {"new"}),
        ({"PracticeSettingCode": "('p^^2.999.8')"}, {"new"}),
        ({"HealthcareFacilityTypeCode": "('h^^2.999.8')"}, {"new"}),
        ({"EventCodeList": "('scan^^2.999.8','lab^^2.999.8')"}, {"new", "addendum"}),
        ({"EventCodeList": ["('scan^^2.999.8')", "('lab^^2.999.8')"]}, {"new"}),
        ({"ConfidentialityCode": "('N^^2.999.8','R^^2.999.8')"}, {"new", "addendum"}),
        ({"ConfidentialityCode": ["('N^^2.999.8')", "('R^^2.999.8')"]}, {"new"}),
        ({"AuthorPerson": "('%O''Brien%')"}, {"old"}),
        ({"AuthorPerson": "('_^Bakker^%','%^Visser^%')"}, {"new"}),
        ({"AuthorPerson": "('Bakker')"}, set()),
        ({"CreationTimeFrom": "20260201"}, {"new", "addendum", "current_map"}),
        ({"CreationTimeTo": "20260201"}, {"old"}),
        ({"CreationTimeFrom": "'20260201000000'", "CreationTimeTo": "20260201000001"}, {"new"}),
        ({"CreationTimeFrom": "20260401", "CreationTimeTo": "2026040100000"[:-1]}, set()),
        ({"CreationTimeFrom": "202604"}, {"current_map"}),
        ({"ServiceStartTimeFrom": "20260110", "ServiceStartTimeTo": "20260111"}, {"new"}),
        ({"ServiceStopTimeFrom": "20260120", "ServiceStopTimeTo": "20260121"}, {"new"}),
    ],
)
def test_find_documents(asked, parameters, expected):
    own = {f"$XDSDocumentEntry{name}": value for name, value in parameters.items()}
    answer = asked.ask("FindDocuments", {**DOCUMENTS, **own})
    assert answer.codes == []
    assert answer.names == expected


def test_wildcards_are_literals_in_everything_but_authors(asked):
    for name, value in (("ClassCode", "('%^^2.999.8')"), ("EventCodeList", "('s_an^^2.999.8')")):
        assert asked.ask("FindDocuments", {**DOCUMENTS, f"$XDSDocumentEntry{name}": value}).names == set()
    assert asked.ask("FindDocuments", {**DOCUMENTS, "$XDSDocumentEntryPatientId": "'99991%'"}).names == set()


def test_unknown_parameters_are_ignored(asked):
    answer = asked.ask("FindDocuments", {**DOCUMENTS, "$MetadataLevel": "1", "$Other": ["'a'", "'b'"]})
    assert (answer.codes, answer.names) == ([], STABLE)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("('A1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:accession')", {"new", "addendum"}),
        (
            [
                "('A1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:accession')",
                "('O1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:order','other')",
            ],
            {"new"},
        ),
        ("('A%')", set()),
    ],
)
def test_find_documents_by_reference_id(asked, ids, expected):
    answer = asked.ask("FindDocumentsByReferenceId", {**DOCUMENTS, "$XDSDocumentEntryReferenceIdList": ids})
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"set1", "set2"}),
        ({"Status": f"({DEPRECATED})"}, set()),
        ({"SourceId": "('2.999.7.1','2.999.7.2')"}, {"set1"}),
        ({"SubmissionTimeFrom": "20260501", "SubmissionTimeTo": "20260601"}, {"set1"}),
        ({"AuthorPerson": "'%Jansen^Anna^^^^^^&2.999.4%'"}, {"set1"}),
        ({"ContentType": "('visit^^2.999.8')"}, {"set1"}),
    ],
)
def test_find_submission_sets(asked, parameters, expected):
    asked_for = {"PatientId": MINE, "Status": f"({APPROVED})", **parameters}
    answer = asked.ask("FindSubmissionSets", {f"$XDSSubmissionSet{name}": value for name, value in asked_for.items()})
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"pregnancy"}),
        ({"Status": BOTH}, {"pregnancy", "closed"}),
        ({"Status": BOTH, "LastUpdateTimeFrom": "20250501", "LastUpdateTimeTo": "20260501"}, {"closed"}),
        ({"Status": BOTH, "CodeList": "('a^^2.999.8','b^^2.999.8')"}, {"pregnancy", "closed"}),
        ({"Status": BOTH, "CodeList": ["('a^^2.999.8')", "('b^^2.999.8')"]}, {"pregnancy"}),
    ],
)
def test_find_folders(asked, parameters, expected):
    asked_for = {"PatientId": MINE, "Status": f"({APPROVED})", **parameters}
    answer = asked.ask("FindFolders", {f"$XDSFolder{name}": value for name, value in asked_for.items()})
    assert (answer.codes, answer.names) == ([], expected)
