"""Selections of submission sets, folders and associations; ids taken; holdings."""

from __future__ import annotations

import asyncio

import pytest
from index_objects import (
    MARIA,
    SOFIE,
    a_folder,
    a_holding,
    a_set,
    an_association,
    an_entry,
    authors,
    coded,
    fragment,
    register,
)

from xds.db import Database
from xds.model.hl7 import dtm_moment
from xds.model.ids import new_uuid
from xds.model.objects import AssociationType, Status
from xds.model.selection import AssociationSelection, FolderSelection, SetSelection
from xds.model.stored import StoredAssociation, StoredFolder, StoredSet


def test_submission_sets(database: Database) -> None:
    first = a_set(unique_id="1", source_id="1.1", submission_time="2024", authors=authors("^Jansen", "^Smit"))
    second = a_set(
        unique_id="2", source_id="1.2", content_type_code=coded("other"), availability_status=Status.DEPRECATED
    )
    register(database, first, second)
    register(database, a_set(unique_id="3"), patient=SOFIE)

    def found(**selection: object) -> list[str]:
        asked = SetSelection(**{"patient": MARIA, **selection})
        return [stored.unique_id for stored in database.read_now(lambda reader: reader.submission_sets(asked))]

    assert found() == ["1", "2"]
    assert found(source_ids=("1.1", "1.3")) == ["1"]
    assert found(source_ids=("1.%",)) == []
    assert found(submission_time_from=dtm_moment("2024"), submission_time_to=dtm_moment("2025")) == ["1"]
    assert found(author_persons=("^Sm%",)) == ["1"]
    assert found(content_type_codes=(("other", "s"),)) == ["2"]
    assert found(statuses=(Status.APPROVED,)) == ["1"]
    assert found(patient=None, unique_ids=("2", "3")) == ["2", "3"]
    assert found(patient=None, uuids=(first.entry_uuid,)) == ["1"]
    (stored,) = database.read_now(lambda reader: reader.submission_sets(SetSelection(patient=MARIA), 1))
    patient = database.read_now(lambda reader: reader.patient(MARIA))
    assert stored == StoredSet(first.entry_uuid, patient or 0, "1", Status.APPROVED, fragment(first))


def test_folders(database: Database) -> None:
    first = a_folder(unique_id="1", code_list=(coded("a"), coded("b")), last_update_time="20250101120000")
    second = a_folder(unique_id="2", logical_id=first.entry_uuid, code_list=())
    register(database, first, second)

    def found(**selection: object) -> list[str]:
        asked = FolderSelection(**{"patient": MARIA, **selection})
        return [stored.unique_id for stored in database.read_now(lambda reader: reader.folders(asked))]

    assert found() == ["1", "2"]
    assert found(codes=((("b", "s"), ("c", "s")), (("a", "s"),))) == ["1"]
    noon = dtm_moment("2025010112")
    assert found(last_update_time_from=noon) == ["1"]
    assert found(last_update_time_to=noon) == ["2"]
    assert found(logical_ids=(first.entry_uuid,)) == ["1", "2"]
    assert found(uuids=(second.entry_uuid,), statuses=(Status.APPROVED,)) == ["2"]
    assert found(patient=None, unique_ids=("1",)) == ["1"]
    stored = database.read_now(lambda reader: reader.folders(FolderSelection(patient=MARIA)))[1]
    key = database.read_now(lambda reader: reader.patient(MARIA)) or 0
    assert stored == StoredFolder(second.entry_uuid, first.entry_uuid, key, "2", Status.APPROVED, fragment(second))


