"""The names and UUIDs by which ebRIM spells the standard's attributes: the one table that both directions use.

Source: ITI TF-3: 4.2.5 and Tables 4.2.3.2-1, 4.2.3.3-1, 4.2.3.4-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xds.model.objects import Association, DocumentEntry, Folder, SubmissionSet

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
XDSB = "urn:ihe:iti:xds-b:2007"
XOP = "http://www.w3.org/2004/08/xop/include"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

SUBMISSION_SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
FOLDER_NODE = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
REFERENCE_ID_LIST = "urn:ihe:iti:xds:2013:referenceIdList"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How ebRIM spells one attribute: its name in the standard, our field, and whether it may have several values."""

    attribute: str
    field: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: slots by name, classifications and external identifiers by scheme."""

    name: str
    type: type
    slots: Mapping[str, Spelling]
    classifications: Mapping[str, Spelling] = field(default_factory=dict)
    identifiers: Mapping[str, Spelling] = field(default_factory=dict)
    author_scheme: str | None = None
    node: str | None = None
    limited_metadata_node: str | None = None


def _slots(*names: str, several: tuple[str, ...] = ()) -> dict[str, Spelling]:
    spelled = {name: Spelling(name, _snake(name)) for name in names}
    return spelled | {name: Spelling(name, _snake(name), several=True) for name in several}


def _snake(name: str) -> str:
    """creationTime → creation_time, URI → uri."""
    if name.isupper():
        return name.lower()
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


DOCUMENT_ENTRY = Kind(
    name="DocumentEntry",
    type=DocumentEntry,
    slots=_slots(
        "creationTime",
        "documentAvailability",
        "hash",
        "languageCode",
        "legalAuthenticator",
        "repositoryUniqueId",
        "serviceStartTime",
        "serviceStopTime",
        "size",
        "sourcePatientId",
        several=("sourcePatientInfo", "URI"),
    )
    | {REFERENCE_ID_LIST: Spelling("referenceIdList", "reference_id_list", several=True)},
    classifications={
        "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a": Spelling("classCode", "class_code"),
        "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f": Spelling(
            "confidentialityCode", "confidentiality_code", several=True
        ),
        "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4": Spelling("eventCodeList", "event_code_list", several=True),
        "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d": Spelling("formatCode", "format_code"),
        "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1": Spelling(
            "healthcareFacilityTypeCode", "healthcare_facility_type_code"
        ),
        "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead": Spelling("practiceSettingCode", "practice_setting_code"),
        "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983": Spelling("typeCode", "type_code"),
    },
    identifiers={
        "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427": Spelling("patientId", "patient_id"),
        "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab": Spelling("uniqueId", "unique_id"),
    },
    author_scheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d",
    limited_metadata_node="urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85",
)
SUBMISSION_SET = Kind(
    name="SubmissionSet",
    type=SubmissionSet,
    slots=_slots("submissionTime", several=("intendedRecipient",)),
    classifications={
        "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500": Spelling("contentTypeCode", "content_type_code"),
    },
    identifiers={
        "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446": Spelling("patientId", "patient_id"),
        "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832": Spelling("sourceId", "source_id"),
        "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8": Spelling("uniqueId", "unique_id"),
    },
    author_scheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d",
    node=SUBMISSION_SET_NODE,
    limited_metadata_node="urn:uuid:5003a9db-8d8d-49e6-bf0c-990e34ac7707",
)
FOLDER = Kind(
    name="Folder",
    type=Folder,
    slots=_slots("lastUpdateTime"),
    classifications={
        "urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5": Spelling("codeList", "code_list", several=True),
    },
    identifiers={
        "urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a": Spelling("patientId", "patient_id"),
        "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a": Spelling("uniqueId", "unique_id"),
    },
    node=FOLDER_NODE,
    limited_metadata_node="urn:uuid:2c144a76-29a9-4b7c-af54-b25409fe7d03",
)
ASSOCIATION = Kind(
    name="Association",
    type=Association,
    slots={
        "SubmissionSetStatus": Spelling("SubmissionSetStatus", "submission_set_status"),
        "PreviousVersion": Spelling("PreviousVersion", "previous_version"),
        "AssociationPropagation": Spelling("AssociationPropagation", "association_propagation"),
    },
    classifications={
        "urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3": Spelling("associationDocumentation", "documentation", True),
    },
)
KINDS = {kind.type: kind for kind in (DOCUMENT_ENTRY, SUBMISSION_SET, FOLDER, ASSOCIATION)}

AUTHOR_SLOTS = {
    "authorPerson": "person",
    "authorInstitution": "institution",
    "authorRole": "role",
    "authorSpecialty": "specialty",
    "authorTelecommunication": "telecommunication",
}
