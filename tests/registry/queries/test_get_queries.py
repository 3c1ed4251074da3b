"""The queries that start from objects, or take all: what comes with what, and that nothing points at a hidden end."""

from __future__ import annotations

import pytest
from asking import ANY_TYPE, APPROVED, BOTH, DEPRECATED, ID, MINE, UNIQUE

from xds.model.objects import AssociationType

NORMAL = {"$XDSDocumentEntryConfidentialityCode": "('N^^2.999.8')"}


def one(name: str) -> str:
    return f"'{ID[name]}'"


def several(*names: str) -> str:
    return "(" + ",".join(map(one, names)) + ")"


def unique(name: str) -> str:
    return f"'{UNIQUE[name]}'"


GET_ALL = {
    "$patientId": MINE,
    "$XDSDocumentEntryStatus": BOTH,
    "$XDSSubmissionSetStatus": f"({APPROVED})",
    "$XDSFolderStatus": BOTH,
}
FIRST_SET = {"set1", "old", "addendum", "pregnancy", "set1_old", "set1_addendum", "set1_pregnancy"}
FIRST_SET |= {"set1_membership", "pregnancy_old", "pregnancy_addendum"}
SECOND_SET = {"set2", "new", "current_map", "set2_new", "set2_map"}
LINKS = {"pregnancy_map", "pregnancy_new", "closed_old", "replaces", "appends", "transforms"}
EVERYTHING = FIRST_SET | SECOND_SET | LINKS | {"closed"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, EVERYTHING),
        ({"$XDSDocumentEntryType": ANY_TYPE}, EVERYTHING | {"snapshot", "set2_snapshot", "snapshot_of"}),
        (
            {"$XDSDocumentEntryStatus": f"({DEPRECATED})", "$XDSFolderStatus": f"({DEPRECATED})"},
            {"old", "closed", "closed_old", "set1", "set2", "set1_old"},
        ),
        (
            {"$XDSDocumentEntryFormatCode": "('f^^2.999.8')", **NORMAL, "$XDSFolderStatus": f"({APPROVED})"},
            {"new", "set1", "set2", "pregnancy", "pregnancy_new", "set2_new", "set1_pregnancy"},
        ),
        ({"$patientId": "'nobody^^^&2.999.1&ISO'"}, set()),
    ],
)
def test_get_all(asked, parameters, expected):
    answer = asked.ask("GetAll", {**GET_ALL, **parameters})
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("query", "parameters", "expected"),
    [
        ("GetDocuments", {"$XDSDocumentEntryEntryUUID": several("old", "snapshot")}, {"old", "snapshot"}),
        ("GetDocuments", {"$XDSDocumentEntryEntryUUID": several("old").upper()}, {"old"}),
        ("GetDocuments", {"$XDSDocumentEntryUniqueId": f"({unique('new')},'2.999.404')"}, {"new"}),
        ("GetDocuments", {"$XDSDocumentEntryLogicalID": several("old")}, {"old", "current_map"}),
        ("GetDocuments", {"$XDSDocumentEntryEntryUUID": "('symbolic')"}, set()),
        ("GetDocuments", {"$XDSDocumentEntryEntryUUID": several("set1")}, set()),
        ("GetFolders", {"$XDSFolderEntryUUID": several("pregnancy", "closed")}, {"pregnancy", "closed"}),
        ("GetFolders", {"$XDSFolderUniqueId": f"({unique('closed')})"}, {"closed"}),
        ("GetFolders", {"$XDSFolderLogicalID": several("pregnancy")}, {"pregnancy"}),
        (
            "GetAssociations",
            {"$uuid": several("old")},
            {"set1_old", "pregnancy_old", "closed_old", "replaces", "appends"},
        ),
        ("GetAssociations", {"$uuid": several("set2", "snapshot")},
         {"set2_new", "set2_map", "set2_snapshot", "snapshot_of"}),
        ("GetAssociations", {"$uuid": several("replaces")}, set()),
        (
            "GetDocumentsAndAssociations",
            {"$XDSDocumentEntryUniqueId": f"({unique('addendum')})"},
            {"addendum", "set1_addendum", "pregnancy_addendum", "appends"},
        ),
        (
            "GetDocumentsAndAssociations",
            {"$XDSDocumentEntryEntryUUID": several("new", "addendum")},
            {"new", "set2_new", "pregnancy_new", "replaces", "transforms"}
            | {"addendum", "set1_addendum", "pregnancy_addendum", "appends"},
        ),
        ("GetDocumentsAndAssociations", {"$XDSDocumentEntryUniqueId": "('2.999.404')"}, set()),
        ("GetSubmissionSets", {"$uuid": several("old", "pregnancy")}, {"set1", "set1_old", "set1_pregnancy"}),
        ("GetSubmissionSets", {"$uuid": several("old", "new")}, {"set1", "set2", "set1_old", "set2_new"}),
        ("GetSubmissionSets", {"$uuid": several("set1")}, set()),
        ("GetFoldersForDocument", {"$XDSDocumentEntryEntryUUID": one("old")}, {"pregnancy", "closed"}),
        ("GetFoldersForDocument", {"$XDSDocumentEntryUniqueId": unique("new")}, {"pregnancy"}),
        ("GetFoldersForDocument", {"$XDSDocumentEntryUniqueId": unique("snapshot")}, set()),
        ("GetFoldersForDocument", {"$XDSDocumentEntryUniqueId": "'2.999.404'"}, set()),
    ],
)  # fmt: skip
def test_get_by_id(asked, query, parameters, expected):
    answer = asked.ask(query, parameters)
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"$XDSSubmissionSetEntryUUID": one("set1")}, FIRST_SET),
        ({"$XDSSubmissionSetUniqueId": unique("set2")}, SECOND_SET),
        (
            {"$XDSSubmissionSetUniqueId": unique("set2"), "$XDSDocumentEntryType": ANY_TYPE},
            SECOND_SET | {"snapshot", "set2_snapshot"},
        ),
        (
            {"$XDSSubmissionSetEntryUUID": one("set1"), **NORMAL},
            {"set1", "addendum", "set1_addendum", "pregnancy", "set1_pregnancy", "pregnancy_addendum"},
        ),
        (
            {"$XDSSubmissionSetEntryUUID": one("set2"), "$XDSDocumentEntryFormatCode": "('f^^2.999.8')"},
            {"set2", "new", "set2_new"},
        ),
        ({"$XDSSubmissionSetUniqueId": "'2.999.404'"}, set()),
    ],
)
def test_get_submission_set_and_contents(asked, parameters, expected):
    answer = asked.ask("GetSubmissionSetAndContents", parameters)
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"$XDSFolderEntryUUID": one("pregnancy")},
            {"pregnancy", "old", "new", "current_map", "pregnancy_old", "pregnancy_new", "pregnancy_map"}
            | {"addendum", "pregnancy_addendum"},
        ),
        (
            {"$XDSFolderUniqueId": unique("pregnancy"), "$XDSDocumentEntryFormatCode": "('f^^2.999.8')"},
            {"pregnancy", "new", "pregnancy_new"},
        ),
        (
            {"$XDSFolderUniqueId": unique("pregnancy"), **NORMAL},
            {"pregnancy", "new", "pregnancy_new", "addendum", "pregnancy_addendum"},
        ),
        (
            {
                "$XDSFolderUniqueId": unique("pregnancy"),
                "$XDSDocumentEntryType": "('urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248')",
            },
            {"pregnancy"},
        ),
        ({"$XDSFolderUniqueId": "'2.999.404'"}, set()),
    ],
)
def test_get_folder_and_contents(asked, parameters, expected):
    answer = asked.ask("GetFolderAndContents", parameters)
    assert (answer.codes, answer.names) == ([], expected)


