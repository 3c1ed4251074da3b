"""Every field of an EntrySelection narrows the answer as the port says."""

from __future__ import annotations

from typing import Any

import pytest
from index_objects import MARIA, SOFIE, a_set, an_entry, authors, coded, fragment, register

from xds.db import Database
from xds.model.hl7 import dtm_moment
from xds.model.ids import new_uuid
from xds.model.objects import EntryType, Status
from xds.model.selection import EntrySelection
from xds.model.stored import StoredEntry


def found(database: Database, limit: int | None = None, **selection: Any) -> list[str]:
    """The titles' stand-ins: uniqueIds, in the order of the answer."""
    asked = EntrySelection(**{"patient": MARIA, **selection})
    return [entry.unique_id for entry in database.read_now(lambda reader: reader.entries(asked, limit))]


def test_an_entry_comes_back_as_it_was_registered(database: Database) -> None:
    first, second = new_uuid(), new_uuid()
    plain = an_entry(entry_uuid=first, logical_id=first, hash="0123456789abcdef0123456789abcdef01234567", size="42")
    version = an_entry(
        entry_uuid=second,
        logical_id=first,
        availability_status=Status.DEPRECATED,
        object_type=EntryType.ON_DEMAND,
        creation_time=None,
        hash=None,
        size=None,
    )
    register(database, plain, version)
    stored = database.read_now(lambda reader: reader.entries(EntrySelection(patient=MARIA)))
    patient = database.read_now(lambda reader: reader.patient(MARIA))
    assert patient is not None
    assert [entry._replace(traits=()) for entry in stored] == [
        StoredEntry(
            first, first, patient, plain.unique_id, Status.APPROVED, EntryType.STABLE, plain.hash, 42, fragment(plain)
        ),
        StoredEntry(
            second,
            first,
            patient,
            version.unique_id,
            Status.DEPRECATED,
            EntryType.ON_DEMAND,
            None,
            None,
            fragment(version),
        ),
    ]
    assert isinstance(stored[0].status, Status) and isinstance(stored[0].object_type, EntryType)
    assert isinstance(stored[0].fragment, bytes)


def test_answers_are_in_order_of_registration_and_limited(database: Database) -> None:
    register(database, *(an_entry(unique_id=str(n), creation_time=str(2030 - n)) for n in range(5)))
    register(database, an_entry(unique_id="other"), patient=SOFIE)
    register(database, an_entry(unique_id="5", availability_status=Status.DEPRECATED, event_code_list=(coded("e"),)))
    assert found(database) == ["0", "1", "2", "3", "4", "5"]
    assert len(found(database, limit=2)) == 2
    assert found(database, limit=1, event_codes=((("e", "s"),),)) == ["5"]
    assert found(database, statuses=(Status.APPROVED,), limit=9) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("field", ["class", "type", "practice_setting", "healthcare_facility_type", "format"])
def test_single_codes(database: Database, field: str) -> None:
    register(
        database,
        an_entry(unique_id="a", **{f"{field}_code": coded("1", "x")}),
        an_entry(unique_id="b", **{f"{field}_code": coded("2", "x")}),
        an_entry(unique_id="c", **{f"{field}_code": coded("1", "y")}),
        an_entry(unique_id="none", **{f"{field}_code": None}),
    )
    assert found(database, **{f"{field}_codes": (("1", "x"),)}) == ["a"]
    assert found(database, **{f"{field}_codes": (("1", "y"), ("2", "x"), ("3", "x"))}) == ["b", "c"]
    assert found(database, **{f"{field}_codes": (("3", "x"),)}) == []
    assert found(database, **{f"{field}_codes": (("1%", "x"), ("_", "x"), ("1\0", "x"))}) == []


def test_codes_that_another_change_made_are_found_at_once(database: Database) -> None:
    assert found(database, class_codes=(("late", "s"),)) == []
    register(database, an_entry(unique_id="late", class_code=coded("late")))
    assert found(database, class_codes=(("late", "s"),)) == ["late"]


