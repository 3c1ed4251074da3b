"""The rules that need no look into the registry: each mistake, its code and the object that it names."""

from __future__ import annotations

from datetime import date

import pytest
from samples import LOINC, OTHER_PATIENT, PATIENT, association, entry, folder, member, submission, submission_set

from xds.errors import Code
from xds.model.affinity_domain import AffinityDomain, Concept
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import AssociationType, EntryType, Submission
from xds.registry.rules import check_submission

TODAY = date(2026, 6, 1)
UUID = "urn:uuid:0d1f4c0c-6a54-4b6b-9a3c-0123456789ab"
META = Code.XDSRegistryMetadataError


def judge(
    made: Submission, domain: AffinityDomain | None = None, at_registry: bool = True
) -> list[tuple[str, str, str]]:
    issues = check_submission(made, domain or AffinityDomain(dutch=True), TODAY, at_registry=at_registry)
    return [(issue.code, issue.location, issue.context) for issue in issues]


def test_a_good_submission_has_no_issues():
    made = submission(entry(), entry("Document02"), folder(), association("Folder01", "Document01"))
    assert judge(made) == []


@pytest.mark.parametrize(
    "field",
    ["class_code", "confidentiality_code", "creation_time", "format_code", "hash", "healthcare_facility_type_code",
     "language_code", "mime_type", "patient_id", "practice_setting_code", "repository_unique_id", "size",
     "source_patient_id", "type_code", "unique_id"],
)  # fmt: skip
def test_a_required_attribute_of_an_entry_is_missed(field):
    empty = () if field == "confidentiality_code" else None
    found = judge(submission(entry(**{field: empty})))
    assert [(code, where) for code, where, _ in found] == [(META, "Document01")]
    assert "is missing" in found[0][2]


def test_what_the_repository_adds_is_not_asked_of_a_source():
    made = submission(entry(hash=None, size=None, repository_unique_id=None))
    assert judge(made, at_registry=False) == []
    assert len(judge(made)) == 3


@pytest.mark.parametrize("field", ["content_type_code", "patient_id", "source_id", "submission_time", "unique_id"])
def test_a_required_attribute_of_a_set_is_missed(field):
    found = judge(submission(entry(), **{field: None}))
    assert (META, "SubmissionSet01") in [(code, where) for code, where, _ in found]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"creation_time": "20260230"}, "creationTime"),
        ({"creation_time": "2026-04-01"}, "creationTime"),
        ({"hash": "xyz"}, "hash"),
        ({"size": "-1"}, "size"),
        ({"language_code": "nl_NL"}, "languageCode"),
        ({"mime_type": "pdf"}, "mimeType"),
        ({"patient_id": "999911120"}, "patientId"),
        ({"source_patient_id": "1^^^ZKH&1.2&ISO"}, "sourcePatientId"),
        ({"repository_unique_id": "urn:oid:1.2.3"}, "repositoryUniqueId"),
        ({"unique_id": "../../etc/passwd"}, "uniqueId"),
        ({"unique_id": "1.2.3^" + "x" * 17}, "uniqueId"),
        ({"unique_id": "1.2." + "3" * 130}, "uniqueId"),
        ({"reference_id_list": ("zonder type",)}, "referenceIdList"),
        ({"source_patient_info": ("Jansen",)}, "sourcePatientInfo"),
        ({"service_start_time": "2027"}, "serviceStartTime"),
        ({"names": (LocalizedString("x" * 129),)}, "title"),
        ({"authors": (Author(),)}, "author"),
        ({"authors": (Author(person=("^^",)),)}, "author.person"),
        ({"authors": (Author(institution=("Zkh^^^^^ZKH&1.2.3&ISO^^^^1",)),)}, "author.institution"),
        ({"type_code": Coded("57055-6", "", "Kaart")}, "codingScheme"),
        ({"type_code": Coded("", LOINC, "Kaart")}, "no code"),
        ({"type_code": Coded("57055-6", LOINC)}, "display name"),
        ({"type_code": Coded("x" * 257, LOINC, "Kaart")}, "typeCode"),
        ({"type_code": Coded("x", "1" * 257, "Kaart")}, "typeCode"),
        ({"type_code": Coded("x", LOINC, "x" * 1025)}, "typeCode"),
        ({"authors": (Author(role=("x" * 257,)),)}, "author.role"),
        ({"mime_type": "text/plain; x=" + "x" * 256}, "mimeType"),
        ({"object_type": "urn:uuid:00000000-0000-4000-8000-000000000000"}, "objectType"),
        ({"object_type": EntryType.ON_DEMAND}, "on-demand"),
    ],
)
def test_a_wrong_value_is_named(changes, said):
    found = judge(submission(entry(**changes)))
    assert found
    assert any(said in context and code == META and where == "Document01" for code, where, context in found), found


