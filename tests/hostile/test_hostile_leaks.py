"""What one may not see answers, byte for byte, as what isn't there: cases 86 to 89 of the catalogue.

All is asked twice: before there is anything that the hospital's gynaecologist may not see, and after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha1
from uuid import NAMESPACE_OID, uuid5

import pytest
from lxml import etree
from msgspec.structs import replace
from region import (
    GYNAECOLOGIST,
    NAMES,
    Region,
    constant,
    entry,
    guarded,
    provision,
    query,
    retrieval,
    submission,
)
from samples import OTHER_PATIENT, PATIENT, association, folder, member
from served import Served

from xds.ebrim.submit import encode_submit_objects
from xds.ebrim.vocabulary import RIM
from xds.model.objects import Association, AssociationType, DocumentEntry, Folder, Submission

MAX_RESULTS = 20
MANY = 230
"""Hidden documents: more than an answer of references may have."""
APND, XFRM, RPLC = AssociationType.APND, AssociationType.XFRM, AssociationType.RPLC
STATUS = [f"urn:oasis:names:tc:ebxml-regrep:StatusType:{each}" for each in ("Approved", "Deprecated")]
REFERENCE = "12345^^^&2.999.9&ISO^urn:ihe:iti:xds:2013:accession"
HOSPITAL, MIDWIFE = "hospital", "midwife-practice"


def uuid(name: str) -> str:
    """The entryUUID of a thing, which is known before it is there."""
    return f"urn:uuid:{uuid5(NAMESPACE_OID, name)}"


def oid(name: str) -> str:
    """The uniqueId of a thing."""
    return f"2.25.{uuid5(NAMESPACE_OID, name).int}"


def document(organisation: str, name: str, patient: str = PATIENT) -> DocumentEntry:
    of_patient = {"patient_id": patient, "source_patient_id": patient}
    return entry(organisation, uuid(name), oid(name), reference_id_list=(REFERENCE,), **of_patient)


def a_folder(name: str) -> Folder:
    return folder(uuid(name), unique_id=oid(name))


def link(name: str, source: str, target: str, kind: AssociationType = AssociationType.HAS_MEMBER) -> Association:
    return association(uuid(source), uuid(target), kind, entry_uuid=uuid(name))


def made(organisation: str, name: str, *objects, **changes) -> Submission:
    """A submission whose set and associations have ids that are known before."""
    given = submission(organisation, *objects, name=uuid(name), unique_id=oid(name), **changes)
    named = [
        each if each.entry_uuid.startswith("urn:uuid:") else replace(each, entry_uuid=uuid(f"{name}#{number}"))
        for number, each in enumerate(given.associations)
    ]
    return replace(given, associations=tuple(named))


def members(name: str, *targets: str) -> list[Association]:
    """What a set has as members by reference."""
    return [replace(member(uuid(name), uuid(each), "Reference"), entry_uuid=uuid(f"{name} {each}")) for each in targets]


def visible(region: Region, doctor: bytes) -> None:
    """The hospital's own documents, of two clients."""
    shown = made(
        HOSPITAL, "set", document(HOSPITAL, "seen"), document(HOSPITAL, "more"), a_folder("map"),
        link("in map", "map", "seen"), link("appended", "more", "seen", APND),
        replace(member(uuid("set"), uuid("in map")), entry_uuid=uuid("set in map")),
    )  # fmt: skip
    contents = {uuid("seen"): b"seen", uuid("more"): b"more"}
    accept(region.provide(HOSPITAL, doctor, shown, contents))
    other = made(HOSPITAL, "other set", document(HOSPITAL, "other", OTHER_PATIENT), patient_id=OTHER_PATIENT)
    accept(region.register(HOSPITAL, other))


