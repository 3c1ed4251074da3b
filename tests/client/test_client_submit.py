from __future__ import annotations

import re
import ssl
import tracemalloc

import pytest
import trustme
from client_peer import RS, SOAP, Answer, Peer, mtom_answer, part, sha1, soap, submission_set

from xds.client import Client, DocumentToSubmit, compose
from xds.errors import Code, Fault, Misconfigured, Severity, Unavailable

WSA = "http://www.w3.org/2005/08/addressing"
XDSB = "urn:ihe:iti:xds-b:2007"
CONTENTS = {
    "empty": b"",
    "one byte": b"x",
    "line ends around": b"\r\n\r\ntext\r\n",
    "only a line end": b"\n",
    "only a return": b"\r",
    "like a boundary": b"\r\n--MIME_\r\n--",
    "100 kB": bytes(range(256)) * 400,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("from_file", [True, False], ids=["file", "bytes"])
def test_a_document_arrives_byte_for_byte(client, peer, entry, tmp_path, content, from_file):
    file = tmp_path / "document.pdf"
    file.write_bytes(content)
    submission, contents = compose([DocumentToSubmit(file if from_file else content, entry)], submission_set())

    result = client.submit(submission, contents)

    assert (result.status, result.issues) == ("Success", ())
    assert list(peer.request.parts.values()) == [(len(content), sha1(content))]
    assert "Transfer-Encoding" not in peer.request.headers


def test_each_document_is_tied_to_its_entry(client, peer, entry):
    documents = [DocumentToSubmit(f"document {number}".encode(), entry) for number in range(3)]
    submission, contents = compose(documents, submission_set())

    client.submit(submission, contents)

    sent = {
        document.get("id"): peer.request.parts[document[0].get("href").removeprefix("cid:")]
        for document in peer.request.body.iterchildren(f"{{{XDSB}}}Document")
    }
    assert sent == {
        entry.entry_uuid: (10, sha1(f"document {number}".encode())) for number, entry in enumerate(submission.entries)
    }


def test_a_large_document_is_never_in_memory(client, peer, entry, tmp_path, submitted):
    content = b"\r\n" + bytes(range(251)) * 80_000 + b"\n"
    file = tmp_path / "large.pdf"
    file.write_bytes(content)
    expected = (len(content), sha1(content))
    del content
    submission, contents = compose([DocumentToSubmit(file, entry)], submission_set())
    client.submit(*submitted)
    progress: list[int] = []

    tracemalloc.start()
    client.submit(submission, contents, progress=progress.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert list(peer.request.parts.values()) == [expected]
    assert sum(progress) == expected[0]
    assert peak < 8 << 20


def test_the_message_is_what_the_standard_asks(client, peer, submitted):
    client.submit(*submitted)

    headers = peer.request.headers
    assert headers.get_content_type() == "multipart/related"
    assert headers.get_param("type") == "application/xop+xml"
    assert headers.get_param("start-info") == "application/soap+xml"
    action = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
    assert headers.get_param("action") == action
    sent = peer.request.envelope.find(f"{{{SOAP}}}Header")
    assert sorted(block.tag.partition("}")[2] for block in sent) == ["Action", "MessageID", "ReplyTo", "To"]
    assert sent.findtext(f"{{{WSA}}}Action") == action
    assert sent.find(f"{{{WSA}}}Action").get(f"{{{SOAP}}}mustUnderstand") == "1"
    assert sent.findtext(f"{{{WSA}}}To") == peer.url
    assert sent.findtext(f"{{{WSA}}}ReplyTo/{{{WSA}}}Address") == f"{WSA}/anonymous"
    assert re.fullmatch("urn:uuid:[0-9a-f-]{36}", sent.findtext(f"{{{WSA}}}MessageID"))


def test_errors_and_warnings_are_values(client, peer, submitted):
    peer.answer = Answer(
        soap(
            f'<r:RegistryResponse xmlns:r="{RS}" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure">'
            '<r:RegistryErrorList><r:RegistryError errorCode="XDSUnknownPatientId" codeContext="who?" location="id1" '
            'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>'
            '<r:RegistryError errorCode="XDSExtraMetadataNotSaved" codeContext="extra" '
            'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"/>'
            "</r:RegistryErrorList></r:RegistryResponse>"
        )
    )

    result = client.submit(*submitted)

    assert result.status == "Failure"
    assert [(issue.code, issue.severity, issue.context, issue.location) for issue in result.issues] == [
        (Code.XDSUnknownPatientId, Severity.ERROR, "who?", "id1"),
        (Code.XDSExtraMetadataNotSaved, Severity.WARNING, "extra", ""),
    ]


def test_an_answer_in_mtom_is_read_too(client, peer, submitted):
    peer.answer = mtom_answer([part("root", Answer().body, "application/xop+xml")])

    assert client.submit(*submitted).status == "Success"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_soap_fault_is_raised_with_all_that_it_says(client, peer, submitted, status):
    peer.answer = Answer(
        soap(
            '<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:w="http://www.w3.org/2005/08/'
            'addressing">w:ActionMismatch</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">not so</s:Text>'
            "</s:Reason></s:Fault>"
        ),
        status=status,
    )

    with pytest.raises(Fault) as caught:
        client.submit(*submitted)

    fault = caught.value
    assert (fault.code, fault.subcode, fault.reason) == ("Sender", f"{{{WSA}}}ActionMismatch", "not so")


DTD = b'<!DOCTYPE s [<!ENTITY e "Success">]>'
NOT_SOAP = {
    "a page of a proxy": Answer(b"<html>Bad gateway</html>", "text/html", 502),
    "no XML": Answer(b"\x00\x01"),
    "a DTD": Answer(Answer().body.replace(b"?>", b"?>" + DTD)),
    "a DTD in MTOM": mtom_answer([part("root", Answer().body.replace(b"?>", b"?>" + DTD), "application/xop+xml")]),
    "another message": Answer(soap("<x/>")),
    "SOAP 1.1": Answer(Answer().body.replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/")),
    "a fault without a code": Answer(soap("<s:Fault><s:Code><s:Subcode/></s:Code></s:Fault>")),
    "an empty body": Answer(soap("")),
    "a redirect": Answer(b"", "text/plain", 307),
    "half an answer": Answer(promised=10_000),
    "multipart without a boundary": Answer(b"--x--", "multipart/related"),
    "multipart without its root": mtom_answer([part("other", Answer().body)]),
    "multipart that is cut off": Answer(b"\r\n--b\r\n\r\n\r\ntext", "multipart/related; boundary=b"),
}


@pytest.mark.parametrize("answer", NOT_SOAP.values(), ids=NOT_SOAP)
def test_an_answer_that_makes_no_sense_says_so(client, peer, submitted, answer):
    peer.answer = answer

    with pytest.raises(Unavailable, match="localhost"):
        client.submit(*submitted)


def test_a_server_that_is_not_there_says_so(submitted):
    with Peer() as peer:
        url = peer.url
        peer.shutdown()

    with pytest.raises(Unavailable, match=r"can't be reached: .*refused") as caught:
        Client(repository_url=url).submit(*submitted)

    assert "object at 0x" not in str(caught.value)


def test_a_file_that_becomes_shorter_while_it_is_sent_is_not_submitted(client, entry, tmp_path):
    file = tmp_path / "document.txt"
    file.write_bytes(b"x" * (3 << 20))
    submission, contents = compose([DocumentToSubmit(file, entry)], submission_set())

    with pytest.raises(Unavailable, match="became shorter"):
        client.submit(submission, contents, progress=lambda size: file.write_bytes(b""))


def test_a_client_needs_the_url_of_the_actor_it_is_to_ask(submitted):
    with pytest.raises(Misconfigured, match="repository_url"):
        Client(registry_url="http://localhost:1/").submit(*submitted)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_certificates_are_shown_and_checked(authority, submitted, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key, ca = tmp_path / "certificate.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issued = authority.issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    with Peer(context) as peer:
        with Client(repository_url=peer.url, certificate=certificate, key=key, ca=ca) as client:
            assert client.submit(*submitted).status == "Success"
        with Client(repository_url=peer.url, certificate=certificate, key=key) as client, pytest.raises(Unavailable):
            client.submit(*submitted)
        with Client(repository_url=peer.url, ca=ca) as client, pytest.raises(Unavailable):
            client.submit(*submitted)
        peer.shutdown()


def test_the_environment_does_not_choose_who_is_trusted_or_asked(client, peer, submitted, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://localhost:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")

    assert client.submit(*submitted).status == "Success"