def test_an_entry_that_is_marked_as_limited_must_be_complete_all_the_same():
    found = judge(submission(entry(limited_metadata=True, class_code=None, source_patient_id=None)))
    assert [(code, "is missing" in context) for code, _, context in found] == [(META, True)] * 2


@pytest.mark.parametrize("unique_id", ["1.2.3^a", "1.2." + "3" * 61, "urn:oid:1.2.3"])
def test_the_unique_id_of_a_set_or_a_folder_is_an_oid(unique_id):
    assert [where for _, where, _ in judge(submission(entry(), unique_id=unique_id))] == ["SubmissionSet01"]
    assert [where for _, where, _ in judge(submission(folder(unique_id=unique_id)))] == ["Folder01"]


def test_a_bsn_that_fails_the_11_proef_is_refused_without_being_repeated():
    wrong = "123456789^^^&2.16.840.1.113883.2.4.6.3&ISO"
    found = judge(submission(entry(patient_id=wrong, source_patient_id=wrong), patient_id=wrong))
    assert len(found) == 3
    assert all("11-proef" in context and "123456789" not in context for _, _, context in found)


def test_codes_are_checked_against_value_sets_and_their_validity():
    concept = Concept("57055-6", LOINC, "Zwangerschapskaart", until=date(2026, 5, 1))
    expired = AffinityDomain({"typeCode": {("57055-6", LOINC): concept}})
    assert ["typeCode" in context for _, _, context in judge(submission(entry()), expired)] == [True]
    current = AffinityDomain({"typeCode": {("57055-6", LOINC): Concept("57055-6", LOINC, "Kaart")}})
    assert judge(submission(entry()), current) == []


def test_every_mistake_is_reported_at_once():
    made = submission(entry(hash=None, size="x", type_code=None), entry("Document02", class_code=None))
    assert len(judge(made)) == 4


def test_exactly_one_submission_set():
    assert any("exactly one" in context for _, _, context in judge(Submission(entries=(entry(),))))
    two = Submission((submission_set(), submission_set("Second")))
    assert any("has 2" in context for _, _, context in judge(two))


def test_structure_mistakes():
    lonely = submission(entry())
    lonely = Submission(lonely.submission_sets, (*lonely.entries, entry("Document02")), (), lonely.associations)
    cases = [
        (lonely, META, "no HasMember"),
        (submission(entry(), entry()), META, "same id"),
        (submission(entry("urn:uuid:nope")), META, "no UUID"),
        (submission(entry(unique_id="1.2.3"), entry("D2", unique_id="1.2.3")),
         Code.XDSRegistryDuplicateUniqueIdInMessage, "1.2.3"),
        (submission(entry(patient_id=OTHER_PATIENT)), Code.XDSPatientIdDoesNotMatch, "patientId"),
        (submission(folder(patient_id=OTHER_PATIENT)), Code.XDSPatientIdDoesNotMatch, "patientId"),
        (submission(entry(), association("Document01", "SubmissionSet01", AssociationType.APND)), META, "target"),
        (submission(entry(), association("Document01", UUID, association_type="urn:x")), META, "unknown type"),
        (submission(entry(), association("Document01", "Nergens", AssociationType.RPLC)),
         Code.UnresolvedReferenceException, "targetObject"),
        (submission(entry(), association(UUID, UUID[:-1] + "c", AssociationType.RPLC)), META, "no DocumentEntry"),
        (submission(entry(), entry("D2"), association("D2", "Document01", AssociationType.RPLC)), META, "itself"),
        (submission(entry(), association("Document01", UUID)), META, "HasMember has a DocumentEntry"),
        (submission(folder(), folder("F2"), association("F2", "Folder01")), META, "no DocumentEntry"),
        (submission(entry(), member("SubmissionSet01", UUID, "Original")), META, "SubmissionSetStatus"),
        (Submission(submission(entry()).submission_sets, (entry(),), (),
                    (association("SubmissionSet01", "Document01"),)), META, "SubmissionSetStatus"),
    ]  # fmt: skip
    for made, code, said in cases:
        found = judge(made)
        assert any(found_code == code and said in context for found_code, _, context in found), (said, found)


def test_a_patient_number_is_never_repeated():
    for _, _, context in judge(submission(entry(patient_id=PATIENT[:-1], source_patient_id="999911120"))):
        assert "999911120" not in context