def hidden(region: Region, midwife: bytes) -> None:
    """What the hospital's users may not see; some of it its own system submitted, for the midwife."""
    first = made(
        MIDWIFE, "hidden set", document(MIDWIFE, "hidden"), document(MIDWIFE, "hidden more"), a_folder("hidden map"),
        link("in hidden map", "hidden map", "hidden"), link("hidden appended", "hidden more", "hidden", APND),
        replace(member(uuid("hidden set"), uuid("in hidden map")), entry_uuid=uuid("hidden set in map")),
    )  # fmt: skip
    contents = {uuid("hidden"): b"hidden", uuid("hidden more"): b"hidden more"}
    accept(region.provide(MIDWIFE, midwife, first, contents))
    for sender, submitted in (
        # Sets without a document of their own, which lead to hidden ones only.
        (MIDWIFE, made(MIDWIFE, "set of a folder", a_folder("late map"), link("in late map", "late map", "hidden"))),
        (MIDWIFE, made(MIDWIFE, "set of a link", link("in hidden map too", "hidden map", "hidden more"),
                       link("set of a link in map", "set of a link", "in hidden map too"))),
        (MIDWIFE, made(MIDWIFE, "set of references", *members("set of references", "hidden", "hidden more"))),
        # Hidden ones that hang on what is seen.
        (HOSPITAL, made(HOSPITAL, "set in the map", document(MIDWIFE, "hidden in map"),
                        link("hidden in seen map", "map", "hidden in map"),
                        replace(member(uuid("set in the map"), uuid("hidden in seen map")),
                                entry_uuid=uuid("set in seen map")))),
        (HOSPITAL, made(HOSPITAL, "set of a form", document(MIDWIFE, "hidden form"),
                        link("hidden transformed", "hidden form", "seen", XFRM))),
        (MIDWIFE, made(MIDWIFE, "other hidden set", document(MIDWIFE, "other hidden", OTHER_PATIENT),
                       patient_id=OTHER_PATIENT)),
        (MIDWIFE, made(MIDWIFE, "many", *(document(MIDWIFE, f"many {number}") for number in range(MANY)))),
    ):  # fmt: skip
        accept(region.register(sender, submitted))


def accept(answer: bytes) -> None:
    assert b"ResponseStatusType:Success" in answer, re.findall(rb'codeContext="[^"]*"', answer)


def coded(*values: str) -> list[str]:
    return ["(" + ",".join(f"'{each}'" for each in values) + ")"]


