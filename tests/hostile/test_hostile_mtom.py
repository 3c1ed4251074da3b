"""Hostile MTOM and data: cases 38 to 48 and 74 to 81 of the catalogue."""

from __future__ import annotations

import re
import threading
import time

import pytest
from oracle import CANARY_BSN, error_codes, fault_codes
from samples import PATIENT, entry, submission

from xds.ebrim.submit import encode_submit_objects
from xds.registry.stored_query import discover_queries

TYPE = 'multipart/related; type="application/xop+xml"; boundary="b"; start="<root>"; start-info="application/soap+xml"'
SOAP = "http://www.w3.org/2003/05/soap-envelope"
RELATED = (
    '--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-ID: <root>\r\n\r\n'
)
PLAIN = "application/soap+xml; charset=UTF-8"
APPROVED = "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"
QUERIES = discover_queries()
PARAMETERS = [(query, parameter.name) for query in QUERIES.values() for parameter in query.parameters]
INJECTIONS = ("'x'' OR ''1''=''1'", "('x''; DROP TABLE document_entry; --^^2.999')", "' OR 1=1 --", "1 OR 1=1")
FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
ALLOWED = {"XDSRegistryError", "XDSStoredQueryParamNumber", "XDSUnknownPatientId", "XDSStoredQueryMissingParam"}


def provided(
    made=None, document: str = '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:doc"/>'
) -> bytes:
    made = made or submission(entry(hash=None, size=None, repository_unique_id=None))
    head = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'
        '<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">'
    )
    tail = (
        f'<x:Document id="Document01">{document}</x:Document></x:ProvideAndRegisterDocumentSetRequest>'
        "</s:Body></s:Envelope>"
    )
    return head.encode() + encode_submit_objects(made) + tail.encode()


def message(root: bytes, *parts: tuple[str, bytes], end: bytes = b"\r\n--b--\r\n") -> bytes:
    body = RELATED.encode() + root
    for head, content in parts:
        body += f"\r\n--b\r\n{head}\r\n\r\n".encode() + content
    return body + end


def include(href: str) -> str:
    return f'<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="{href}"/>'


