"""What a registration changes, and what it refuses beside what the registry holds: the index before and after."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
from samples import OTHER_PATIENT, PATIENT, association, entry, folder, member, submission

from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.errors import Code
from xds.model.ids import is_uuid_urn
from xds.model.objects import AssociationType, DocumentEntry, Folder, Status
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection
from xds.registry import iti8_patient_identity_feed as iti8

A, B, C, D, F = (f"urn:uuid:0d1f4c0c-6a54-4b6b-9a3c-00000000000{n}" for n in "abcdf")


def entries(tried, patient=PATIENT) -> dict[str, DocumentEntry]:
    stored = tried.index.read_now(lambda reader: reader.entries(EntrySelection(patient=patient)))
    read = {row.entry_uuid: decode_fragment(unpack(row.fragment)) for row in stored}
    assert all(read[row.entry_uuid].availability_status is row.status for row in stored)
    return read


def folder_of(tried, entry_uuid=F) -> Folder:
    row = tried.index.read_now(lambda reader: reader.folders(FolderSelection(uuids=(entry_uuid,))))[0]
    return decode_fragment(unpack(row.fragment))


def counts(tried) -> list[int]:
    return tried.index.read_now(
        lambda reader: [
            len(reader.entries(EntrySelection(patient=PATIENT))),
            len(reader.submission_sets(SetSelection(patient=PATIENT))),
            len(reader.folders(FolderSelection(patient=PATIENT))),
        ]
    )


def test_ids_versions_and_status_are_assigned(tried):
    assert tried.codes(submission(entry(), extra_slots=(("urn:x", ("y",)),))) == []
    ((entry_uuid, made),) = entries(tried).items()
    assert is_uuid_urn(entry_uuid)
    assert (made.logical_id, made.version, made.availability_status) == (entry_uuid, "1", Status.APPROVED)


def test_a_refused_submission_changes_nothing(tried):
    before = counts(tried)
    bad = submission(entry(patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT)
    assert tried.codes(bad) == [Code.XDSUnknownPatientId]
    wrong = submission(entry(size="x"), member("SubmissionSet01", A, "Reference"))
    assert set(tried.codes(wrong)) == {Code.XDSRegistryMetadataError, Code.UnresolvedReferenceException}
    assert counts(tried) == before


def test_used_ids_are_refused(tried):
    first = submission(entry(A), folder(F))
    assert tried.codes(first) == []
    again = submission(entry(A))
    assert tried.codes(again) == [Code.XDSRegistryMetadataError]
    same_set = submission(entry(), unique_id=first.submission_sets[0].unique_id)
    same_folder = submission(folder(unique_id=first.folders[0].unique_id))
    a_document = submission(folder(unique_id=first.entries[0].unique_id))
    for taken in (same_set, same_folder, a_document):
        assert tried.codes(taken) == [Code.XDSDuplicateUniqueIdInRegistry]


def test_a_refusal_names_objects_by_the_ids_that_were_sent(tried):
    assert tried.codes(submission(entry(A, unique_id="2.999.55"), folder(F, unique_id="2.999.56"))) == []
    taken = (entry(unique_id="2.999.55", size="7"), folder(unique_id="2.999.56"))
    assert {(issue.code, issue.location) for issue in tried.register(submission(*taken))} == {
        (Code.XDSDuplicateUniqueIdInRegistry, "Folder01"),
        (Code.XDSNonIdenticalSize, "Document01"),
    }


def test_which_ids_are_taken_is_told_only_of_what_is_right_otherwise(tried):
    assert tried.codes(submission(entry(A, unique_id="2.999.55"), folder(F, unique_id="2.999.56"))) == []
    taken = (entry(A, unique_id="2.999.55", size="7"), folder(unique_id="2.999.56"))
    replacing = association(A, B, AssociationType.RPLC)
    assert tried.codes(submission(*taken, replacing)) == [Code.UnresolvedReferenceException]
    assert tried.codes(submission(*taken, unique_id=None)) == [Code.XDSRegistryMetadataError]


def test_a_resubmitted_document_must_be_identical(tried):
    unique_id = "2.999.55"
    assert tried.codes(submission(entry(unique_id=unique_id))) == []
    assert tried.codes(submission(entry(unique_id=unique_id))) == []
    other = submission(entry(unique_id=unique_id, hash="b" * 40, size="7"))
    assert tried.codes(other) == [Code.XDSNonIdenticalHash, Code.XDSNonIdenticalSize]
    upper = submission(entry(unique_id=unique_id, hash=entry().hash.upper()))
    assert tried.codes(upper) == []


def test_a_replacement_deprecates_and_takes_the_place_in_the_folders(tried):
    start = submission(entry(A), folder(F), association(F, A))
    assert tried.codes(start) == []
    added = submission(entry(B), association(B, A, AssociationType.APND))
    transformed = submission(entry(C), association(C, B, AssociationType.XFRM))
    assert tried.codes(added) == tried.codes(transformed) == []
    tried.now = datetime(2026, 7, 1, tzinfo=UTC)
    assert tried.codes(submission(entry(D), association(D, A, AssociationType.RPLC))) == []
    status = {uuid: made.availability_status for uuid, made in entries(tried).items()}
    assert status == {A: Status.DEPRECATED, B: Status.DEPRECATED, C: Status.DEPRECATED, D: Status.APPROVED}
    assert folder_of(tried).last_update_time == "20260701000000"
    select = AssociationSelection(sources=(F,))
    members = tried.index.read_now(lambda reader: reader.associations(select))
    assert [each.target_object for each in members] == [A, D]
    linked = AssociationSelection(targets=(members[1].entry_uuid,))
    assert len(tried.index.read_now(lambda reader: reader.associations(linked))) == 1
    late = submission(entry(), association("Document01", A, AssociationType.APND))
    assert tried.codes(late) == [Code.XDSRegistryDeprecatedDocumentError]


def test_a_folder_that_gets_a_member_is_newer(tried):
    assert tried.codes(submission(folder(F))) == []
    assert folder_of(tried).last_update_time == "20260601120000"
    tried.now = datetime(2026, 8, 1, tzinfo=UTC)
    assert tried.codes(submission(entry(A), association(F, A))) == []
    assert folder_of(tried).last_update_time == "20260801000000"


def test_relations_between_patients_are_refused(tried):
    tried.index.write_now(lambda writer: writer.add_patient(OTHER_PATIENT))
    other = submission(
        entry(A, patient_id=OTHER_PATIENT), folder(F, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT
    )
    assert tried.codes(other) == []
    for relation in (association("Document01", A, AssociationType.RPLC), association(F, "Document01")):
        assert tried.codes(submission(entry(), relation)) == [Code.XDSPatientIdDoesNotMatch]
    by_reference = submission(entry(), member("SubmissionSet01", A, "Reference"))
    assert tried.codes(by_reference) == []


def test_a_new_folder_does_not_take_in_a_document_of_another_patient(tried):
    tried.index.write_now(lambda writer: writer.add_patient(OTHER_PATIENT))
    assert tried.codes(submission(entry(A, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT)) == []
    assert tried.codes(submission(folder(), association("Folder01", A))) == [Code.XDSPatientIdDoesNotMatch]
    assert tried.codes(submission(entry(B))) == []
    assert tried.codes(submission(folder(), association("Folder01", B))) == []


def test_what_is_no_document_is_no_target(tried):
    in_folder = association(F, A, entry_uuid=B)
    assert tried.codes(submission(entry(A), folder(F), in_folder, name=C)) == []
    wrong = [
        *(association("Document01", target, AssociationType.RPLC) for target in (F, C, B)),
        *(association(F, target) for target in (F, C, B)),
        *(association("Folder01", target) for target in (F, C, B)),
        member("SubmissionSet01", C, "Reference"),
    ]
    for each in wrong:
        assert set(tried.codes(submission(entry(), folder(), each))) == {Code.XDSRegistryMetadataError}, each
    assert tried.codes(submission(entry(), member("SubmissionSet01", B, "Reference"))) == []


def test_the_feed_brings_the_birth_date_which_says_who_may_speak_for_the_patient(tried):
    def known() -> date | None:
        (facts,) = tried.index.read_now(lambda reader: reader.consents.facts([reader.patient(PATIENT)])).values()
        return facts.birth_date

    asyncio.run(iti8.feed(tried.registry, {PATIENT: date(2020, 2, 29)}))
    asyncio.run(iti8.feed(tried.registry, {PATIENT: None}))
    assert known() == date(2020, 2, 29)
    asyncio.run(iti8.feed(tried.registry, {PATIENT: date(2020, 3, 1)}))
    assert known() == date(2020, 3, 1)


def test_a_merged_patient_is_unknown_and_the_survivor_has_all(tried):
    assert tried.codes(submission(entry(A), folder(F))) == []
    asyncio.run(iti8.feed(tried.registry, {OTHER_PATIENT: None}))
    for _ in range(2):
        asyncio.run(iti8.merge(tried.registry, [(PATIENT, OTHER_PATIENT)]))
    assert entries(tried) == {}
    assert entries(tried, OTHER_PATIENT)[A].patient_id == OTHER_PATIENT
    assert folder_of(tried).patient_id == OTHER_PATIENT
    assert tried.codes(submission(entry())) == [Code.XDSUnknownPatientId]
    asyncio.run(iti8.feed(tried.registry, {PATIENT: None}))
    assert tried.codes(submission(entry())) == [Code.XDSUnknownPatientId]


def test_merges_of_one_message_happen_together_or_not_at_all(tried):
    third = "999900018^^^&2.16.840.1.113883.2.4.6.3&ISO"
    assert tried.codes(submission(entry(A))) == []
    asyncio.run(iti8.merge(tried.registry, [(third, OTHER_PATIENT)]))
    with pytest.raises(ValueError, match="merged away"):
        asyncio.run(iti8.merge(tried.registry, [(PATIENT, OTHER_PATIENT), (OTHER_PATIENT, third)]))
    assert set(entries(tried)) == {A}
    fourth = "999900020^^^&2.16.840.1.113883.2.4.6.3&ISO"
    asyncio.run(iti8.merge(tried.registry, [(PATIENT, OTHER_PATIENT), (OTHER_PATIENT, fourth)]))
    assert entries(tried, fourth)[A].patient_id == fourth
