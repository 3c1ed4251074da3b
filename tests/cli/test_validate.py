"""`xds validate` on captured messages: what it finds, where, and the exit status."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from samples import entry, submission

from xds.cli.main import main
from xds.ebrim.submit import encode_submit_objects
from xds.model.objects import DocumentEntry

ROOT = Path(__file__).parents[2]
XDSB = "urn:ihe:iti:xds-b:2007"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
KAART = b"%PDF-1.7\nzwangerschapskaart \xff\n"
PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
INCLUDE = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:kaart@x"/>'
QUERY = """<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
 xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><query:ResponseOption returnType="LeafClass"/>
<rim:AdhocQuery id="urn:uuid:{id}">
<rim:Slot name="$XDSDocumentEntryEntryUUID"><rim:ValueList><rim:Value>{value}</rim:Value></rim:ValueList></rim:Slot>
</rim:AdhocQuery></query:AdhocQueryRequest>"""
GET_DOCUMENTS = "5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"


def bare(**changes: Any) -> DocumentEntry:
    return replace(entry(hash=None, size=None, repository_unique_id=None), **changes)


def provide(sent: DocumentEntry, document: str | None) -> bytes:
    element = f'<Document xmlns="{XDSB}" id="Document01">{document}</Document>' if document is not None else ""
    return (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{XDSB}">\n'.encode()
        + encode_submit_objects(submission(sent))
        + f"{element}</x:ProvideAndRegisterDocumentSetRequest>".encode()
    )


def envelope(body: bytes, header: str = "") -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>'.encode() + body + (
        b"</s:Body></s:Envelope>"
    )  # fmt: skip


def mime(root: bytes, content: bytes = KAART, end: str = "\r\n", closing: str = "--") -> bytes:
    line = f"--grens{end}"
    return (
        f'{line}Content-Type: application/xop+xml; type="application/soap+xml"{end}Content-ID: <root@x>{end}{end}'
    ).encode() + root + (
        f"{end}{line}Content-Type: application/pdf{end}Content-Transfer-Encoding: binary{end}"
        f"Content-ID: <kaart@x>{end}{end}"
    ).encode() + content + f"{end}--grens{closing}{end}".encode()  # fmt: skip


HTTP = (
    "POST /repository HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=grens;\r\n"
    f' type="application/xop+xml"; start="<root@x>"; start-info="application/soap+xml"; action="{PROVIDE}"\r\n\r\n'
).encode()


@pytest.fixture
def validate(tmp_path: Path):
    def run(content: bytes, *options: object) -> Result:
        path = tmp_path / "captured"
        path.write_bytes(content)
        return CliRunner().invoke(main, ["validate", str(path), *map(str, options)])

    return run


@pytest.fixture
def codes(validate):
    """The transaction and the codes that --json tells, with the exit status checked against them."""

    def run(content: bytes, *options: object) -> tuple[str | None, list[str]]:
        result = validate(content, "--json", *options)
        told = json.loads(result.stdout)
        assert result.exit_code == (1 if told["findings"] else 0), result.output
        assert all(finding["section"] and finding["context"] for finding in told["findings"])
        return told["transaction"], [finding["code"] for finding in told["findings"]]

    return run


GOOD = {
    "bare": provide(bare(), base64.encodebytes(KAART).decode()),
    "soap": envelope(provide(bare(), base64.b64encode(KAART).decode())),
    "an assertion": envelope(
        provide(bare(), base64.b64encode(KAART).decode()), f'<w:Security xmlns:w="{WSSE}" s:mustUnderstand="true"/>'
    ),
    "its parts are elsewhere": envelope(provide(bare(hash="a" * 40), INCLUDE)),
    "mime": mime(envelope(provide(bare(size=str(len(KAART))), INCLUDE))),
    "mime in bare lines": mime(envelope(provide(bare(hash=hashlib.sha1(KAART).hexdigest()), INCLUDE)), end="\n"),
    "http": HTTP + mime(envelope(provide(bare(), INCLUDE))),
    "http in bare lines": HTTP.replace(b"\r\n", b"\n") + mime(envelope(provide(bare(), INCLUDE)), end="\n"),
    "mime headers": HTTP.split(b"\r\n", 2)[2] + mime(envelope(provide(bare(), INCLUDE))),
    "an empty document": mime(envelope(provide(bare(size="0"), INCLUDE)), content=b""),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD.keys())
def test_nothing_is_wrong(codes, content: bytes) -> None:
    assert codes(content) == ("ITI-41", [])


def test_other_transactions(codes) -> None:
    assert codes(encode_submit_objects(submission(entry()))) == ("ITI-42", [])
    assert codes(envelope(QUERY.format(id=GET_DOCUMENTS, value="('urn:uuid:1')").encode())) == ("ITI-18", [])
    retrieve = (
        f'<RetrieveDocumentSetRequest xmlns="{XDSB}"><DocumentRequest><RepositoryUniqueId>2.999</RepositoryUniqueId>'
        "<DocumentUniqueId>{}</DocumentUniqueId></DocumentRequest></RetrieveDocumentSetRequest>"
    )
    assert codes(retrieve.format("2.999.1").encode()) == ("ITI-43", [])
    assert codes(retrieve.format("").encode()) == ("ITI-43", ["XDSRepositoryError"])


def test_mistakes_of_queries(codes) -> None:
    assert codes(QUERY.format(id=GET_DOCUMENTS, value="(a)").encode())[1][0] == "XDSRegistryError"
    unknown = QUERY.format(id="00000000-0000-4000-8000-000000000000", value="'a'").replace("LeafClass", "All")
    assert codes(unknown.encode()) == ("ITI-18", ["XDSRegistryError", "XDSUnknownStoredQuery"])


def test_all_mistakes_come_with_their_places(validate) -> None:
    sent = bare(size="3", language_code=None, creation_time="yesterday")
    findings = json.loads(validate(provide(sent, base64.b64encode(KAART).decode()), "--json").stdout)["findings"]
    assert [(finding["code"], finding["location"], finding["element"], finding["line"]) for finding in findings] == [
        ("XDSRepositoryMetadataError", "Document01", "ExtrinsicObject", 2),
        ("XDSRegistryMetadataError", "Document01", "ExtrinsicObject", 2),
        ("XDSRegistryMetadataError", "Document01", "ExtrinsicObject", 2),
    ]
    result = validate(provide(sent, base64.b64encode(KAART).decode()))
    assert result.exit_code == 1
    for words in ("ITI-41", "size", "languageCode", "creationTime", "ITI TF-3: 4.2.3", "line 2", "3 things are wrong"):
        assert words in result.stdout


def test_hash_size_and_repository_are_asked_for_at_the_registry_only(codes) -> None:
    assert codes(encode_submit_objects(submission(bare()))) == ("ITI-42", ["XDSRegistryMetadataError"] * 3)


def test_mistakes_of_documents(codes) -> None:
    assert codes(provide(bare(), None))[1] == ["XDSMissingDocument"]
    assert codes(provide(bare(), "YQ="))[1] == ["XDSRepositoryMetadataError"]
    assert codes(provide(entry("Other"), "YQ=="))[1] == ["XDSMissingDocumentMetadata", "XDSMissingDocument"]
    wrong = mime(envelope(provide(bare(hash="a" * 40, size="1"), INCLUDE)))
    assert codes(wrong)[1] == ["XDSRepositoryMetadataError"] * 2
    one_id = re.sub(b'value="2.999.100.[0-9]+"', b'value="2.999.5"', provide(bare(), "YQ=="))
    assert codes(one_id)[1] == ["XDSRepositoryDuplicateUniqueIdInMessage"]
    astray = mime(envelope(provide(bare(), INCLUDE.replace("kaart", "echo"))))
    assert codes(astray)[1] == ["Sender", "XDSRepositoryMetadataError"]


def test_mistakes_of_the_envelope_do_not_hide_those_of_the_message(codes) -> None:
    message = provide(bare(language_code=None), "YQ==")
    inner = ["XDSRegistryMetadataError"]
    assert codes(envelope(message).replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"))[1] == [
        "VersionMismatch",
        *inner,
    ]
    assert codes(envelope(message, '<a:A xmlns:a="urn:a" s:mustUnderstand="1"/>'))[1] == ["MustUnderstand", *inner]
    action = '<w:Action xmlns:w="http://www.w3.org/2005/08/addressing">urn:x</w:Action>'
    assert codes(envelope(message, action))[1] == ["ActionMismatch", *inner]
    http = HTTP.replace(PROVIDE.encode(), b"urn:x") + mime(envelope(provide(bare(language_code=None), INCLUDE)))
    assert codes(http) == ("ITI-41", ["ActionMismatch", *inner])


@pytest.mark.parametrize("stack", ["axis2", "cxf", "gsoap", "metro"])
def test_what_another_stack_sent_is_right_in_chunks_and_without(codes, stack: str) -> None:
    message = (ROOT / "fixtures" / "stacks" / f"{stack}.http").read_bytes()
    assert codes(message) == ("ITI-41", [])
    head, _, body = message.partition(b"\r\n\r\n")
    joined = re.sub(rb"(?:\A|\r\n)[0-9a-f]{1,4}\r\n(?:\r\n\Z)?", b"", body) if b"chunked" in head else body
    assert codes(head + b"\r\n\r\n" + joined) == ("ITI-41", [])


def test_chunks_that_are_not_whole(validate) -> None:
    head = b"POST /registry HTTP/1.1\r\nContent-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    done = validate(head + b"ff\r\n<s:Envelope>")
    assert done.exit_code == 2
    assert "whole HTTP chunks" in done.output


def test_mistakes_of_mime(codes) -> None:
    root = envelope(provide(bare(), INCLUDE))
    assert codes(mime(root, closing=""))[1][0] == "Sender"
    assert codes(mime(root).replace(b"<kaart@x>", b"<root@x>"))[1][0] == "Sender"
    query = envelope(QUERY.format(id=GET_DOCUMENTS, value="('urn:uuid:1')").encode())
    assert codes(mime(query)) == ("ITI-18", ["Sender"])


@pytest.mark.parametrize("content", [b"<a", b"<!DOCTYPE a><a/>", b"<a/>", envelope(b"<a/>"), b"<a>\x00</a>"])
def test_what_is_no_request(codes, content: bytes) -> None:
    transaction, found = codes(content)
    assert transaction is None
    assert len(found) == 1


@pytest.mark.parametrize("content", [b"", b"\n", b"hello", b"A: b\r\n\r\nhello", b"\x89PNG\r\n\r\n", b"--"])
def test_what_is_no_message(validate, content: bytes) -> None:
    result = validate(content)
    assert result.exit_code == 2
    assert "can't be read as a message" in result.stderr


def test_codes_are_checked_against_an_affinity_domain(codes) -> None:
    file = ROOT / "fixtures/affinity-domains/geboortezorg.toml"
    sent = entry()
    content = encode_submit_objects(submission(replace(sent, class_code=replace(sent.class_code, code="none-such"))))
    assert codes(content) == ("ITI-42", [])
    assert "XDSRegistryMetadataError" in codes(content, "--affinity-domain", file)[1]


def test_the_command_itself(xds, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(GOOD["mime in bare lines"])
    done = xds("validate", "good")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "nothing is wrong"
    assert "LF" in done.stdout
    assert xds("validate", "absent").returncode == 2
