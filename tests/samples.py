"""Synthetic submissions of birth care, complete and valid, to vary in tests."""

from __future__ import annotations

import itertools
from typing import Any

from msgspec.structs import replace

from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import Association, AssociationType, DocumentEntry, Folder, Submission, SubmissionSet

PATIENT = "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"
OTHER_PATIENT = "999900006^^^&2.16.840.1.113883.2.4.6.3&ISO"
_numbers = itertools.count(1)
LOINC = "2.16.840.1.113883.6.1"
MIDWIFE = Author(
    person=("00123^Jansen^Anna^^^^^^&2.16.528.1.1007.3.1&ISO",),
    institution=("Verloskundigenpraktijk De Ooievaar^^^^^&2.16.528.1.1007.3.3&ISO^^^^01234567",),
    role=("03.000",),
    telecommunication=("^^Internet^anna@example.nl",),
)


def entry(entry_uuid: str = "Document01", **changes: Any) -> DocumentEntry:
    """A stable document entry that satisfies every rule."""
    return replace(
        DocumentEntry(
            entry_uuid=entry_uuid,
            mime_type="application/pdf",
            authors=(MIDWIFE,),
            names=(LocalizedString("Zwangerschapskaart", "nl-NL"),),
            class_code=Coded("11503-0", LOINC, "Medisch dossier"),
            confidentiality_code=(Coded("N", "2.16.840.1.113883.5.25", "normaal"),),
            creation_time="20260401",
            event_code_list=(Coded("US", "1.2.840.10008.2.16.4", "Echografie"),),
            format_code=Coded("urn:ihe:pcc:aps:2007", "1.3.6.1.4.1.19376.1.2.3", "Zwangerschapskaart"),
            hash="da39a3ee5e6b4b0d3255bfef95601890afd80709",
            healthcare_facility_type_code=Coded("G3", "2.16.840.1.113883.2.4.15.1060", "Verloskundigenpraktijk"),
            language_code="nl-NL",
            patient_id=PATIENT,
            practice_setting_code=Coded("408470005", "2.16.840.1.113883.6.96", "Verloskunde"),
            repository_unique_id="2.999.1",
            service_start_time="202603",
            service_stop_time="20260401",
            size="0",
            source_patient_id=PATIENT,
            source_patient_info=("PID-5|de Vries^Eva", "PID-7|19950102"),
            type_code=Coded("57055-6", LOINC, "Zwangerschapskaart"),
            unique_id=f"2.999.100.{next(_numbers)}",
        ),
        **changes,
    )


def submission_set(entry_uuid: str = "SubmissionSet01", **changes: Any) -> SubmissionSet:
    """A submission set that satisfies every rule."""
    return replace(
        SubmissionSet(
            entry_uuid=entry_uuid,
            authors=(MIDWIFE,),
            content_type_code=Coded("57055-6", LOINC, "Zwangerschapskaart"),
            patient_id=PATIENT,
            source_id="2.999.7",
            submission_time="20260402093000",
            unique_id=f"2.999.100.{next(_numbers)}",
        ),
        **changes,
    )


def folder(entry_uuid: str = "Folder01", **changes: Any) -> Folder:
    """A folder that satisfies every rule."""
    return replace(
        Folder(
            entry_uuid=entry_uuid,
            names=(LocalizedString("Zwangerschap 2026"),),
            code_list=(Coded("zwangerschap", "2.999.8", "Zwangerschap"),),
            patient_id=PATIENT,
            unique_id=f"2.999.100.{next(_numbers)}",
        ),
        **changes,
    )


def association(
    source: str, target: str, kind: AssociationType = AssociationType.HAS_MEMBER, **changes: Any
) -> Association:
    """An association without SubmissionSetStatus."""
    made = Association(
        entry_uuid=f"Association{next(_numbers)}", association_type=kind, source_object=source, target_object=target
    )
    return replace(made, **changes)


def member(source: str, target: str, status: str = "Original") -> Association:
    """The membership of a submission set."""
    return association(source, target, submission_set_status=status)


def submission(*objects: Any, name: str = "SubmissionSet01", **changes: Any) -> Submission:
    """A submission of these entries, folders and associations, in a set of their patient that has them as members."""
    entries = tuple(item for item in objects if isinstance(item, DocumentEntry))
    folders = tuple(item for item in objects if isinstance(item, Folder))
    associations = tuple(item for item in objects if isinstance(item, Association))
    members = tuple(member(name, item.entry_uuid) for item in (*entries, *folders))
    return Submission((submission_set(name, **changes),), entries, folders, (*members, *associations))
