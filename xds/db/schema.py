"""The tables, and the numbers that stand for the standard's terms in them.

The migrations make these tables; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from xds.model.objects import AssociationType, EntryType, Status

REVISION = "0015"
"""The revision of the migrations that this code works with."""

# The place in these is what the tables hold: only ever append.
STATUSES = (Status.APPROVED, Status.DEPRECATED)
ENTRY_TYPES = (EntryType.STABLE, EntryType.ON_DEMAND)
ASSOCIATION_TYPES = (
    AssociationType.HAS_MEMBER,
    AssociationType.RPLC,
    AssociationType.APND,
    AssociationType.XFRM,
    AssociationType.XFRM_RPLC,
    AssociationType.SIGNS,
    AssociationType.IS_SNAPSHOT_OF,
)

metadata = MetaData()

Key = BigInteger().with_variant(Integer, "sqlite")


def _object_columns() -> list[Column]:
    return [
        Column("id", Key, primary_key=True),
        Column("uuid", LargeBinary, nullable=False, unique=True),
    ]


def _patient() -> Column:
    return Column("patient", Integer, ForeignKey("patient.id"), nullable=False)


patient = Table(
    "patient",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cx", Text, nullable=False, unique=True),
    Column("merged_into", Integer, ForeignKey("patient.id")),
    Column("birth_date", BigInteger),
    Column("consent_facts", LargeBinary),  # what the consent register says of the client now; null: ask its tables
)

code = Table(
    "code",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    UniqueConstraint("code", "scheme"),
)

document_entry = Table(
    "document_entry",
    metadata,
    *_object_columns(),
    Column("logical_id", LargeBinary),  # null: the same as uuid, which it is for every first version
    _patient(),
    Column("unique_id", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("object_type", SmallInteger, nullable=False),
    Column("class_code", Integer),
    Column("type_code", Integer),
    Column("practice_setting_code", Integer),
    Column("healthcare_facility_type_code", Integer),
    Column("format_code", Integer),
    Column("creation_time", BigInteger),
    Column("service_start_time", BigInteger),
    Column("service_stop_time", BigInteger),
    Column("event_codes", Text),
    Column("confidentiality_codes", Text),
    Column("reference_ids", Text),
    Column("author_persons", Text),
    Column("holders", Text),  # the URAs of the authors' institutions
    Column("hash", LargeBinary),
    Column("size", BigInteger),
    Column("fragment", LargeBinary, nullable=False),
)
# The codes that most queries ask for are in the index too, so that what they exclude need not be looked up.
Index(
    "document_entry_patient",
    *(document_entry.c[name] for name in ("patient", "status", "creation_time", "type_code", "class_code")),
)
Index("document_entry_unique_id", document_entry.c.unique_id)
Index(
    "document_entry_logical_id",
    document_entry.c.logical_id,
    sqlite_where=document_entry.c.logical_id.is_not(None),
    postgresql_where=document_entry.c.logical_id.is_not(None),
)

submission_set = Table(
    "submission_set",
    metadata,
    *_object_columns(),
    _patient(),
    Column("unique_id", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("source_id", Text),
    Column("submission_time", BigInteger),
    Column("content_type_code", Integer),
    Column("author_persons", Text),
    Column("fragment", LargeBinary, nullable=False),
)
Index("submission_set_patient", *(submission_set.c[name] for name in ("patient", "status", "submission_time")))
Index("submission_set_unique_id", submission_set.c.unique_id)

folder = Table(
    "folder",
    metadata,
    *_object_columns(),
    Column("logical_id", LargeBinary),
    _patient(),
    Column("unique_id", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("last_update_time", BigInteger),
    Column("codes", Text),
    Column("fragment", LargeBinary, nullable=False),
)
Index("folder_patient", *(folder.c[name] for name in ("patient", "status", "last_update_time")))
Index("folder_unique_id", folder.c.unique_id)
Index(
    "folder_logical_id",
    folder.c.logical_id,
    sqlite_where=folder.c.logical_id.is_not(None),
    postgresql_where=folder.c.logical_id.is_not(None),
)

association = Table(
    "association",
    metadata,
    *_object_columns(),
    Column("association_type", SmallInteger, nullable=False),
    Column("source_object", LargeBinary, nullable=False),
    Column("target_object", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("fragment", LargeBinary, nullable=False),
)
Index("association_source_object", association.c.source_object)
Index("association_target_object", association.c.target_object)

document = Table(
    "document",
    metadata,
    Column("unique_id", Text, primary_key=True),
    Column("address", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mime_type", Text, nullable=False),
    sqlite_with_rowid=False,
)