def test_associations(database: Database) -> None:
    one, two, three = new_uuid(), new_uuid(), new_uuid()
    member = an_association(one, two)
    replaces = an_association(two, three, AssociationType.RPLC)
    elsewhere = an_association(new_uuid(), new_uuid(), AssociationType.IS_SNAPSHOT_OF)
    register(database, member, replaces, elsewhere)

    def found(**selection: tuple[str, ...]) -> list[str]:
        asked = AssociationSelection(**selection)
        return [stored.entry_uuid for stored in database.read_now(lambda reader: reader.associations(asked))]

    both = [member.entry_uuid, replaces.entry_uuid]
    assert found(sources=(two, one)) == both
    assert found(targets=(three,)) == both[1:]
    assert found(sources=(one,), targets=(three,)) == []
    assert found(ends=(two,)) == both, "each once, oldest first"
    assert found(ends=(one, two, three, "symbolic")) == both
    assert found(ends=(*tuple(new_uuid() for _ in range(9999)), two)) == both
    assert found(ends=(two,), types=(AssociationType.RPLC,)) == both[1:]
    assert found(ends=(two,), types=("urn:made:up",)) == []
    assert found(uuids=(elsewhere.entry_uuid,)) == [elsewhere.entry_uuid]
    (stored,) = database.read_now(lambda reader: reader.associations(AssociationSelection(ends=(three,)), 7))
    assert stored == StoredAssociation(
        replaces.entry_uuid, AssociationType.RPLC.value, two, three, Status.APPROVED, fragment(replaces)
    )


@pytest.mark.parametrize("kind", AssociationType)
def test_every_type_of_association_can_be_kept(database: Database, kind: AssociationType) -> None:
    association = an_association(new_uuid(), new_uuid(), kind)
    register(database, association)
    asked = AssociationSelection(uuids=(association.entry_uuid,))
    (stored,) = database.read_now(lambda reader: reader.associations(asked))
    assert stored.association_type == kind.value


def test_taken(database: Database) -> None:
    objects = [an_entry(unique_id="e"), a_set(unique_id="s"), a_folder(unique_id="f")]
    association = an_association(objects[1].entry_uuid, objects[0].entry_uuid)
    register(database, *objects, association)
    uuids = [thing.entry_uuid for thing in (*objects, association)]

    def taken(uuids: list[str], unique_ids: list[str]) -> set[str]:
        return database.read_now(lambda reader: reader.taken(uuids, unique_ids))

    assert taken([*uuids, new_uuid(), "symbolic"], ["e", "s", "f", "x\0", "%"]) == {*uuids, "s", "f"}
    assert taken(uuids[:1], []) == set(uuids[:1])
    assert taken([], ["s"]) == {"s"}
    assert taken([], []) == set()
    assert taken(["symbolic"], []) == set()
    many = [new_uuid() for _ in range(10_000)]
    assert taken([*many, uuids[2]], [*many, "f"]) == {uuids[2], "f"}


def test_holdings(database: Database) -> None:
    held = [a_holding("1.1", b"one"), a_holding("1.2", b""), a_holding("1.10", b"ten")]
    database.write_now(lambda writer: writer.hold(held))
    database.write_now(lambda writer: writer.hold([]))
    assert database.read_now(lambda reader: reader.holdings(["1.2", "1.1", "1.3"])) == held[:2]
    assert database.read_now(lambda reader: reader.holdings([])) == []
    database.write_now(lambda writer: writer.hold([held[0], a_holding("1.3")]))
    with pytest.raises(ValueError, match="another address"):
        database.write_now(lambda writer: writer.hold([a_holding("1.4"), a_holding("1.1", b"changed")]))
    assert database.read_now(lambda reader: reader.holdings(["1.4", "1.1"])) == [held[0]]
    database.write_now(lambda writer: writer.release(["1.1", "9.9"]))
    assert database.read_now(lambda reader: reader.holdings(["1.1"])) == []


def test_holdings_can_be_walked_through(database: Database) -> None:
    ids = sorted(f"1.{n}" for n in range(25))
    database.write_now(lambda writer: writer.hold([a_holding(unique_id) for unique_id in reversed(ids)]))
    walked: list[str] = []
    while page := asyncio.run(database.holdings_after(walked[-1] if walked else "", 10)):
        walked += [held.unique_id for held in page]
    assert walked == ids


def test_known_patients_can_be_walked_through(database: Database) -> None:
    ids = sorted(f"{n}^^^&1.2.3&ISO" for n in range(25))
    for patient_id in reversed(ids):
        database.write_now(lambda writer, patient_id=patient_id: writer.add_patient(patient_id))
    database.write_now(lambda writer: writer.merge_patient(ids[3], ids[4]))
    walked = [""]
    while page := database.read_now(lambda reader, after=walked[-1]: reader.patients_after(after, 10)):
        walked += page
    assert sorted(walked) == ["", *ids[:3], *ids[4:]]
