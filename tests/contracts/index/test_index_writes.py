"""Changes: alone, all or nothing, durable; patients and their merging."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from index_objects import MARIA, SOFIE, a_folder, a_set, an_association, an_entry, authors, coded, fragment, register
from msgspec.structs import replace

from xds.db import Database, open_database
from xds.errors import Unavailable
from xds.model.ids import new_uuid
from xds.model.objects import Status
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection


def entries(database: Database, **selection: Any) -> list[Any]:
    return database.read_now(lambda reader: reader.entries(EntrySelection(**selection)))


def patient(database: Database, patient_id: str) -> int | None:
    return database.read_now(lambda reader: reader.patient(patient_id))


def test_patients(database: Database) -> None:
    assert patient(database, MARIA) is None
    assert database.write_now(lambda writer: writer.add_patient(MARIA)) is True
    assert database.write_now(lambda writer: writer.add_patient(MARIA)) is False
    assert database.write_now(lambda writer: writer.add_patient(SOFIE)) is True
    assert None not in (patient(database, MARIA), patient(database, SOFIE))
    assert patient(database, MARIA) != patient(database, SOFIE)
    assert patient(database, "' OR 1=1 --") is None and patient(database, "\0") is None


def test_a_merge_moves_everything_and_the_subsumed_patient_is_unknown_for_good(database: Database) -> None:
    moved = [an_entry(), a_set(), a_folder()]
    register(database, *moved)
    register(database, an_entry(unique_id="sofie's"), patient=SOFIE)
    answer = database.write_now(lambda writer: writer.merge_patient(MARIA, SOFIE))
    key = patient(database, SOFIE)
    assert {(stored.entry_uuid, stored.fragment) for stored in answer} == {
        (thing.entry_uuid, fragment(thing)) for thing in moved
    }
    assert {stored.patient for stored in answer} == {key}
    assert entries(database, patient=MARIA) == []
    assert [entry.unique_id for entry in entries(database, patient=SOFIE)] == [moved[0].unique_id, "sofie's"]
    assert len(database.read_now(lambda reader: reader.submission_sets(SetSelection(patient=SOFIE)))) == 1
    assert len(database.read_now(lambda reader: reader.folders(FolderSelection(patient=SOFIE)))) == 1
    assert patient(database, MARIA) is None
    assert database.write_now(lambda writer: writer.add_patient(MARIA)) is False
    assert patient(database, MARIA) is None
    assert database.write_now(lambda writer: writer.merge_patient(MARIA, SOFIE)) == [], "a repeated merge"


def test_a_merge_of_patients_that_were_never_seen(database: Database) -> None:
    assert database.write_now(lambda writer: writer.merge_patient(MARIA, SOFIE)) == []
    assert patient(database, MARIA) is None
    assert patient(database, SOFIE) is not None


@pytest.mark.parametrize(("subsumed", "surviving"), [(SOFIE, MARIA), (SOFIE, SOFIE), ("3^^^&1.2&ISO", MARIA)])
def test_a_merge_into_a_patient_that_is_gone_is_an_error(database: Database, subsumed: str, surviving: str) -> None:
    database.write_now(lambda writer: writer.merge_patient(MARIA, SOFIE))
    with pytest.raises(ValueError, match="merge"):
        database.write_now(lambda writer: writer.merge_patient(subsumed, surviving))
    assert patient(database, SOFIE) is not None


def test_replace_rewrites_what_is_searched_and_the_fragment(database: Database) -> None:
    entry, folder, submission_set = an_entry(unique_id="e"), a_folder(), a_set()
    association = an_association(submission_set.entry_uuid, entry.entry_uuid)
    register(database, entry, folder, submission_set, association)
    new_entry = replace(
        entry,
        availability_status=Status.DEPRECATED,
        class_code=coded("new"),
        event_code_list=(coded("ev"),),
        authors=authors("^New"),
        reference_id_list=("ref",),
    )
    new_folder = replace(folder, last_update_time="2030", code_list=())
    new_association = replace(association, availability_status=Status.DEPRECATED)
    new_objects = [(new_entry, b"1"), (new_folder, b"2"), (replace(submission_set, source_id="9"), b"3")]
    database.write_now(lambda writer: writer.replace([*new_objects, (new_association, b"4")]))
    (stored,) = entries(
        database,
        patient=MARIA,
        statuses=(Status.DEPRECATED,),
        class_codes=(("new", "s"),),
        event_codes=((("ev", "s"),),),
        author_persons=("^New",),
        reference_ids=(("ref",),),
    )
    assert (stored.entry_uuid, stored.fragment, stored.status) == (entry.entry_uuid, b"1", Status.DEPRECATED)
    assert entries(database, patient=MARIA, statuses=(Status.APPROVED,)) == []
    read = database.read_now
    later = FolderSelection(patient=MARIA, last_update_time_from=1_800_000_000)
    assert [found.fragment for found in read(lambda reader: reader.folders(later))] == [b"2"]
    sets = SetSelection(patient=MARIA, source_ids=("9",))
    assert [found.fragment for found in read(lambda reader: reader.submission_sets(sets))] == [b"3"]
    (found,) = read(lambda reader: reader.associations(AssociationSelection(uuids=(association.entry_uuid,))))
    assert (found.fragment, found.status, found.source_object) == (
        b"4",
        Status.DEPRECATED,
        submission_set.entry_uuid,
    )


def test_replacing_what_does_not_exist_is_an_error(database: Database) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        database.write_now(lambda writer: writer.replace([(an_entry(), b"")]))


def test_an_entry_uuid_can_be_used_once(database: Database) -> None:
    entry = an_entry()
    register(database, entry)
    with pytest.raises(ValueError, match="refuses a row") as caught:
        register(database, an_entry(unique_id="first"), an_entry(entry_uuid=entry.entry_uuid, unique_id="again"))
    assert entry.entry_uuid not in str(caught.value) and caught.value.__cause__ is None
    assert [stored.unique_id for stored in entries(database, patient=MARIA)] == [entry.unique_id]


def test_a_change_that_raises_undoes_itself_and_nothing_else(database: Database) -> None:
    database.write_now(lambda writer: writer.add_patient(MARIA))

    def change(number: int) -> Callable[[Any], int]:
        def run(writer: Any) -> int:
            entry = an_entry(unique_id=str(number), class_code=coded(f"class{number // 2}"))
            writer.insert([(entry, b"")], writer.patient(MARIA))
            if number % 2 == 0:
                raise LookupError(str(number))
            return number

        return run

    async def write_all() -> list[Any]:
        return await asyncio.gather(*(database.write(change(n)) for n in range(100)), return_exceptions=True)

    answers = asyncio.run(write_all())
    for number, answer in enumerate(answers):
        assert answer == number if number % 2 else isinstance(answer, LookupError) and answer.args == (str(number),)
    assert [entry.unique_id for entry in entries(database, patient=MARIA)] == [str(n) for n in range(1, 100, 2)]
    for number in range(1, 100, 2):
        found = entries(database, patient=MARIA, class_codes=((f"class{number // 2}", "s"),))
        assert [entry.unique_id for entry in found] == [str(number)], "a code whose first use was undone"


def test_a_change_sees_what_it_did_and_nobody_else_does(database: Database) -> None:
    register(database, an_entry(unique_id="1"))

    def change(writer: Any) -> None:
        inside = an_entry(unique_id="2", class_code=coded("brand new"))
        writer.insert([(inside, b"")], writer.patient(MARIA))
        selection = EntrySelection(patient=MARIA, class_codes=(("brand new", "s"),))
        assert [entry.unique_id for entry in writer.entries(selection)] == ["2"]
        assert [entry.unique_id for entry in entries(database, patient=MARIA)] == ["1"]

    database.write_now(change)
    assert [entry.unique_id for entry in entries(database, patient=MARIA)] == ["1", "2"]


def test_a_question_sees_one_snapshot(database: Database) -> None:
    register(database, an_entry(unique_id="1"))

    def question(reader: Any) -> list[int]:
        before = len(reader.entries(EntrySelection(patient=MARIA)))
        register(database, an_entry(unique_id="2", class_code=coded("after")))
        after = len(reader.entries(EntrySelection(patient=MARIA)))
        return [before, after, len(reader.entries(EntrySelection(patient=MARIA, class_codes=(("after", "s"),))))]

    assert database.read_now(question) == [1, 1, 0]
    assert len(entries(database, patient=MARIA)) == 2


def test_what_a_question_raises_is_raised_and_does_no_harm(database: Database) -> None:
    with pytest.raises(LookupError):
        database.read_now(lambda reader: {}["nothing"])
    assert patient(database, MARIA) is None


def test_reads_and_writes_from_an_event_loop(database: Database) -> None:
    async def use() -> list[bool | int | None]:
        added = await asyncio.gather(*(database.write(lambda writer: writer.add_patient(MARIA)) for _ in range(3)))
        await database.check()
        return [*added, await database.read(lambda reader: reader.patient(MARIA)) is not None]

    assert asyncio.run(use()) == [True, False, False, True]


def test_a_change_whose_caller_went_away_harms_nobody(database: Database) -> None:
    async def use() -> bool:
        abandoned = asyncio.ensure_future(database.write(lambda writer: writer.add_patient(SOFIE)))
        await asyncio.sleep(0)
        abandoned.cancel()
        return await database.write(lambda writer: writer.add_patient(MARIA))

    assert asyncio.run(use()) is True


def test_what_was_written_is_there_after_reopening(url: str) -> None:
    entry = an_entry(unique_id="kept", class_code=coded("k"))
    first = open_database(url)
    register(first, entry)
    first.close()
    with pytest.raises(Unavailable, match="closed"):
        register(first, an_entry())
    second = open_database(url)
    try:
        assert [found.unique_id for found in entries(second, patient=MARIA, class_codes=(("k", "s"),))] == ["kept"]
        assert second.size() > 10_000
        second.check_now()
    finally:
        second.close()


def test_two_openings_give_out_the_same_codes(url: str, database: Database) -> None:
    other = open_database(url)
    try:
        for number in range(6):
            opened = (database, other)[number % 2]
            register(opened, an_entry(unique_id=str(number), class_code=coded(f"c{number // 2}"), type_code=coded("t")))
        for opened in (database, other):
            assert [e.unique_id for e in entries(opened, patient=MARIA, class_codes=(("c1", "s"),))] == ["2", "3"]
            assert len(entries(opened, patient=MARIA, type_codes=(("t", "s"),))) == 6
    finally:
        other.close()


def test_ids_of_unknown_form_are_not_inserted(database: Database) -> None:
    with pytest.raises(ValueError, match="uuid"):
        register(database, an_entry(entry_uuid="symbolic"))
    with pytest.raises(ValueError, match="uuid"):
        register(database, an_association("symbolic", new_uuid()))
    assert patient(database, MARIA) is None, "it was undone with the rest"
