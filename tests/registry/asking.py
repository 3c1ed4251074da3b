"""A registry with a few objects, and a caller who asks it stored queries in the coding of the standard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree
from msgspec import structs
from samples import OTHER_PATIENT, PATIENT, association, entry, folder, submission_set

from xds.db import open_database
from xds.ebrim.encode import encode, escape
from xds.ebrim.fragment import pack
from xds.ebrim.vocabulary import QUERY, RIM, RS
from xds.model.affinity_domain import AffinityDomain
from xds.model.coded import Author, Coded
from xds.model.objects import AnyObject, AssociationType, EntryType, Status
from xds.registry.iti18_registry_stored_query import QUERIES, TRANSACTION
from xds.transaction import Context, Registry, Reply

APPROVED, DEPRECATED = (f"'{status.urn}'" for status in Status)
BOTH = f"({APPROVED},{DEPRECATED})"
ANY_TYPE = f"('{EntryType.STABLE}','{EntryType.ON_DEMAND}')"
MINE = f"'{PATIENT}'"
IDS = {query.name: query.id for query in QUERIES.values()}


def uuid(number: int) -> str:
    return f"urn:uuid:5b1f4c0c-6a54-4b6b-9a3c-{number:012x}"


SCHEME = "2.999.8"
NAMES = [
    "old",
    "new",
    "addendum",
    "current_map",
    "strangers",
    "snapshot",
    "set1",
    "set2",
    "strangers_set",
    "pregnancy",
    "closed",
    "strangers_folder",
    "set1_old",
    "set1_addendum",
    "set1_pregnancy",
    "set1_membership",
    "set2_new",
    "set2_map",
    "set2_snapshot",
    "strangers_member",
    "pregnancy_old",
    "pregnancy_map",
    "pregnancy_new",
    "pregnancy_addendum",
    "closed_old",
    "replaces",
    "appends",
    "snapshot_of",
    "transforms",
    "strangers_in_folder",
]
ID = {name: uuid(number) for number, name in enumerate(NAMES, 1)}
NAME_OF = {identifier: name for name, identifier in ID.items()}
UNIQUE = {name: f"2.999.50.{number}" for number, name in enumerate(NAMES, 1)}


def coded(code: str) -> Coded:
    return Coded(code, SCHEME)


def person(name: str) -> tuple[Author, ...]:
    return (Author(person=(f"1^{name}^Anna^^^^^^&2.999.4&ISO",)),)


def objects() -> list[tuple[AnyObject, str]]:
    """What the registry holds, with its patient: `new` replaces `old`, `addendum` adds to `old`, and so on.

    set1 has as member that `old` is in the folder, and not that `addendum` is.
    """

    def made(make: Any, name: str, status: Status = Status.APPROVED, **changes: Any) -> tuple[AnyObject, str]:
        patient = OTHER_PATIENT if name.startswith("strangers") else PATIENT
        own = {"entry_uuid": ID[name], "logical_id": ID[name], "version": "1", "availability_status": status}
        own |= {"unique_id": UNIQUE[name], "patient_id": patient}
        return structs.replace(make(), **own | changes), patient

    def linked(name: str, source: str, target: str, kind: AssociationType = AssociationType.HAS_MEMBER):
        patient = OTHER_PATIENT if name.startswith("strangers") else PATIENT
        own = {"entry_uuid": ID[name], "logical_id": ID[name], "version": "1"}
        return association(ID[source], ID[target], kind, availability_status=Status.APPROVED, **own), patient

    accession = ("A1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:accession", "O1^^^&2.999.3&ISO^urn:ihe:iti:xds:2013:order")
    return [
        made(entry, "old", Status.DEPRECATED, creation_time="20260101", authors=person("O'Brien")),
        made(
            entry, "new", creation_time="20260201", class_code=coded("letter"), type_code=coded("t"),
            format_code=coded("f"), practice_setting_code=coded("p"), healthcare_facility_type_code=coded("h"),
            event_code_list=(coded("scan"), coded("lab")), confidentiality_code=(coded("N"), coded("R")),
            service_start_time="20260110", service_stop_time="20260120", reference_id_list=accession,
            authors=person("Bakker"),
        ),
        made(entry, "addendum", creation_time="2026030110", event_code_list=(coded("scan"),),
             confidentiality_code=(coded("N"),), reference_id_list=accession[:1], authors=person("50%_Visser")),
        made(entry, "current_map", creation_time="202604", logical_id=ID["old"]),
        made(entry, "snapshot", object_type=EntryType.ON_DEMAND, hash=None, size=None, creation_time=None),
        made(entry, "strangers"),
        made(submission_set, "set1", submission_time="20260501", source_id="2.999.7.1", authors=person("Jansen"),
             content_type_code=coded("visit")),
        made(submission_set, "set2", submission_time="20260601"),
        made(submission_set, "strangers_set"),
        made(folder, "pregnancy", last_update_time="20260501", code_list=(coded("a"), coded("b"))),
        made(folder, "closed", Status.DEPRECATED, last_update_time="20250501", code_list=(coded("a"),)),
        made(folder, "strangers_folder"),
        linked("set1_old", "set1", "old"),
        linked("set1_addendum", "set1", "addendum"),
        linked("set1_pregnancy", "set1", "pregnancy"),
        linked("set1_membership", "set1", "pregnancy_old"),
        linked("set2_new", "set2", "new"),
        linked("set2_map", "set2", "current_map"),
        linked("set2_snapshot", "set2", "snapshot"),
        linked("strangers_member", "strangers_set", "strangers"),
        linked("pregnancy_old", "pregnancy", "old"),
        linked("pregnancy_map", "pregnancy", "current_map"),
        linked("pregnancy_new", "pregnancy", "new"),
        linked("pregnancy_addendum", "pregnancy", "addendum"),
        linked("closed_old", "closed", "old"),
        linked("replaces", "new", "old", AssociationType.RPLC),
        linked("appends", "addendum", "old", AssociationType.APND),
        linked("snapshot_of", "current_map", "snapshot", AssociationType.IS_SNAPSHOT_OF),
        linked("transforms", "current_map", "new", AssociationType.XFRM),
        linked("strangers_in_folder", "strangers_folder", "strangers"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """An answer as a caller reads it: names of objects by NAME_OF, error codes, and what is beside them."""

    reply: Reply
    root: etree._Element

    @property
    def names(self) -> set[str]:
        listed = [NAME_OF[each.get("id")] for each in self.root.find(f"{{{RIM}}}RegistryObjectList")]
        assert len(listed) == len(set(listed))
        return set(listed)

    @property
    def tags(self) -> set[str]:
        return {etree.QName(each).localname for each in self.root.find(f"{{{RIM}}}RegistryObjectList")}

    @property
    def errors(self) -> list[etree._Element]:
        return list(self.root.iter(f"{{{RS}}}RegistryError"))

    @property
    def codes(self) -> list[str]:
        """The error codes of a failure, which has an empty list of objects and agrees with its reply."""
        codes = [error.get("errorCode") for error in self.errors]
        assert set(codes) == set(self.reply.codes)
        assert self.root.get("status").rpartition(":")[2] == self.reply.status
        assert bool(codes) == (self.reply.status == "Failure")
        if codes:
            assert len(self.root.find(f"{{{RIM}}}RegistryObjectList")) == 0
        return codes


class Asked:
    """A registry on a real SQLite index with `objects`."""

    def __init__(self, path: Path):
        self.index = open_database(f"sqlite:///{path}", create=True)
        self.registry = Registry(
            self.index, lambda: AffinityDomain(dutch=True), lambda: datetime(2026, 6, 1, tzinfo=UTC), None, 100
        )

        def fill(writer: Any) -> None:
            writer.add_patient(PATIENT)
            writer.add_patient(OTHER_PATIENT)
            for item, patient in objects():
                writer.insert([(item, pack(encode(item)))], writer.patient(patient))

        self.index.write_now(fill)

    def ask(self, name: str, parameters: Mapping[str, str | Sequence[str]], kind: str = "LeafClass", **changes: Any):
        """Ask a query by name or id: coded values by parameter, a list of them to repeat the slot."""
        return self.send(request(IDS.get(name, name), parameters, kind), **changes)

    def send(self, message: str, **changes: Any) -> Answer:
        context = Context("test", replace(self.registry, **changes), None, {}, datetime.now(UTC))
        reply = asyncio.run(TRANSACTION.answer(etree.fromstring(message), context))
        return Answer(reply, etree.fromstring(b"".join(reply.body)))


def request(
    identifier: str, parameters: Mapping[str, str | Sequence[str]], kind: str = "LeafClass", home: str = ""
) -> str:
    """A query:AdhocQueryRequest."""
    slots = "".join(
        f'<rim:Slot name="{name}"><rim:ValueList><rim:Value>{escape(value)}</rim:Value></rim:ValueList></rim:Slot>'
        for name, values in parameters.items()
        for value in ([values] if isinstance(values, str) else values)
    )
    at = f' home="{home}"' if home else ""
    return (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}"><query:ResponseOption returnType="{kind}"/>'
        f'<rim:AdhocQuery id="{identifier}"{at}>{slots}</rim:AdhocQuery></query:AdhocQueryRequest>'
    )
