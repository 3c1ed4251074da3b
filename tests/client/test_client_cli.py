"""The commands submit, query and retrieve, as a script calls them."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
import served
from client_peer import PATIENT, Answer, mtom_answer, part, sha1, soap
from identity_samples import ISSUER, SOAP, WSSE, statement
from lxml import etree

from xds.ebrim.encode import encode
from xds.ebrim.response import encode_query_response, encode_response
from xds.errors import Code, Issue
from xds.identity.issue import TestIssuer, make_issuer

RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
METADATA = """
[submission_set]
source_id = "1.2.3.9"
content_type_code = "c^Content^1.4"
[document]
class_code = "k^Class^1.5"
"""


@pytest.fixture
def xds(tmp_path):
    return functools.partial(served.xds, cwd=tmp_path)


@pytest.fixture
def document(tmp_path) -> Path:
    (tmp_path / "metadata.toml").write_text(METADATA)
    file = tmp_path / "letter.pdf"
    file.write_bytes(b"\r\nletter\r\n")
    return file


def test_submit(xds, peer, document):
    done = xds("submit", document, "--patient", PATIENT, "--metadata", "metadata.toml", "--title", "Brief",
               "--class", "o^Option^1.5", "--repository-url", peer.url, "--json")  # fmt: skip

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    sent = next(peer.request.body.iter(f"{RIM}ExtrinsicObject"))
    assert (answer["status"], answer["issues"]) == ("Success", [])
    assert answer["documents"][0]["file"] == str(document)
    values = {identifier.get("value") for identifier in sent.iter(f"{RIM}ExternalIdentifier")}
    assert values == {PATIENT, answer["documents"][0]["unique_id"]}
    assert sent.get("mimeType") == "application/pdf"
    assert sent.find(f"{RIM}Name/{RIM}LocalizedString").get("value") == "Brief"
    assert [c.get("nodeRepresentation") for c in sent.iter(f"{RIM}Classification")] == ["o"]
    assert [value.text for value in sent.iterfind(f"{RIM}Slot[@name='languageCode']//{RIM}Value")] == ["nl-NL"]
    assert list(peer.request.parts.values()) == [(10, sha1(b"\r\nletter\r\n"))]


def test_submit_a_replacement(xds, peer, document):
    done = xds("submit", document, "--patient", PATIENT, "--replaces", "urn:uuid:1", "--repository-url", peer.url)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2.25.")
    assert any(a.get("targetObject") == "urn:uuid:1" for a in peer.request.body.iter(f"{RIM}Association"))


def test_submit_that_is_rejected(xds, peer, document):
    issue = Issue(Code.XDSUnknownPatientId, "the patient is not known", "Document01")
    peer.answer = Answer(soap(encode_response([issue]).decode()))

    done = xds("submit", document, "--patient", PATIENT, "--repository-url", peer.url)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error XDSUnknownPatientId: the patient is not known (Document01)\n"


def test_submit_with_a_mistake_in_the_metadata(xds, peer, document):
    (document.parent / "metadata.toml").write_text("[document]\nclas_code = 'x'")

    done = xds("submit", document, "--patient", PATIENT, "--metadata", "metadata.toml", "--repository-url", peer.url)

    assert (done.returncode, peer.request) == (2, None)
    assert "document.clas_code" in done.stderr


def test_query(xds, peer, submitted):
    entry = submitted[0].entries[0]
    peer.answer = Answer(soap(b"".join(encode_query_response([encode(entry)])).decode()))

    done = xds("query", "--patient", PATIENT, "--status", "Approved", "--status", "Deprecated", "--param",
               "$XDSDocumentEntryClassCode=a^^1", "--param", "$XDSDocumentEntryClassCode=b^^1", "--param",
               "$XDSDocumentEntryEventCodeList=('x^^1')", "--param", "$XDSDocumentEntryEventCodeList=('y^^1')",
               "--param", "$XDSDocumentEntryCreationTimeTo=2027", "--registry-url", peer.url)  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert entry.unique_id in done.stdout
    urn = "urn:oasis:names:tc:ebxml-regrep:StatusType"
    slots = [(slot.get("name"), slot[0][0].text) for slot in peer.request.body.iter(f"{RIM}Slot")]
    assert slots == [
        ("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
        ("$XDSDocumentEntryStatus", f"('{urn}:Approved','{urn}:Deprecated')"),
        ("$XDSDocumentEntryClassCode", "('a^^1','b^^1')"),
        ("$XDSDocumentEntryEventCodeList", "('x^^1')"),
        ("$XDSDocumentEntryEventCodeList", "('y^^1')"),
        ("$XDSDocumentEntryCreationTimeTo", "2027"),
    ]


def test_query_in_json(xds, peer, submitted):
    entry = submitted[0].entries[0]
    peer.answer = Answer(soap(b"".join(encode_query_response([encode(entry)])).decode()))

    done = xds("query", "GetDocuments", "--param", "$XDSDocumentEntryUniqueId=1", "--registry-url", peer.url, "--json")

    answer = json.loads(done.stdout)
    assert answer["status"] == "Success"
    assert answer["entries"][0]["unique_id"] == entry.unique_id
    assert answer["entries"][0]["class_code"] == {"code": "1", "scheme": "1.2.3.4", "display": "One"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("FindEverything",),
        ("GetDocuments", "--patient", PATIENT),
        ("FindDocuments", "--param", "no dollar"),
        ("FindDocuments", "--param", "$XDSDocumentEntryPatientId=1", "--param", "$XDSDocumentEntryPatientId=2"),
    ],
)
def test_query_that_can_not_be_asked(xds, peer, arguments):
    done = xds("query", *arguments, "--registry-url", peer.url)

    assert (done.returncode, peer.request) == (2, None)


def test_retrieve(xds, peer, tmp_path):
    peer.answer = mtom_answer(
        [
            part(
                "root",
                soap(
                    '<RetrieveDocumentSetResponse xmlns="urn:ihe:iti:xds-b:2007">' + encode_response(()).decode() +
                    "<DocumentResponse><RepositoryUniqueId>1.2</RepositoryUniqueId><DocumentUniqueId>1.2.3"
                    "</DocumentUniqueId><mimeType>text/xml</mimeType><Document><x:Include href='cid:a' "
                    "xmlns:x='http://www.w3.org/2004/08/xop/include'/></Document></DocumentResponse>"
                    "</RetrieveDocumentSetResponse>"
                ),
                "application/xop+xml",
            ),
            part("a", b"\r\nletter\r\n"),
        ]
    )  # fmt: skip

    done = xds("retrieve", "1.2.3", "--repository-id", "1.2", "--repository-url", peer.url, "--json")

    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["documents"]
    assert (answer["path"], answer["size"], answer["hash"]) == ("1.2.3.xml", 10, sha1(b"\r\nletter\r\n"))
    assert (tmp_path / "1.2.3.xml").read_bytes() == b"\r\nletter\r\n"


def test_a_fault_is_told_in_words(xds, peer):
    fault = (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>broken</s:Text></s:Reason></s:Fault>"
    )
    peer.answer = Answer(soap(fault), status=500)

    done = xds("retrieve", "1.2.3", "--repository-id", "1.2", "--repository-url", peer.url)

    assert (done.returncode, done.stderr) == (1, "Error: SOAP fault Receiver: broken\n")


def test_a_server_that_is_not_there_is_status_3(xds):
    done = xds("query", "--patient", PATIENT, "--registry-url", "http://127.0.0.1:1/")

    assert done.returncode == 3
    assert "can't be reached" in done.stderr
    assert "123" not in done.stderr


def test_the_configuration_says_where_the_server_is(xds, peer, tmp_path):
    (tmp_path / "xds.toml").write_text(
        f'[repository]\nunique_id = "1.2"\n[client]\nregistry_url = "{peer.url}"\n[identity]\nrequired = false\n'
    )
    peer.answer = Answer(soap(b"".join(encode_query_response([])).decode()))

    assert xds("query", "--patient", PATIENT).returncode == 0
    assert peer.request is not None


def test_each_command_has_help_with_an_example(xds):
    for name in ("submit", "query", "retrieve"):
        assert "Example" in xds(name, "--help").stdout


def test_an_assertion_goes_along_as_it_was_signed(xds, peer, tmp_path):
    certificate, key, _ = make_issuer(ISSUER)
    assertion = TestIssuer(ISSUER, certificate, key).issue(statement())
    (tmp_path / "assertion.xml").write_bytes(assertion)
    peer.answer = Answer(soap(b"".join(encode_query_response([])).decode()))

    done = xds("query", "--patient", PATIENT, "--registry-url", peer.url, "--assertion", "assertion.xml")

    assert done.returncode == 0, done.stderr
    header = peer.request.envelope[0]
    (security,) = (block for block in header if block.tag == f"{{{WSSE}}}Security")
    assert security.get(f"{{{SOAP}}}mustUnderstand") == "1"
    (sent,) = security
    assert etree.tostring(sent, method="c14n", exclusive=True) == etree.tostring(
        etree.fromstring(assertion), method="c14n", exclusive=True
    )
    (tmp_path / "assertion.xml").write_text("no XML")
    assert (
        xds("query", "--patient", PATIENT, "--registry-url", peer.url, "--assertion", "assertion.xml").returncode == 2
    )
