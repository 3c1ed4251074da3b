"""DocumentEntry, SubmissionSet, Folder, Association and the Submission that carries them.

Source: ITI TF-3: 4.1 and 4.2.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from xds.model.coded import Author, Coded, ExtraClassification, ExtraIdentifier, LocalizedString


class Status(StrEnum):
    """availabilityStatus, by its local name. Source: ITI TF-3: 4.2.3.2.2."""

    APPROVED = "Approved"
    DEPRECATED = "Deprecated"

    @property
    def urn(self) -> str:
        return f"urn:oasis:names:tc:ebxml-regrep:StatusType:{self.value}"


class EntryType(StrEnum):
    """The objectType of a DocumentEntry. Source: ITI TF-3: 4.2.5.2."""

    STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
    ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"


class AssociationType(StrEnum):
    """What an association says of its two ends. Source: ITI TF-3: 4.2.2."""

    HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
    RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
    APND = "urn:ihe:iti:2007:AssociationType:APND"
    XFRM = "urn:ihe:iti:2007:AssociationType:XFRM"
    XFRM_RPLC = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
    SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
    IS_SNAPSHOT_OF = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"


RELATIONSHIPS = frozenset(AssociationType) - {AssociationType.HAS_MEMBER}
"""The associations between two documents."""


class RegistryObject(msgspec.Struct, frozen=True, kw_only=True):
    """What every object of the registry has.

    `entry_uuid` is a symbolic id until the registry assigns a lower-case "urn:uuid:…". `logical_id` and
    `version` are None until then. `home_community_id` is "urn:oid:…" or None. `extra_slots` are the slots
    that the standard gives no meaning, in order.
    """

    entry_uuid: str
    logical_id: str | None = None
    version: str | None = None
    availability_status: Status | None = None
    home_community_id: str | None = None
    names: tuple[LocalizedString, ...] = ()
    descriptions: tuple[LocalizedString, ...] = ()
    extra_slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    extra_classifications: tuple[ExtraClassification, ...] = ()
    extra_identifiers: tuple[ExtraIdentifier, ...] = ()
    limited_metadata: bool = False

    @property
    def title(self) -> str | None:
        return self.names[0].value if self.names else None

    @property
    def comments(self) -> str | None:
        return self.descriptions[0].value if self.descriptions else None


class DocumentEntry(RegistryObject, frozen=True, kw_only=True):
    """Source: ITI TF-3: Table 4.2.3.2-1. Times are HL7 DTM; `hash` is hex; `size` is decimal text, in bytes."""

    object_type: str = EntryType.STABLE
    mime_type: str | None = None
    authors: tuple[Author, ...] = ()
    class_code: Coded | None = None
    confidentiality_code: tuple[Coded, ...] = ()
    creation_time: str | None = None
    document_availability: str | None = None
    event_code_list: tuple[Coded, ...] = ()
    format_code: Coded | None = None
    hash: str | None = None
    healthcare_facility_type_code: Coded | None = None
    language_code: str | None = None
    legal_authenticator: str | None = None
    patient_id: str | None = None
    practice_setting_code: Coded | None = None
    reference_id_list: tuple[str, ...] = ()
    repository_unique_id: str | None = None
    service_start_time: str | None = None
    service_stop_time: str | None = None
    size: str | None = None
    source_patient_id: str | None = None
    source_patient_info: tuple[str, ...] = ()
    type_code: Coded | None = None
    unique_id: str | None = None
    uri: tuple[str, ...] = ()


class SubmissionSet(RegistryObject, frozen=True, kw_only=True):
    """Source: ITI TF-3: Table 4.2.3.3-1. `intended_recipient` values are "XON|XCN|XTN"."""

    authors: tuple[Author, ...] = ()
    content_type_code: Coded | None = None
    intended_recipient: tuple[str, ...] = ()
    patient_id: str | None = None
    source_id: str | None = None
    submission_time: str | None = None
    unique_id: str | None = None


class Folder(RegistryObject, frozen=True, kw_only=True):
    """Source: ITI TF-3: Table 4.2.3.4-1. The registry sets `last_update_time` (HL7 DTM)."""

    code_list: tuple[Coded, ...] = ()
    last_update_time: str | None = None
    patient_id: str | None = None
    unique_id: str | None = None


class Association(RegistryObject, frozen=True, kw_only=True):
    """Source: ITI TF-3: 4.2.2. `submission_set_status` is Original, Reference or None."""

    association_type: str
    source_object: str
    target_object: str
    submission_set_status: str | None = None
    previous_version: str | None = None
    association_propagation: str | None = None
    documentation: tuple[Coded, ...] = ()


AnyObject = DocumentEntry | SubmissionSet | Folder | Association


class Submission(msgspec.Struct, frozen=True):
    """The objects of one SubmitObjectsRequest, in order. Source: ITI TF-3: 4.2.1.

    A valid one has exactly one submission set; one with mistakes may have none or several.
    """

    submission_sets: tuple[SubmissionSet, ...] = ()
    entries: tuple[DocumentEntry, ...] = ()
    folders: tuple[Folder, ...] = ()
    associations: tuple[Association, ...] = ()
    object_refs: tuple[str, ...] = ()