def lists(names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Every query that takes several ids, asked for the things of these names."""
    uuids, oids = coded(*map(uuid, names)), coded(*map(oid, names))
    yield "GetDocuments", {"$XDSDocumentEntryEntryUUID": uuids}
    yield "GetDocuments", {"$XDSDocumentEntryUniqueId": oids}
    yield "GetDocuments", {"$XDSDocumentEntryLogicalID": uuids}
    yield "GetFolders", {"$XDSFolderEntryUUID": uuids}
    yield "GetFolders", {"$XDSFolderUniqueId": oids}
    yield "GetFolders", {"$XDSFolderLogicalID": uuids}
    yield "GetAssociations", {"$uuid": uuids}
    yield "GetDocumentsAndAssociations", {"$XDSDocumentEntryEntryUUID": uuids}
    yield "GetDocumentsAndAssociations", {"$XDSDocumentEntryUniqueId": oids}
    yield "GetSubmissionSets", {"$uuid": uuids}


def ones(name: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Every query that takes one id, asked for the thing of this name."""
    kinds = {"$AssociationTypes": coded(APND, XFRM, RPLC)}
    for spelling, value in (("EntryUUID", uuid(name)), ("UniqueId", oid(name))):
        one = [f"'{value}'"]
        yield "GetSubmissionSetAndContents", {f"$XDSSubmissionSet{spelling}": one}
        yield "GetFolderAndContents", {f"$XDSFolder{spelling}": one}
        yield "GetFoldersForDocument", {f"$XDSDocumentEntry{spelling}": one}
        yield "GetRelatedDocuments", {f"$XDSDocumentEntry{spelling}": one, **kinds}


def of_patient(patient: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Every query for all of a client."""
    whose, status = [f"'{patient}'"], coded(*STATUS)
    entries = {"$XDSDocumentEntryPatientId": whose, "$XDSDocumentEntryStatus": status}
    yield "FindDocuments", entries
    yield "FindDocumentsByReferenceId", {**entries, "$XDSDocumentEntryReferenceIdList": coded(REFERENCE)}
    yield "FindSubmissionSets", {"$XDSSubmissionSetPatientId": whose, "$XDSSubmissionSetStatus": status}
    yield "FindFolders", {"$XDSFolderPatientId": whose, "$XDSFolderStatus": status}
    statuses = {f"$XDS{kind}Status": status for kind in ("DocumentEntry", "SubmissionSet", "Folder")}
    yield "GetAll", {"$patientId": whose, **statuses}


HIDDEN = (
    *("hidden", "hidden more", "hidden map", "hidden set", "in hidden map", "hidden set in map", "late map"),
    *("set of a folder", "set of a link", "in hidden map too", "set of references", "set in the map"),
    *("hidden in map", "hidden in seen map", "hidden form", "hidden transformed", "set of a form", "many"),
)
SEEN = ("seen", "more", "map", "set", "in map", "appended", "set in map")


def questions(repository: str) -> Iterator[tuple[str, str, str]]:
    """Each with what it is called, and the actor's path."""
    asked = [*of_patient(PATIENT), *of_patient(OTHER_PATIENT), *lists(HIDDEN), *lists(HIDDEN + SEEN)]
    asked += [each for name in ("hidden", "hidden set", "hidden map", "seen") for each in ones(name)]
    for name, parameters in asked:
        yield f"{name} ObjectRef {parameters}", "/registry", query(name, parameters, "ObjectRef")
    asked += [each for name in (*HIDDEN[3:], *SEEN) for each in ones(name)]
    asked += [each for name in HIDDEN for each in lists((name,)) if each[0].startswith(("GetA", "GetDocuments"))]
    for name, parameters in asked:
        yield f"{name} {parameters}", "/registry", query(name, parameters)
    for names in (("hidden",), ("hidden", "hidden more"), ("seen", "hidden"), ("hidden", "seen", "hidden form")):
        yield f"ITI-43 {names}", "/repository", retrieval(repository, map(oid, names))
    for name, submitted in referring():
        contents = {each.entry_uuid: b"new" for each in submitted.entries}
        yield f"ITI-41 {name}", "/repository", provision(submitted, contents)
        yield f"ITI-42 {name}", "/registry", encode_submit_objects(submitted).decode()


def referring() -> Iterator[tuple[str, Submission]]:
    """Submissions that refer to what is hidden."""
    for target in ("hidden", "hidden map", "hidden set", "in hidden map"):
        for kind in (RPLC, APND):
            name = f"new {target} {kind}"
            yield name, made(HOSPITAL, f"set {name}", document(HOSPITAL, name), link("x", name, target, kind))
        by_reference = f"set with {target}"
        yield by_reference, made(HOSPITAL, by_reference, *members(by_reference, target))
    new = document(HOSPITAL, "new in map")
    yield "folder", made(HOSPITAL, "set into map", new, link("y", "hidden map", "new in map"))
    yield "both", made(HOSPITAL, "set of both", link("z", "hidden map", "hidden"))
    yield "into", made(HOSPITAL, "set into own", link("w", "map", "hidden"))
    # A mistake besides, and ids that what is hidden has: what is wrong with the message alone is told.
    wrong = replace(document(HOSPITAL, "hidden"), language_code=None)
    yield "ids", made(HOSPITAL, "hidden set", wrong, replace(a_folder("hidden map"), code_list=()))


def answers(region: Region, token: bytes) -> Mapping[str, bytes]:
    """All side by side: an answer that gives nothing takes its time."""

    def ask(question: tuple[str, str, str]) -> tuple[str, bytes]:
        name, path, body = question
        return name, constant(region.ask(HOSPITAL, None if name.startswith("ITI-42") else token, body, path))

    with ThreadPoolExecutor(12) as threads:
        return dict(threads.map(ask, questions(region.repository)))


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Iterator[Region]:
    folder = guarded(tmp_path_factory.mktemp("leaks"), PATIENT, OTHER_PATIENT)
    with Served(folder, XDS_REGISTRY_MAX_RESULTS=MAX_RESULTS) as server:
        server.logged("ready")
        region = Region(folder, server)
        yield region
        region.close()


def test_hidden_is_as_absent(region):
    doctor = region.token(HOSPITAL, GYNAECOLOGIST)
    visible(region, doctor)
    before = answers(region, doctor)
    hidden(region, region.token(MIDWIFE, "03.000"))
    after = answers(region, doctor)

    different = [name for name, answer in before.items() if after[name] != answer]
    assert not different, "\n".join(f"{name}\n{before[name]!r}\n{after[name]!r}" for name in different[:3])
    assert sum(b"ExtrinsicObject" in answer for answer in before.values()) > 10, "what is seen is found"
    midwife = region.token(MIDWIFE, "03.000")
    found = region.ask(MIDWIFE, midwife, query("GetDocuments", {"$XDSDocumentEntryEntryUUID": coded(uuid("hidden"))}))
    assert len(list(etree.fromstring(found).iter(f"{{{RIM}}}ExtrinsicObject"))) == 1, "it is there"


def test_a_system_refers_to_what_it_submitted_and_a_person_to_what_they_may_see(region):
    of_midwife = made(HOSPITAL, "for the midwife", document(MIDWIFE, "for her"))
    accept(region.register(HOSPITAL, of_midwife))
    replacing = made(HOSPITAL, "replacing", document(HOSPITAL, "newer"), link("replaced", "newer", "for her", RPLC))
    assert b"is not in the registry" in region.register("jgz", replaced_by("jgz", replacing))
    accept(region.register(HOSPITAL, replacing))
    adding = made(MIDWIFE, "adding", document(MIDWIFE, "addendum"), link("added", "addendum", "seen", APND))
    midwife = region.token(MIDWIFE, "03.000")
    contents = {uuid("addendum"): b"addendum"}
    assert b"is not in the registry" in region.provide(MIDWIFE, midwife, adding, contents)
    region.consent("relation", "--organisation", "01234567")
    region.consent("record", "--permit", "--consumer", "organisation:01234567", "--channel", "paper")
    accept(region.provide(MIDWIFE, midwife, adding, contents))


def test_who_refers_to_a_document_has_not_submitted_it(region):
    hers, theirs = document(MIDWIFE, "hers", OTHER_PATIENT), {"patient_id": OTHER_PATIENT}
    midwife, doctor = region.token(MIDWIFE, "03.000"), region.token(HOSPITAL, GYNAECOLOGIST)
    accept(region.provide(MIDWIFE, midwife, made(MIDWIFE, "her set", hers, **theirs), {hers.entry_uuid: b"hers"}))
    region.consent("relation", "--organisation", "00010990", patient=OTHER_PATIENT)
    hospital = ("--consumer", "organisation:00010990", "--channel", "paper")
    region.consent("record", "--permit", *hospital, patient=OTHER_PATIENT)
    accept(region.register(HOSPITAL, made(HOSPITAL, "of hers", *members("of hers", "hers"), **theirs), doctor))
    region.consent("record", "--deny", *hospital, patient=OTHER_PATIENT)
    replacing = made(
        HOSPITAL, "replacing hers", document(HOSPITAL, "new", OTHER_PATIENT), link("in place", "new", "hers", RPLC),
        **theirs,
    )  # fmt: skip
    assert b"is not in the registry" in region.register(HOSPITAL, replacing)


def replaced_by(organisation: str, submitted: Submission) -> Submission:
    """The same submission by another organisation's system."""
    sets = [replace(each, source_id=NAMES[organisation][2]) for each in submitted.submission_sets]
    return replace(submitted, submission_sets=tuple(sets))


def test_a_document_that_was_registered_again_is_for_whom_both_permit(region):
    """Whoever knows a uniqueId, hash and size could register the document as their own."""
    stolen = document(MIDWIFE, "to be stolen")
    midwife = region.token(MIDWIFE, "03.000")
    content = b"a document of the midwife"
    accept(region.provide(MIDWIFE, midwife, made(MIDWIFE, "owner", stolen), {stolen.entry_uuid: content}))
    mine = replace(
        document(HOSPITAL, "copied"), unique_id=stolen.unique_id, hash=sha1(content).hexdigest(), size=str(len(content))
    )
    accept(region.register(HOSPITAL, made(HOSPITAL, "thief", mine)))

    asked = retrieval(region.repository, [mine.unique_id])
    doctor = region.token(HOSPITAL, GYNAECOLOGIST)
    assert b"XDSDocumentUniqueIdError" in region.ask(HOSPITAL, doctor, asked, "/repository")
    assert content not in region.ask(HOSPITAL, doctor, asked, "/repository")
