"""NEN 7513 XML, DICOM audit messages and FHIR AuditEvents of every sort of event."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from logs import HOSPITAL, JANSEN, MARIA, PERMITTED, RECORDER, event, requester
from lxml import etree

from xds.audit import dicom, fhir, nen7513
from xds.audit.events import KINDS
from xds.audit.record import decode
from xds.model.audit import Access, Document, Record, Thing
from xds.model.coded import Coded
from xds.model.party import Person
from xds.model.verdict import Checks

ROOT = Path(__file__).resolve().parents[2]
NEN = f"{{{nen7513.NAMESPACE}}}"
HOSTILE = "a\x00\x1b[31m\r\n<b>&\"'‮"

CHIEF = Person("987654321", "2.16.528.1.1007.3.1", "A. de Wit", Coded("01.046", "2.16.840.1.113883.2.4.15.111"))
RESTRICTED = (Document("1.2.3", confidentiality="R"),)
URGENT = PERMITTED._replace(checks=Checks(True, None, None, True))
EVENTS = {
    **{name: event(1, transaction=name) for name in KINDS},
    "mandated": event(1, requester=requester(HOSPITAL, responsible=CHIEF)),
    "emergency": event(1, Access(MARIA, URGENT), requester=requester(emergency="bloeding")),
    "retrieved": event(1, Access(MARIA, PERMITTED, RESTRICTED), transaction="ITI-43", query_id="", query=""),
    "submitted": event(1, transaction="ITI-41", submission_set="1.2.9", query_id="", query=""),
    "refused": event(1, Access(MARIA, PERMITTED._replace(permitted=False)), outcome=4, outcome_text="AccessDenied"),
    "nothing found": event(1, Access(MARIA, PERMITTED)),
    "nobody": event(1, Access(None), transaction="unintelligible", requester=None, outcome=8, query_id="", query=""),
    "a system": event(1, Access(None), requester=None, participant=JANSEN.participant),
    "a thing": event(1, Access(None), transaction="log-read",
                     things=(Thing(Coded("log", "xds", "Log"), "log/0-9", "Log", (("patient", "yes"),)),)),
    "hostile": event(1, Access(MARIA, PERMITTED._replace(reason=HOSTILE), (Document(HOSTILE),)), outcome_text=HOSTILE,
                     query=HOSTILE, address=HOSTILE, requester=requester(emergency=HOSTILE)),
}  # fmt: skip


def record_of(name: str) -> Record:
    return decode(RECORDER.entries(EVENTS[name])[0].payload)


@pytest.mark.parametrize("name", EVENTS)
def test_every_mandatory_and_conditional_field_of_the_norm_is_filled(name: str) -> None:
    record = record_of(name)
    filled = [(field.number, value) for field, value in nen7513.fields(record) if value]
    numbers = {number for number, _ in filled}
    expected = {field.number for field in nen7513.FIELDS if field.obligation in ("M", "C")}
    if record.patient is None:
        expected -= {"7.4.7", "7.4.8"}
    assert expected <= numbers
    assert all(value.code and value.scheme for _, value in filled if isinstance(value, Coded))


def test_the_table_is_that_of_the_norm() -> None:
    sizes = {"7.2": 6, "7.3": 10, "7.4": 12, "7.5": 3}
    numbers = [f"{chapter}.{place}" for chapter, size in sizes.items() for place in range(1, size + 1)]
    assert [field.number for field in nen7513.FIELDS] == numbers
    mandatory = ["7.2.1", "7.2.2", "7.2.3", "7.3.1", "7.3.4", "7.4.1", "7.4.3", "7.4.6", "7.5.2"]
    assert [field.number for field in nen7513.FIELDS if field.obligation == "M"] == mandatory
    conditional = ["7.2.6", "7.3.6", "7.3.8", "7.4.7", "7.4.8"]
    assert [field.number for field in nen7513.FIELDS if field.obligation == "C"] == conditional


def test_the_xml_has_every_field_with_its_number_and_fits_our_schema() -> None:
    xml = b"".join(nen7513.document((seq, record_of(name)) for seq, name in enumerate(EVENTS)))
    document = etree.fromstring(xml)
    etree.XMLSchema(etree.parse(ROOT / "wsdl/nen7513.xsd")).assertValid(document)
    assert len(document) == len(EVENTS)
    row = document[list(EVENTS).index("mandated")]
    found = {each.get("nen"): each for each in row.iter(etree.Element) if each.get("nen")}
    assert found["7.2.3"].text == "2025-03-12T13:05:01Z"
    assert found["7.2.6"].text == "TTTF"
    assert found["7.3.1"].text == "123456789^^^&2.16.528.1.1007.3.1&ISO"
    assert found["7.3.6"].text == "987654321^^^&2.16.528.1.1007.3.1&ISO@00005678"
    assert found["7.4.8"].text == "consent 12"
    hostile = document[list(EVENTS).index("hostile")].find(f"{NEN}aanvulling/{NEN}motivering")
    assert hostile is not None and hostile.text is not None and hostile.text.startswith("a��[31m")


@pytest.fixture(scope="module")
def official() -> etree.XMLSchema:
    path = ROOT.parent / "shared/schemas/dicom-audit-message.xsd"
    if not path.exists():
        pytest.skip("the schema of DICOM audit messages is not in ../shared/schemas")
    return etree.XMLSchema(etree.parse(path))


@pytest.mark.parametrize("name", EVENTS)
def test_a_dicom_message_fits_the_official_schema(name: str, official: etree.XMLSchema) -> None:
    assert official.validate(etree.fromstring(dicom.message(record_of(name)))), official.error_log


def participants(name: str) -> list[tuple[str | None, str | None]]:
    message = etree.fromstring(dicom.message(record_of(name)))
    return [(each.get("UserIsRequestor"), each[0].get("csd-code")) for each in message.iter("ActiveParticipant")]


def test_a_dicom_message_names_who_asked_who_sent_and_who_got() -> None:
    assert participants("ITI-18") == [("true", "01.041"), ("false", "110153"), ("false", "110152")]
    assert participants("ITI-43") == [("true", "01.041"), ("false", "110152"), ("false", "110153")]
    assert participants("mandated")[:2] == [("true", "01.041"), ("false", "01.046")]
    assert participants("a system") == [("true", "110153"), ("false", "110152")]


def test_a_dicom_message_has_the_query_the_patient_and_what_was_decided() -> None:
    message = etree.fromstring(dicom.message(record_of("ITI-18")))
    patient, query, document = message.iter("ParticipantObjectIdentification")
    details = {each.get("type"): base64.b64decode(each.get("value") or "").decode() for each in patient[1:]}
    assert patient.get("ParticipantObjectID") == str(MARIA)
    assert (details["controles"], details["toestemmingsprofiel"]) == ("TTTF", "consent 12")
    assert query[0].get("csd-code") == "ITI-18"
    assert base64.b64decode(query.findtext("ParticipantObjectQuery") or "").startswith(b"<AdhocQuery")
    assert document.get("ParticipantObjectID") == "1.2.3"


def test_what_a_repository_asks_is_an_iti_18_of_its_own_kind() -> None:
    record = record_of("retrieval-check")
    message = etree.fromstring(dicom.message(record))
    assert [each.get("csd-code") for each in message.iter("EventTypeCode")] == ["retrieval-check", "ITI-18"]
    assert [kind["code"] for kind in fhir.audit_event(7, record)["subtype"]] == ["retrieval-check", "ITI-18"]
    assert [value.code for field, value in nen7513.fields(record) if field.name == "aard"] == ["retrieval-check"]


@pytest.mark.parametrize("name", EVENTS)
def test_an_audit_event_has_what_fhir_and_balp_ask(name: str) -> None:
    record = record_of(name)
    found = msgspec.json.decode(msgspec.json.encode(fhir.audit_event(7, record)))
    assert {"resourceType", "type", "recorded", "agent", "source", "entity"} <= found.keys()
    assert (found["resourceType"], found["id"], found["outcome"]) == ("AuditEvent", "log-7", str(record.outcome))
    assert found["source"]["observer"] and found["recorded"].endswith("Z")
    assert [agent["requestor"] for agent in found["agent"]].count(True) == 1
    assert all("who" in agent for agent in found["agent"])
    for entity in found["entity"]:
        assert not ("name" in entity and "query" in entity), "sev-1"
        assert entity["what"]["identifier"]["value"]
    empty = (None, "", [], {})
    assert not [value for value in walk(found) if value in empty]


def walk(value: object) -> list[object]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(inner for each in below for inner in walk(each))]


def test_an_audit_event_tells_the_token_and_the_patient() -> None:
    found = fhir.audit_event(7, record_of("mandated"))
    user = next(agent for agent in found["agent"] if agent["requestor"])
    assert user["policy"] == ["_1"]
    assert user["who"]["identifier"] == {"system": "urn:oid:2.16.528.1.1007.3.1", "value": "123456789"}
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "TREATMENT"
    assert [agent["type"]["coding"][0]["code"] for agent in found["agent"]] == [
        "110153", "110152", "IRCP", "PROV", "RESP",
    ]  # fmt: skip
    assert found["entity"][0]["what"]["identifier"]["value"] == MARIA.number
    assert found["subtype"][0] == {
        "system": "urn:ihe:event-type-code", "code": "ITI-18", "display": "Registry Stored Query",
    }  # fmt: skip
