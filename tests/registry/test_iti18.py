"""ITI-18: the forms of the answer, and every error code with what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asking import APPROVED, BOTH, ID, IDS, MINE, UNIQUE, Asked, request
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from samples import OTHER_PATIENT, PATIENT

from xds.ebrim.encode import encode
from xds.ebrim.objects import decode_fragment
from xds.ebrim.query import decode_adhoc_query, parse_values
from xds.errors import Code
from xds.model.objects import DocumentEntry
from xds.registry.iti18_registry_stored_query import QUERIES, TRANSACTION

FIND = {"$XDSDocumentEntryPatientId": MINE, "$XDSDocumentEntryStatus": f"({APPROVED})"}
TWO_PATIENTS = {"$XDSDocumentEntryUniqueId": f"('{UNIQUE['new']}','{UNIQUE['strangers']}')"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("iti18") / "index.db")
    yield asked
    asked.index.close()


class Counting:
    """An index that counts the most objects that one question was answered with."""

    def __init__(self, index):
        self.index = index
        self.most = 0

    async def read(self, question):
        return await self.index.read(lambda reader: question(_CountingReader(self, reader)))


class _CountingReader:
    def __init__(self, counting, reader):
        self.counting = counting
        self.reader = reader

    def __getattr__(self, name):
        def ask(*arguments, **options):
            found = list(getattr(self.reader, name)(*arguments, **options))
            self.counting.most = max(self.counting.most, len(found))
            return found

        return ask


def test_the_fourteen_queries_are_offered():
    assert len(QUERIES) == len(IDS) == 14
    assert (TRANSACTION.number, TRANSACTION.mtom) == ("ITI-18", "never")


def test_a_leaf_class_is_the_object_as_it_was_registered(asked):
    answer = asked.ask("GetDocuments", {"$XDSDocumentEntryEntryUUID": f"('{ID['new']}')"})
    (leaf,) = answer.root.find("{*}RegistryObjectList")
    read = decode_fragment(etree.tostring(leaf))
    assert isinstance(read, DocumentEntry)
    assert (read.unique_id, read.patient_id, read.title) == (UNIQUE["new"], PATIENT, "Zwangerschapskaart")
    assert encode(read) in b"".join(answer.reply.body)


def test_object_refs_carry_the_home_community(asked):
    plain = asked.ask("FindDocuments", FIND, "ObjectRef")
    assert (plain.names, plain.tags) == ({"new", "addendum", "current_map"}, {"ObjectRef"})
    assert not plain.root.xpath("//@home")
    at_home = asked.ask("FindDocuments", FIND, "ObjectRef", home_community_id="urn:oid:2.999.1")
    assert at_home.root.xpath("//@home") == ["urn:oid:2.999.1"] * 3


def test_every_object_has_the_home_that_is_configured_now(asked):
    query = "GetDocumentsAndAssociations", {"$XDSDocumentEntryEntryUUID": f"'{ID['new']}'"}
    plain = [etree.tostring(each, method="c14n") for each in asked.ask(*query).root[-1]]
    for home in ("urn:oid:2.999.1", "urn:oid:2.999.22"):
        objects = list(asked.ask(*query, home_community_id=home).root[-1])
        assert [each.get("home") for each in objects] == [home] * 5
        for each in objects:
            del each.attrib["home"]
        assert [etree.tostring(each, method="c14n") for each in objects] == plain


def test_several_patients_answer_as_object_refs_only(asked):
    assert asked.ask("GetDocuments", TWO_PATIENTS).codes == [Code.XDSResultNotSinglePatient]
    refs = asked.ask("GetDocuments", TWO_PATIENTS, "ObjectRef")
    assert (refs.codes, refs.names) == ([], {"new", "strangers"})
    folders = {"$XDSFolderUniqueId": f"('{UNIQUE['pregnancy']}','{UNIQUE['strangers_folder']}')"}
    assert asked.ask("GetFolders", folders).codes == [Code.XDSResultNotSinglePatient]
    sets = {"$uuid": f"('{ID['new']}','{ID['strangers']}')"}
    assert asked.ask("GetSubmissionSets", sets).codes == [Code.XDSResultNotSinglePatient]
    # Associations have no patientId.
    assert asked.ask("GetAssociations", sets).names > {"set2_new", "strangers_member"}


def test_references_may_be_ten_times_as_many_as_objects(asked):
    everything = {"$patientId": MINE, "$XDSDocumentEntryStatus": BOTH, "$XDSSubmissionSetStatus": BOTH}
    everything["$XDSFolderStatus"] = BOTH
    found = asked.ask("GetAll", everything, "ObjectRef", max_results=3).names
    assert 20 < len(found) <= 30
    answer = asked.ask("GetAll", everything, "ObjectRef", max_results=2)
    assert answer.codes == [Code.XDSTooManyResults]


def test_too_many_results_is_an_error_without_results(asked):
    kind = "LeafClass"
    assert len(asked.ask("FindDocuments", FIND, kind, max_results=3).names) == 3
    answer = asked.ask("FindDocuments", FIND, kind, max_results=2)
    assert answer.codes == [Code.XDSTooManyResults]
    assert "ObjectRef" in answer.errors[0].get("codeContext")
    assert answer.errors[0].get("severity").endswith(":Error")
    contents = {"$XDSSubmissionSetEntryUUID": f"'{ID['set1']}'"}
    assert asked.ask("GetSubmissionSetAndContents", contents, kind, max_results=10).codes == []
    assert asked.ask("GetSubmissionSetAndContents", contents, kind, max_results=9).codes == [Code.XDSTooManyResults]
    everything = {"$patientId": MINE, "$XDSDocumentEntryStatus": BOTH, "$XDSSubmissionSetStatus": BOTH}
    everything["$XDSFolderStatus"] = BOTH
    for most in (3, 8, 10):
        assert asked.ask("GetAll", everything, kind, max_results=most).codes == [Code.XDSTooManyResults]


FOLDER_CONTENTS = {"$XDSFolderEntryUUID": f"'{ID['pregnancy']}'"}
BOUNDED = [
    ("GetSubmissionSetAndContents", {"$XDSSubmissionSetEntryUUID": f"'{ID['set1']}'"}),
    ("GetFolderAndContents", FOLDER_CONTENTS),
    ("GetFolderAndContents", {**FOLDER_CONTENTS, "$XDSDocumentEntryFormatCode": "('f^^2.999.8')"}),
    ("GetFoldersForDocument", {"$XDSDocumentEntryEntryUUID": f"'{ID['old']}'"}),
    ("GetSubmissionSets", {"$uuid": f"('{ID['old']}','{ID['pregnancy']}')"}),
    ("GetRelatedDocuments", {"$XDSDocumentEntryEntryUUID": f"'{ID['old']}'",
                             "$AssociationTypes": "('urn:ihe:iti:2007:AssociationType:RPLC',"
                                                  "'urn:ihe:iti:2007:AssociationType:APND')"}),
    ("GetDocumentsAndAssociations", {"$XDSDocumentEntryEntryUUID": f"'{ID['old']}'"}),
    ("GetAssociations", {"$uuid": f"('{ID['old']}')"}),
    ("GetAll", {"$patientId": MINE, "$XDSDocumentEntryStatus": BOTH, "$XDSSubmissionSetStatus": BOTH,
                "$XDSFolderStatus": BOTH}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "parameters"), BOUNDED)
def test_no_query_reads_more_than_an_answer_may_hold(asked, query, parameters):
    for most in range(len(asked.ask(query, parameters).names)):
        index = Counting(asked.index)
        assert asked.ask(query, parameters, index=index, max_results=most).codes == [Code.XDSTooManyResults]
        assert index.most <= most + 1


PARAMETERS = [
    ({"$XDSDocumentEntryPatientId": []}, Code.XDSStoredQueryMissingParam),
    ({"$XDSDocumentEntryStatus": []}, Code.XDSStoredQueryMissingParam),
    ({"$XDSDocumentEntryPatientId": f"({MINE},{MINE})"}, Code.XDSStoredQueryParamNumber),
    ({"$XDSDocumentEntryPatientId": [MINE, MINE]}, Code.XDSStoredQueryParamNumber),
    ({"$XDSDocumentEntryClassCode": ["('a^^1.2')", "('b^^1.2')"]}, Code.XDSStoredQueryParamNumber),
    ({"$XDSDocumentEntryCreationTimeFrom": "(2025,2026)"}, Code.XDSStoredQueryParamNumber),
    ({"$XDSDocumentEntryClassCode": "('a')"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryClassCode": "('a^^')"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryEventCodeList": ["('a^^1.2')", "('b^name^1.2')"]}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryStatus": "('Approved')"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryCreationTimeFrom": "'yesterday'"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryServiceStopTimeTo": "20260230"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryType": "('urn:uuid:00000000-0000-0000-0000-000000000000')"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryClassCode": "('a^^1.2"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryClassCode": "('a^^1.2'"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryClassCode": "a^^1.2"}, Code.XDSRegistryError),
    ({"$XDSDocumentEntryPatientId": MINE[1:]}, Code.XDSRegistryError),
]


@pytest.mark.parametrize(("parameters", "code"), PARAMETERS)
def test_a_wrong_parameter_is_named(asked, parameters, code):
    answer = asked.ask("FindDocuments", {**FIND, **parameters})
    assert answer.codes == [code]
    (name,) = parameters
    assert name in answer.errors[0].get("codeContext")
    assert name in answer.errors[0].get("location")
    assert PATIENT.partition("^")[0].encode() not in b"".join(answer.reply.body)


ALTERNATIVES = [
    ("GetDocuments", "$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"),
    ("GetDocuments", "$XDSDocumentEntryLogicalID", "$XDSDocumentEntryUniqueId"),
    ("GetFolders", "$XDSFolderEntryUUID", "$XDSFolderUniqueId"),
    ("GetDocumentsAndAssociations", "$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"),
    ("GetSubmissionSetAndContents", "$XDSSubmissionSetEntryUUID", "$XDSSubmissionSetUniqueId"),
    ("GetFolderAndContents", "$XDSFolderEntryUUID", "$XDSFolderUniqueId"),
    ("GetFoldersForDocument", "$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"),
    ("GetRelatedDocuments", "$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"),
]


@pytest.mark.parametrize(("query", "one", "other"), ALTERNATIVES)
def test_of_two_alternatives_exactly_one_is_given(asked, query, one, other):
    types = {"$AssociationTypes": "('urn:ihe:iti:2007:AssociationType:RPLC')"}
    both = {one: f"'{ID['new']}'", other: "'2.999.1'"}
    assert asked.ask(query, {**both, **types}).codes == [Code.XDSStoredQueryParamNumber]
    assert asked.ask(query, types).codes == [Code.XDSStoredQueryMissingParam]
    assert asked.ask(query, {one: "'unfinished", **types}).codes == [Code.XDSRegistryError]


SINGLE = [
    ("GetSubmissionSetAndContents", "$XDSSubmissionSetUniqueId"),
    ("GetFolderAndContents", "$XDSFolderUniqueId"),
    ("GetFoldersForDocument", "$XDSDocumentEntryUniqueId"),
    ("GetRelatedDocuments", "$XDSDocumentEntryEntryUUID"),
]


@pytest.mark.parametrize(("query", "parameter"), SINGLE)
def test_these_take_one_object(asked, query, parameter):
    types = {"$AssociationTypes": "('urn:ihe:iti:2007:AssociationType:RPLC')"}
    assert asked.ask(query, {parameter: "('1.2','1.3')", **types}).codes == [Code.XDSStoredQueryParamNumber]


REQUIRED = {
    "FindDocuments": 2,
    "FindDocumentsByReferenceId": 3,
    "FindSubmissionSets": 2,
    "FindFolders": 2,
    "GetAll": 4,
    "GetAssociations": 1,
    "GetSubmissionSets": 1,
    "GetRelatedDocuments": 2,
}


@pytest.mark.parametrize(("query", "number"), REQUIRED.items())
def test_every_missing_parameter_is_reported(asked, query, number):
    assert asked.ask(query, {}).codes == [Code.XDSStoredQueryMissingParam] * number


def test_all_mistakes_are_reported_together(asked):
    wrong = {
        "$XDSDocumentEntryStatus": "('Approved')",
        "$XDSDocumentEntryClassCode": "('a'",
        "$XDSDocumentEntryTypeCode": ["('a^^1')", "('b^^1')"],
    }
    answer = asked.ask("FindDocuments", wrong, "Everything")
    assert sorted(answer.codes) == [
        *[Code.XDSRegistryError] * 3,
        Code.XDSStoredQueryMissingParam,
        Code.XDSStoredQueryParamNumber,
    ]


@pytest.mark.parametrize("kind", ["", "leafclass", "RegistryObject", "LeafClassWithRepositoryItem"])
def test_other_return_types_are_refused(asked, kind):
    answer = asked.ask("FindDocuments", FIND, kind)
    assert answer.codes == [Code.XDSRegistryError]
    assert "returnType" in answer.errors[0].get("codeContext")


def test_an_unknown_query_is_named_as_such(asked):
    answer = asked.ask("urn:uuid:00000000-0000-4000-8000-000000000000", FIND)
    assert answer.codes == [Code.XDSUnknownStoredQuery]
    assert answer.errors[0].get("location") == "urn:uuid:00000000-0000-4000-8000-000000000000"
    assert asked.ask(IDS["FindDocuments"].upper(), FIND).codes == []


def test_a_request_without_a_query(asked):
    bare = '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"/>'
    assert Code.XDSRegistryError in asked.send(bare).codes


def test_another_community_is_not_ours(asked):
    ours = "urn:oid:2.999.1"
    by_id = {"$XDSDocumentEntryUniqueId": f"('{UNIQUE['new']}')"}
    for home, parameter, codes in (
        ("", "", []),
        (ours, ours, []),
        ("urn:oid:2.999.2", ours, [Code.XDSUnknownCommunity]),
        (ours, "urn:oid:2.999.2", [Code.XDSUnknownCommunity]),
    ):
        more = {"$homeCommunityId": f"'{parameter}'"} if parameter else {}
        message = request(IDS["GetDocuments"], {**by_id, **more}, home=home)
        assert asked.send(message, home_community_id=ours).codes == codes


def test_a_registry_that_can_t_read_says_so(tmp_path):
    asked = Asked(tmp_path / "index.db")
    asked.index.close()
    (tmp_path / "index.db").write_bytes(b"no database" * 1000)
    assert asked.ask("FindDocuments", FIND).codes == [Code.XDSRegistryOutOfResources]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("'a'", ["a"]),
        (" ( 'a' , 'b''c' ,\n 3 ) ", ["a", "b'c", "3"]),
        ("('')", [""]),
        ("''''", ["'"]),
        ("'(''a'',''b'')'", ["('a','b')"]),
        ("20260401", ["20260401"]),
        ("'" + "x" * 5000 + "'", ["x" * 5000]),
    ],
)
def test_values(text, values):
    assert parse_values(text) == values


@pytest.mark.parametrize(
    "text", ["", "a", "'a", "a'", "'a'b'", "(", "()", "('a'", "('a',)", "('a''b)", "('a') x", "('a' 'b')"]
)
def test_values_that_are_not_coded_well(text):
    with pytest.raises(ValueError, match=r"."):
        parse_values(text)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_any_texts_read_back(texts):
    assert parse_values("(" + ",".join("'" + text.replace("'", "''") + "'" for text in texts) + ")") == texts


def test_values_of_one_slot_are_one_list():
    message = request("urn:x", {"$a": "('1','2')"}).replace("</rim:Value>", "</rim:Value><rim:Value>'3'</rim:Value>")
    query, issues = decode_adhoc_query(etree.fromstring(message))
    assert (query.parameters, issues) == ({"$a": [["1", "2", "3"]]}, [])


def test_ten_thousand_values_find_what_one_finds(asked):
    ids = ",".join(f"'2.999.60.{n}'" for n in range(10_000))
    answer = asked.ask("GetDocuments", {"$XDSDocumentEntryUniqueId": f"({ids},'{UNIQUE['new']}')"})
    assert (answer.codes, answer.names) == ([], {"new"})


def test_a_patient_sees_nothing_of_another(asked):
    answer = asked.ask("FindDocuments", {**FIND, "$XDSDocumentEntryPatientId": f"'{OTHER_PATIENT}'"})
    assert answer.names == {"strangers"}
    assert PATIENT.encode() not in b"".join(answer.reply.body)