@pytest.mark.parametrize(
    ("document", "types", "more", "expected"),
    [
        ({"$XDSDocumentEntryEntryUUID": one("old")}, ("RPLC",), {}, {"old", "new", "replaces"}),
        (
            {"$XDSDocumentEntryUniqueId": unique("old")},
            ("RPLC", "APND"),
            {},
            {"old", "new", "replaces", "addendum", "appends"},
        ),
        ({"$XDSDocumentEntryUniqueId": unique("old")}, ("XFRM",), {}, set()),
        ({"$XDSDocumentEntryUniqueId": unique("current_map")}, ("IS_SNAPSHOT_OF",), {}, {"current_map"}),
        (
            {"$XDSDocumentEntryUniqueId": unique("current_map")},
            ("IS_SNAPSHOT_OF",),
            {"$XDSDocumentEntryType": ANY_TYPE},
            {"current_map", "snapshot", "snapshot_of"},
        ),
        ({"$XDSDocumentEntryUniqueId": unique("old")}, ("HAS_MEMBER",), {}, set()),
        ({"$XDSDocumentEntryUniqueId": "'2.999.404'"}, ("RPLC",), {}, set()),
    ],
)
def test_get_related_documents(asked, document, types, more, expected):
    listed = ",".join(f"'{AssociationType[name].value}'" for name in types)
    answer = asked.ask("GetRelatedDocuments", {**document, "$AssociationTypes": f"({listed})", **more})
    assert (answer.codes, answer.names) == ([], expected)