@pytest.mark.parametrize(
    ("field", "attribute", "make"),
    [
        ("event_codes", "event_code_list", lambda name: coded(name)),
        ("confidentiality_codes", "confidentiality_code", lambda name: coded(name)),
        ("reference_ids", "reference_id_list", lambda name: name),
    ],
)
def test_conjunctions_of_disjunctions(database: Database, field: str, attribute: str, make: Any) -> None:
    def key(name: str) -> Any:
        return name if field == "reference_ids" else (name, "s")

    register(
        database,
        an_entry(unique_id="ab", **{attribute: (make("a"), make("b"))}),
        an_entry(unique_id="b", **{attribute: (make("b"),)}),
        an_entry(unique_id="bc", **{attribute: (make("b"), make("c"))}),
        an_entry(unique_id="none"),
    )
    assert found(database, **{field: ((key("a"), key("c")),)}) == ["ab", "bc"]
    assert found(database, **{field: ((key("a"), key("c")), (key("b"),))}) == ["ab", "bc"]
    assert found(database, **{field: ((key("b"),), (key("a"),))}) == ["ab"]
    assert found(database, **{field: ((key("b"),), (key("unheard of"),))}) == []
    assert found(database, **{field: ((key("%"), key("_"), key("a,b")),)}) == []


@pytest.mark.parametrize("field", ["creation_time", "service_start_time", "service_stop_time"])
def test_times_are_half_open_and_compare_as_moments(database: Database, field: str) -> None:
    register(
        database,
        an_entry(unique_id="year", **{field: "2025"}),
        an_entry(unique_id="second", **{field: "20250101000001"}),
        an_entry(unique_id="february", **{field: "202502"}),
        an_entry(unique_id="none", **{field: None}),
    )
    new_year, february = dtm_moment("20250101"), dtm_moment("20250201000000")
    assert found(database, **{f"{field}_from": new_year}) == ["year", "second", "february"]
    assert found(database, **{f"{field}_from": new_year + 1}) == ["second", "february"]
    assert found(database, **{f"{field}_to": february}) == ["year", "second"]
    assert found(database, **{f"{field}_from": new_year, f"{field}_to": new_year + 1}) == ["year"]
    assert found(database, **{f"{field}_from": new_year, f"{field}_to": new_year}) == []


def test_author_patterns(database: Database) -> None:
    register(
        database,
        an_entry(unique_id="two", authors=authors("^Smitty^Gerald^^^", "^Jansen^Piet")),
        an_entry(unique_id="percent", authors=authors("^100%_^x")),
        an_entry(unique_id="none"),
    )
    assert found(database, author_persons=("%Smit%",)) == ["two"]
    assert found(database, author_persons=("%smit%",)) == []
    assert found(database, author_persons=("^J_nsen^%",)) == ["two"]
    assert found(database, author_persons=("%Gerald^^^%Jansen%",)) == [], "a value matches as a whole, by itself"
    assert found(database, author_persons=("^100\\%\\_^x",)) == ["percent"]
    assert found(database, author_persons=("nobody", "^Jansen^Piet")) == ["two"]
    assert found(database, author_persons=("%",)) == ["two", "percent"]


def test_statuses_and_types(database: Database) -> None:
    register(
        database,
        an_entry(unique_id="a"),
        an_entry(unique_id="d", availability_status=Status.DEPRECATED),
        an_entry(unique_id="o", object_type=EntryType.ON_DEMAND),
    )
    assert found(database, statuses=(Status.DEPRECATED,)) == ["d"]
    assert found(database, statuses=(Status.DEPRECATED, Status.APPROVED)) == ["a", "d", "o"]
    assert found(database, types=(EntryType.STABLE,), statuses=(Status.APPROVED,)) == ["a"]
    assert found(database, types=(EntryType.STABLE, EntryType.ON_DEMAND)) == ["a", "d", "o"]


