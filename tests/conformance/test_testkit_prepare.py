"""A request is made from the testkit's metadata as its format says."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from testkit import plan as plans
from testkit.ebrim import LCM, RIM, to_version_3
from testkit.plan import Reference, Unsupported
from testkit.prepare import assign, provide, replace_symbols

MINI = Path(__file__).resolve().parents[2] / "fixtures" / "testkit-mini"
OLD = """<rs:SubmitObjectsRequest xmlns:rs="urn:oasis:names:tc:ebxml-regrep:registry:xsd:2.1">
  <LeafRegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:rim:xsd:2.1">
    <ObjectRef id="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"/>
    <ExtrinsicObject id="Document01" status="Approved">
      <ExternalIdentifier identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="Document01"/>
      <ExternalIdentifier identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="none"/>
      <Classification nodeRepresentation="x"><Slot name="codingScheme"/><Name/></Classification>
      <Name><LocalizedString value="a"/></Name><!-- a remark -->
      <Slot name="size"/>
    </ExtrinsicObject>
    <RegistryPackage id="SubmissionSet01">
      <ExternalIdentifier identificationScheme="urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832" value="1.2"/>
    </RegistryPackage>
    <Association sourceObject="SubmissionSet01" targetObject="Document01" associationType="HasMember"/>
    <Association sourceObject="Document01" targetObject="$old$" associationType="XFRM_RPLC"/>
  </LeafRegistryObjectList>
</rs:SubmitObjectsRequest>"""
PATIENT = "T1^^^&1.2.3&ISO"


def converted() -> etree._Element:
    request = to_version_3(etree.fromstring(OLD))
    assert request is not None
    return request


def plan(content: str) -> etree._Element:
    return etree.fromstring(f"<RegisterTransaction>{content}</RegisterTransaction>")


def test_version_2_becomes_version_3():
    request = converted()
    assert request.tag == f"{{{LCM}}}SubmitObjectsRequest"
    entry, package, member, replaces = request[0]
    assert [etree.QName(each).localname for each in entry] == [
        "Slot",
        "Name",
        "Classification",
        *["ExternalIdentifier"] * 2,
    ]
    assert entry.get("status") == "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
    classification = entry[2]
    assert classification.get("id") and classification.get("classifiedObject") == "Document01"
    assert entry[3].get("id") != entry[4].get("id") and entry[3].get("registryObject") == "Document01"
    assert package.get("objectType") == "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:RegistryPackage"
    assert member.get("associationType") == "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
    assert replaces.get("associationType") == "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
    assert {etree.QName(each).namespace for each in request[0].iter()} == {RIM}


def test_what_is_no_submission_is_not_converted():
    assert to_version_3(etree.fromstring("<RetrieveDocumentSetRequest/>")) is None


def test_patient_unique_and_source_ids_are_overwritten():
    request = converted()
    assigned = assign(request, plan(""), PATIENT)
    values = [each.get("value") for each in request.iter(f"{{{RIM}}}ExternalIdentifier")]
    assert values == [assigned.uids["Document01"], PATIENT, "1.3.6.1.4.1.21367.4"]
    assert assigned.uids["Document01"].startswith("1.3.6.1.4.1.21367.")
    assert assigned.uuids["Document01"] == "Document01"
    assert assign(converted(), plan(""), PATIENT).uids != assigned.uids


@pytest.mark.parametrize("directive", ["<NoAssignUids id='Document01'/>", "<NoAssignUids/>"])
def test_ids_that_a_plan_keeps(directive: str):
    assigned = assign(converted(), plan(directive), None)
    assert assigned.uids == {"Document01": "Document01"}
    assert assigned.patients == {"Document01": "none"}


def test_uuids_go_everywhere():
    request = converted()
    assigned = assign(request, plan("<AssignUuids/>"), PATIENT)
    entry, package, member, replaces = request[0]
    new = assigned.uuids["Document01"]
    assert new.startswith("urn:uuid:") and entry.get("id") == new
    assert {each.get("registryObject") for each in entry if each.get("registryObject")} == {new}
    assert entry[2].get("classifiedObject") == new == replaces.get("sourceObject")
    assert member.get("sourceObject") == package.get("id") == assigned.uuids["SubmissionSet01"]
    assert replaces.get("targetObject") == "$old$"


def test_documents_carry_the_id_of_their_entry():
    root, parts = provide(converted(), {"Document01": b"one", "Document09": b"nine"}, {"Document01": "urn:uuid:1"})
    documents = root.findall("{urn:ihe:iti:xds-b:2007}Document")
    assert [each.get("id") for each in documents] == ["urn:uuid:1", "Document09"]
    assert [parts[each[0].get("href", "").removeprefix("cid:")] for each in documents] == [b"one", b"nine"]


def test_a_symbol_that_begins_with_another_is_its_own():
    root = etree.fromstring("<a b='uid1 uid'>uid</a>")
    replace_symbols(root, {"uid": "X", "uid1": "Y", "": "never"})
    assert etree.tostring(root) == b'<a b="Y X">X</a>'


@pytest.mark.parametrize(
    ("directive", "place"),
    [
        ("<UseReport section='submit' step='s'/>", ("90001", "submit", "s")),
        ("<UseReport test='90000' section='pif' step='s'/>", ("90000", "pif", "s")),
        ("<UseReport step='s'/>", ("90001", "eval", "s")),
        ("<UseId step='s'/>", ("90001", "eval", "s")),
        ("<UseId testdir='../submit' step='s'/>", ("90001", "submit", "s")),
        ("<UseId testdir='submit' step='s'/>", ("90001", "submit", "s")),
        ("<UseId testdir='../../90002/query'/>", ("90002", "query", "")),
    ],
)
def test_directives_lead_to_sections(directive: str, place: tuple[str, str, str]):
    assert plans.Testkit(MINI).reference("90001", "eval", etree.fromstring(directive)) == Reference(*place)


def test_a_directive_that_leads_nowhere_is_unsupported():
    with pytest.raises(Unsupported):
        plans.Testkit(MINI).reference("90001", "eval", etree.fromstring("<UseId testdir='../../../x'/>"))


def test_a_test_that_refers_to_objects_of_another_uses_its_patient():
    testkit = plans.Testkit(MINI)
    assert testkit.patient_owner("90004") == "90002"
    assert testkit.patient_owner("90001") == "90001"
