"""Objects to register, with what a test does not care about filled in."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from xds.db import Database
from xds.model.coded import Author, Coded
from xds.model.ids import new_uuid
from xds.model.objects import AnyObject, Association, AssociationType, DocumentEntry, Folder, Status, SubmissionSet
from xds.model.stored import Holding

MARIA = "111^^^&1.2.3.4&ISO"
SOFIE = "222^^^&1.2.3.4&ISO"

_numbers = itertools.count(1)


def coded(code: str, scheme: str = "s") -> Coded:
    return Coded(code, scheme)


def authors(*persons: str) -> tuple[Author, ...]:
    return tuple(Author(person=(person,)) for person in persons)


def an_entry(**attributes: Any) -> DocumentEntry:
    given = {
        "entry_uuid": new_uuid(),
        "unique_id": f"1.2.9.{next(_numbers)}",
        "availability_status": Status.APPROVED,
        "class_code": coded("class"),
        "type_code": coded("type"),
        "creation_time": "20250101",
        "hash": "0a" * 20,
        "size": "10",
    }
    return DocumentEntry(**{**given, **attributes})


def a_set(**attributes: Any) -> SubmissionSet:
    given = {
        "entry_uuid": new_uuid(),
        "unique_id": f"1.2.8.{next(_numbers)}",
        "availability_status": Status.APPROVED,
        "source_id": "1.2.7",
        "submission_time": "20250101",
        "content_type_code": coded("content"),
    }
    return SubmissionSet(**{**given, **attributes})


def a_folder(**attributes: Any) -> Folder:
    given = {
        "entry_uuid": new_uuid(),
        "unique_id": f"1.2.7.{next(_numbers)}",
        "availability_status": Status.APPROVED,
        "code_list": (coded("folder"),),
        "last_update_time": "20250101",
    }
    return Folder(**{**given, **attributes})


def an_association(source: str, target: str, kind: str = AssociationType.HAS_MEMBER) -> Association:
    return Association(
        entry_uuid=new_uuid(),
        availability_status=Status.APPROVED,
        association_type=kind,
        source_object=source,
        target_object=target,
    )


def a_holding(unique_id: str, content: bytes = b"content") -> Holding:
    address, sha1 = hashlib.sha256(content).hexdigest(), hashlib.sha1(content).hexdigest()
    return Holding(unique_id, address, sha1, len(content), "text/plain")


def fragment(thing: AnyObject) -> bytes:
    return b"\x00\xff" + thing.entry_uuid.encode()


def register(database: Database, *objects: AnyObject, patient: str = MARIA) -> None:
    """Register objects for a patient, who becomes known."""

    def change(writer: Any) -> None:
        writer.add_patient(patient)
        writer.insert([(thing, fragment(thing)) for thing in objects], writer.patient(patient))

    database.write_now(change)