DOC = ("Content-ID: <doc>", CANARY_BSN.encode())
CASES = {
    "38 href to http": lambda v: message(provided(document=include(v.lure)), DOC),
    "39 href to a file": lambda v: message(provided(document=include(f"file://{v.canary}")), DOC),
    "40 cid with a path": lambda v: message(provided(document=include("cid:../../etc/passwd")), DOC),
    "40 cid with an encoded path": lambda v: message(provided(document=include("cid:%2e%2e%2fetc")), DOC),
    "41 unknown cid": lambda v: message(provided(document=include("cid:other")), DOC),
    "42 duplicate Content-ID": lambda v: message(provided(), DOC, DOC),
    "43 XPath in Content-ID": lambda v: message(provided(), ('Content-ID: <a"] | //*[@x="1>', b"x")),
    "44 10,000 parts": lambda v: message(provided(), *((f"Content-ID: <p{n}>", b"") for n in range(10_000))),
    "45 part header of 1 MB": lambda v: message(provided(), (f"X: {'x' * (1 << 20)}", b"x")),
    "46 part without Content-ID": lambda v: message(provided(), ("Content-Type: text/plain", b"x")),
    "47 no closing boundary": lambda v: message(provided(), DOC, end=b""),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_mtom_gets_a_fault(victim, case):
    body = CASES[case](victim)
    with victim.unharmed():
        head = f"POST /repository HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        answer = victim.raw(head.encode() + body)
    assert answer.split()[1] == b"400"
    assert fault_codes(answer) == ["soap:Sender"]
    assert CANARY_BSN.encode() not in answer


def test_48_an_attachment_is_never_parsed(victim):
    itself = f"<x>{include('cid:doc')}</x>".encode()
    made = submission(entry(hash="0" * 40, size=None, repository_unique_id=None))
    with victim.unharmed():
        status, answer = victim.post("/repository", message(provided(made), ("Content-ID: <doc>", itself)), TYPE)
    assert status == 200
    assert error_codes(answer) == ["XDSRepositoryMetadataError"]


@pytest.mark.parametrize(
    "unique_id", ["../../etc/passwd", "1.2.3/../4", "1." * 500_000 + "1", "1.2.3\u20244", "1.2.3^a\u202eb", "1.2.3^"]
)
def test_74_75_hostile_unique_ids_are_refused(victim, unique_id):
    made = submission(entry(unique_id=unique_id, hash=None, size=None, repository_unique_id=None))
    with victim.unharmed():
        status, answer = victim.post("/repository", message(provided(made), DOC), TYPE)
    assert status == 200
    # One that is too long for ebRIM shows to the repository already.
    assert "XDSRegistryMetadataError" in error_codes(answer)
    assert set(error_codes(answer)) <= {"XDSRegistryMetadataError", "XDSRepositoryMetadataError"}


def query(parameters: dict[str, str], query_id: str = FIND_DOCUMENTS) -> bytes:
    given = {"$XDSDocumentEntryPatientId": f"'{PATIENT}'", "$XDSDocumentEntryStatus": APPROVED, **parameters}
    slots = "".join(
        f'<r:Slot name="{name}"><r:ValueList><r:Value>{value.replace("&", "&amp;").replace("<", "&lt;")}</r:Value>'
        "</r:ValueList></r:Slot>"
        for name, value in given.items()
    )
    return (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'
        '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
        f'<r:AdhocQuery id="{query_id}">{slots}</r:AdhocQuery></q:AdhocQueryRequest>'
        "</s:Body></s:Envelope>"
    ).encode()


@pytest.mark.parametrize(("stored", "name"), PARAMETERS, ids=[f"{query.name} {name}" for query, name in PARAMETERS])
def test_76_sql_in_a_parameter_is_a_value(victim, stored, name):
    needed = {
        parameter.name: APPROVED if parameter.name.endswith("Status") else f"'{PATIENT}'"
        for parameter in stored.parameters
        if parameter.required
    }
    with victim.unharmed():
        for injection in INJECTIONS:
            status, answer = victim.post("/registry", query({**needed, name: injection}, stored.id), PLAIN)
            assert status == 200
            assert set(error_codes(answer)) <= ALLOWED
            assert b"ExtrinsicObject" not in answer
            assert b"RegistryPackage" not in answer


@pytest.mark.parametrize("pattern", ["%a" * 5000 + "%b", "_%" * 5000, "\\" * 9999, "%" * 100_000])
def test_77_wildcards_cost_little(victim, pattern):
    with victim.unharmed():
        status, answer = victim.post("/registry", query({"$XDSDocumentEntryAuthorPerson": f"'{pattern}'"}), PLAIN)
    assert status == 200
    assert b"ResponseStatusType:Success" in answer


def test_78_ten_thousand_values(victim):
    values = "(" + ",".join(f"'code-{n}^^2.999'" for n in range(10_000)) + ")"
    with victim.unharmed():
        status, answer = victim.post("/registry", query({"$XDSDocumentEntryClassCode": values}), PLAIN)
    assert status == 200
    assert b"ResponseStatusType:Success" in answer


def test_79_control_characters_don_t_reach_the_log(victim):
    sly = "\u202eevil"
    action = f'application/soap+xml; action="{CANARY_BSN}"'
    before = len(victim.log().splitlines())
    with victim.unharmed():
        victim.post("/registry", query({f"${sly}": f"'{sly}&#13;&#10;forged'"}), action)
    deadline = time.monotonic() + 10
    while not (lines := victim.log().splitlines()[before:]):
        assert time.monotonic() < deadline, "nothing was logged"
        threading.Event().wait(0.02)
    assert all(line.startswith("{") and line.endswith("}") and line.isascii() for line in lines)


def test_80_wrong_hash_and_size(victim):
    made = submission(entry(hash="0" * 40, size="1", repository_unique_id=None))
    with victim.unharmed():
        status, answer = victim.post("/repository", message(provided(made), DOC), TYPE)
    assert status == 200
    assert error_codes(answer) == ["XDSRepositoryMetadataError"] * 2


def test_81_a_unique_id_with_other_content(victim):
    made = submission(entry(unique_id="2.999.81", hash=None, size=None, repository_unique_id=None))
    status, answer = victim.post("/repository", message(provided(made), ("Content-ID: <doc>", b"first")), TYPE)
    assert re.search(rb"ResponseStatusType:Success", answer), answer
    again = submission(entry(unique_id="2.999.81", hash=None, size=None, repository_unique_id=None))
    with victim.unharmed():
        status, answer = victim.post("/repository", message(provided(again), ("Content-ID: <doc>", b"second")), TYPE)
    assert status == 200
    assert set(error_codes(answer)) == {"XDSNonIdenticalHash", "XDSNonIdenticalSize"}