def test_ids(database: Database) -> None:
    first = an_entry(unique_id="1.2.3", logical_id=None)
    second = an_entry(unique_id="1.2.3^ext", logical_id=first.entry_uuid)
    other = an_entry(unique_id="1.2.3")
    register(database, first, second)
    register(database, other, patient=SOFIE)
    assert found(database, patient=None, unique_ids=("1.2.3",)) == ["1.2.3", "1.2.3"]
    assert found(database, patient=None, uuids=(second.entry_uuid, first.entry_uuid)) == ["1.2.3", "1.2.3^ext"]
    assert found(database, patient=None, uuids=(second.entry_uuid,), unique_ids=("1.2.3",)) == []
    assert found(database, patient=None, logical_ids=(first.entry_uuid,)) == ["1.2.3", "1.2.3^ext"]
    assert found(database, patient=None, logical_ids=(second.entry_uuid,)) == []
    assert found(database, patient=SOFIE, uuids=(first.entry_uuid,)) == []


@pytest.mark.parametrize(
    "nonsense",
    ["Document01", "urn:uuid:", "", "urn:uuid:' OR 1=1 --", "urn:uuid:" + "g" * 36, "urn:uuid:\0", "%"],
)
def test_ids_that_no_object_can_have_select_nothing(database: Database, nonsense: str) -> None:
    register(database, an_entry())
    for field in ("uuids", "logical_ids", "unique_ids"):
        assert found(database, patient=None, **{field: (nonsense,)}) == []
    assert found(database, patient=nonsense) == []


@pytest.mark.parametrize("size", [2, 63, 64, 65, 10_000])
def test_long_lists(database: Database, size: int) -> None:
    entries = [an_entry(unique_id=f"long'{n}", class_code=coded(f"c{n}")) for n in range(3)]
    register(database, *entries)
    uuids = (*tuple(new_uuid() for _ in range(size - 1)), entries[1].entry_uuid)
    assert found(database, patient=None, uuids=uuids) == ["long'1"]
    assert found(database, patient=None, logical_ids=uuids) == ["long'1"]
    ids = (*tuple(f"1.{n}" for n in range(size - 1)), "long'2")
    assert found(database, patient=None, unique_ids=ids) == ["long'2"]
    codes = (*tuple((f"x{n}", "s") for n in range(size - 1)), ("c0", "s"))
    assert found(database, class_codes=codes, event_codes=(codes,)) == []
    assert found(database, class_codes=codes) == ["long'0"]
    assert found(database, uuids=uuids, unique_ids=(*ids, "long'1"), class_codes=(*codes, ("c1", "s"))) == ["long'1"]


def test_everything_at_once(database: Database) -> None:
    entry = an_entry(
        unique_id="all",
        event_code_list=(coded("e"),),
        confidentiality_code=(coded("N"),),
        practice_setting_code=coded("p"),
        healthcare_facility_type_code=coded("h"),
        format_code=coded("f"),
        reference_id_list=("r",),
        authors=authors("^Jansen"),
        service_start_time="2024",
        service_stop_time="2025",
    )
    register(database, a_set(), entry, an_entry())
    everything = {
        "uuids": (entry.entry_uuid,),
        "unique_ids": ("all",),
        "logical_ids": (entry.entry_uuid,),
        "statuses": (Status.APPROVED,),
        "types": (EntryType.STABLE,),
        "class_codes": (("class", "s"),),
        "type_codes": (("type", "s"),),
        "practice_setting_codes": (("p", "s"),),
        "healthcare_facility_type_codes": (("h", "s"),),
        "format_codes": (("f", "s"),),
        "event_codes": ((("e", "s"),),),
        "confidentiality_codes": ((("N", "s"),),),
        "reference_ids": (("r",),),
        "creation_time_from": dtm_moment("2025"),
        "creation_time_to": dtm_moment("2026"),
        "service_start_time_from": dtm_moment("2024"),
        "service_start_time_to": dtm_moment("2025"),
        "service_stop_time_from": dtm_moment("2025"),
        "service_stop_time_to": dtm_moment("2026"),
        "author_persons": ("%n",),
    }
    assert everything.keys() | {"patient"} == set(EntrySelection._fields)
    assert found(database, limit=5, **everything) == ["all"]
