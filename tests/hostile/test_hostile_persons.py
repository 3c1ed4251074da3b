"""Persons who claim more than they are: tokens for others, mandates, emergencies, consent that changes meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from identity_samples import SAML, sign
from lxml import etree
from region import GYNAECOLOGIST, MIDWIFE, Region, entry, guarded, query, retrieval, submission
from samples import OTHER_PATIENT, PATIENT
from served import Served

from xds.db import open_database
from xds.ebrim.vocabulary import RIM
from xds.identity.xua import RESOURCES
from xds.model.affinity_domain import AffinityDomain
from xds.model.coded import Coded
from xds.model.hl7 import CX, parse_cx
from xds.model.ids import new_uuid
from xds.registry.iti8_patient_identity_feed import merge
from xds.transaction import Registry

MINE, STRICT, ODD, OTHERS = (new_uuid() for _ in range(4))
CONFIDENTIALITY = "2.16.840.1.113883.5.25"
APPROVED = ["('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"]
YOUTH_DOCTOR = "01.070"


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Iterator[Region]:
    """The midwife practice published; the hospital treats the client and has her consent."""
    made = guarded(tmp_path_factory.mktemp("persons"), PATIENT, OTHER_PATIENT)
    with Served(made, XDS_SERVER_WORKERS=2) as server:
        server.logged("ready", 2)
        region = Region(made, server)
        for patient, entries in ((PATIENT, (MINE, STRICT, ODD)), (OTHER_PATIENT, (OTHERS,))):
            codes = {STRICT: "V", ODD: "odd"}
            sent = [
                entry(
                    "midwife-practice", each, f"2.999.100.7{number}{len(entries)}", patient_id=patient,
                    source_patient_id=patient,
                    confidentiality_code=(Coded(codes.get(each, "N"), CONFIDENTIALITY, "x"),),
                )
                for number, each in enumerate(entries)
            ]  # fmt: skip
            whole = submission("midwife-practice", *sent, patient_id=patient)
            midwife = region.token("midwife-practice", MIDWIFE)
            answer = region.provide("midwife-practice", midwife, whole, dict.fromkeys(entries, b"a document"))
            assert b"ResponseStatusType:Success" in answer
            region.consent("relation", "--organisation", "00010990", patient=patient)
            who = ("--consumer", "organisation:00010990", "--channel", "paper")
            region.consent("record", "--permit", *who, patient=patient)
        yield region
        region.close()


def found(answer: bytes) -> set[str]:
    return {each.get("id") for each in etree.fromstring(answer).iter(f"{{{RIM}}}ExtrinsicObject")}


def of(patient: str) -> str:
    return query("FindDocuments", {"$XDSDocumentEntryPatientId": [f"'{patient}'"], "$XDSDocumentEntryStatus": APPROVED})


def by_uuid(*uuids: str, returns: str = "LeafClass") -> str:
    listed = ["(" + ",".join(f"'{each}'" for each in uuids) + ")"]
    return query("GetDocuments", {"$XDSDocumentEntryEntryUUID": listed}, returns)


def test_consent_shows_what_is_normal_and_nothing_of_unknown_confidentiality(region):
    doctor = region.token("hospital", GYNAECOLOGIST)
    assert found(region.ask("hospital", doctor, of(PATIENT))) == {MINE}
    assert found(region.ask("hospital", doctor, by_uuid(MINE, STRICT, ODD))) == {MINE}


def test_a_token_for_one_patient_is_for_no_other(region):
    own = region.token("hospital", GYNAECOLOGIST, patient=parse_cx(PATIENT))
    assert found(region.ask("hospital", own, of(PATIENT))) == {MINE}
    for patient in (parse_cx(OTHER_PATIENT), CX(parse_cx(PATIENT).number, "2.999.5")):
        other = region.token("hospital", GYNAECOLOGIST, patient=patient)
        assert b"resource-id is another patient" in region.ask("hospital", other, of(PATIENT))
        assert not found(region.ask("hospital", other, by_uuid(MINE)))
        asked = retrieval(region.repository, ["2.999.100.703"])
        assert b"XDSDocumentUniqueIdError" in region.ask("hospital", other, asked, "/repository")
        mine = submission("hospital", entry("hospital", "Document01", "2.999.100.750"))
        assert b"resource-id" in region.provide("hospital", other, mine, {"Document01": b"x"})
        assert b"resource-id" in region.register("hospital", mine, other)
    assert b"a document" in region.ask("hospital", own, retrieval(region.repository, ["2.999.100.703"]), "/repository")


def test_both_spellings_of_the_resource_id_must_agree(region):
    def token(second: str) -> bytes:
        said = region.issuer.compose(
            region.said("hospital", GYNAECOLOGIST, patient=parse_cx(PATIENT)), datetime.now(UTC)
        )
        statement = said.find(f"{{{SAML[1:-1]}}}AttributeStatement")
        (first,) = [each for each in statement if each.get("Name") == RESOURCES[0]]
        attribute = etree.SubElement(statement, first.tag, Name=RESOURCES[1])
        etree.SubElement(attribute, first[0].tag).text = second
        return etree.tostring(sign(region.issuer, said))

    assert found(region.ask("hospital", token(PATIENT), of(PATIENT))) == {MINE}
    status, answer = region.send("/registry", "hospital", token(OTHER_PATIENT), of(PATIENT))
    assert status == 400
    assert b"resource-id" in answer


def test_who_is_mandated_sees_what_the_one_that_mandates_may_and_both_are_on_record(region):
    token = region.token("hospital", GYNAECOLOGIST, mandated="000055555")
    assert found(region.ask("hospital", token, of(PATIENT))) == {MINE}
    (record,) = [json.loads(each) for each in region.audit("--employee", "000055555").splitlines()]
    assert record["user"]["responsible"]["number"] == "000012345"


def test_an_assertion_for_one_use_is_used_once_whoever_asks_first(region):
    token = region.token("hospital", GYNAECOLOGIST, one_time=True)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: region.send("/registry", "hospital", token, of(PATIENT))[0], range(8)))
    assert sorted(statuses) == [200] + 7 * [400]


def test_the_glass_is_broken_by_whom_it_may_be_and_with_a_reason(region):
    for organisation, role in (("jgz", YOUTH_DOCTOR), ("jgz", "99.999")):
        token = region.token(organisation, role, "BTG", reason="bloedverlies")
        assert not found(region.ask(organisation, token, of(PATIENT)))
    status, _ = region.send("/registry", "jgz", region.token("jgz", GYNAECOLOGIST, "BTG"), of(PATIENT))
    assert status == 400, "no reason"
    token = region.token("jgz", GYNAECOLOGIST, "BTG", reason="bloedverlies")
    assert MINE in found(region.ask("jgz", token, of(PATIENT)))
    assert "bloedverlies" in region.audit("--emergency", "--organisation", "00054321")


def test_documents_of_two_patients_make_two_records(region):
    doctor = region.token("hospital", GYNAECOLOGIST, user="000077777")
    answer = region.ask("hospital", doctor, by_uuid(MINE, OTHERS, returns="ObjectRef"))
    assert answer.count(b"<rim:ObjectRef ") == 2
    records = [json.loads(each) for each in region.audit("--employee", "000077777").splitlines()]
    assert [(each.get("number", 0), len(each["documents"])) for each in records] == [(0, 1), (1, 1)]
    assert {each["patient"] for each in records} == {PATIENT, OTHER_PATIENT}
    assert len({each["request_id"] for each in records}) == 1


def test_the_record_of_a_set_tells_why_it_was_shown_or_not(region):
    def sets_of(document: str, user: str) -> tuple[int, tuple]:
        doctor = region.token("hospital", GYNAECOLOGIST, user=user)
        answer = region.ask("hospital", doctor, query("GetSubmissionSets", {"$uuid": [f"('{document}')"]}))
        (record,) = [json.loads(each) for each in region.audit("--employee", user).splitlines()]
        return answer.count(b"<rim:RegistryPackage "), (record["outcome"], record["checks"], record["rule"])

    strict, plain = new_uuid(), new_uuid()
    sent = [
        entry(
            "midwife-practice", each, f"2.999.100.8{number}", confidentiality_code=(Coded(code, CONFIDENTIALITY, "x"),)
        )
        for number, (each, code) in enumerate([(strict, "V"), (plain, "N")])
    ]
    answer = region.register("midwife-practice", submission("midwife-practice", *sent))
    assert b"ResponseStatusType:Success" in answer
    assert sets_of(plain, "000088881") == (1, (0, "TTTF", "consent"))
    assert sets_of(STRICT, "000088882") == (0, (4, "TTTF", "confidentiality"))


def test_consent_withdrawn_between_query_and_retrieval_and_a_merged_patient(region):
    doctor = region.token("hospital", GYNAECOLOGIST)
    asked = retrieval(region.repository, ["2.999.100.701"])
    assert found(region.ask("hospital", doctor, by_uuid(OTHERS))) == {OTHERS}
    assert b"a document" in region.ask("hospital", doctor, asked, "/repository")
    who = ("--consumer", "organisation:00010990", "--channel", "paper")
    region.consent("record", "--deny", *who, patient=OTHER_PATIENT)
    assert b"XDSDocumentUniqueIdError" in region.ask("hospital", doctor, asked, "/repository")

    database = open_database(region.database)
    registry = Registry(database, AffinityDomain, lambda: datetime.now(UTC), None, 100)
    asyncio.run(merge(registry, [(OTHER_PATIENT, PATIENT)]))
    database.close()
    midwife = region.token("midwife-practice", MIDWIFE, patient=parse_cx(OTHER_PATIENT))
    assert not found(region.ask("midwife-practice", midwife, by_uuid(OTHERS))), "a token for the number that is gone"
    midwife = region.token("midwife-practice", MIDWIFE, patient=parse_cx(PATIENT))
    assert OTHERS in found(region.ask("midwife-practice", midwife, by_uuid(OTHERS)))
    assert not found(region.ask("hospital", doctor, by_uuid(OTHERS))), "an objection outlives a merge"
