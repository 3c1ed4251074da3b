"""Answers that are wrong in one thing are found out; so are messages that can't be read."""

from __future__ import annotations

import hashlib

import pytest
from lxml import etree
from testkit.ebrim import APPROVED, DEPRECATED, RIM, SET_NODE
from testkit.evaluate import check_assertions, check_contents, check_documents, check_exchange, check_status
from testkit.plan import Unsupported
from testkit.wire import SOAP, WSA, Answer, Message, Unreadable, multipart, read_answer

XDSB = "urn:ihe:iti:xds-b:2007"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
LETTER = b"Beste collega,\r\n--\r\n"


def envelope(body: str, relates_to: str = "urn:uuid:1") -> bytes:
    header = f'<Action xmlns="{WSA}">answer</Action><RelatesTo xmlns="{WSA}">{relates_to}</RelatesTo>'
    return (f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>').encode()


def answer(body: str, status: int = 200, relates_to: str = "urn:uuid:1") -> Answer:
    return read_answer(status, Message("application/soap+xml; charset=UTF-8", envelope(body, relates_to)))


def registry_response(status: str, *errors: tuple[str, str], severity: str = "Error") -> str:
    listed = "".join(
        f'<RegistryError errorCode="{code}" codeContext="{context}" '
        f'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:{severity}"/>'
        for code, context in errors
    )
    return (
        f'<RegistryResponse xmlns="{RS}" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:{status}">'
        f"<RegistryErrorList>{listed}</RegistryErrorList></RegistryResponse>"
    )


def step(content: str) -> tuple[etree._Element, etree._Element]:
    root = etree.fromstring(f"<TestStep>{content}<RegisterTransaction/></TestStep>")
    return root, root[-1]


FAILED = registry_response("Failure", ("XDSUnknownPatientId", "patient id is not known"))
FAULT = f'<s:Fault xmlns:s="{SOAP}"><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>'


@pytest.mark.parametrize(
    ("expected", "body", "right"),
    [
        ("", registry_response("Success"), True),
        ("", FAILED, False),
        ("<ExpectedStatus>Failure</ExpectedStatus>", FAILED, True),
        ("<ExpectedStatus>Failure</ExpectedStatus>", FAULT, False),
        ("<ExpectedStatus>Failure, Fault</ExpectedStatus>", FAULT, True),
        ("<ExpectedStatus>Failure</ExpectedStatus>", registry_response("Success"), False),
        ("", registry_response("Success", ("XDSExtraMetadataNotSaved", ""), severity="Warning"), True),
        ("", registry_response("Success", ("XDSRegistryError", "")), False),
        ("", f'<RegistryResponse xmlns="{RS}"/>', False),
    ],
)
def test_status(expected: str, body: str, right: bool):
    assert (check_status(*step(expected), answer(body)) == []) == right


@pytest.mark.parametrize(
    ("expected", "right"),
    [
        ("<ExpectedErrorCode>XDSUnknownPatientId</ExpectedErrorCode>", True),
        ("<ExpectedErrorCode>XDSRegistryError, XDSUnknownPatientId</ExpectedErrorCode>", True),
        ("<ExpectedErrorCode>XDSUnknown</ExpectedErrorCode>", False),
        ("<ExpectedErrorMessage>id is not known</ExpectedErrorMessage>", True),
        ("<ExpectedErrorMessage>UnknownPatient</ExpectedErrorMessage>", True),
        ("<ExpectedErrorMessage>other</ExpectedErrorMessage>", False),
    ],
)
def test_errors(expected: str, right: bool):
    found = check_status(*step(f"<ExpectedStatus>Failure</ExpectedStatus>{expected}"), answer(FAILED))
    assert (found == []) == right


def contents(*objects: str) -> etree._Element:
    return etree.fromstring(f'<r xmlns="{RIM}"><RegistryObjectList>{"".join(objects)}</RegistryObjectList></r>')


SET = f'<RegistryPackage id="s" status="{APPROVED}"><Classification classificationNode="{SET_NODE}"/></RegistryPackage>'
FOLDER = f'<RegistryPackage id="f" status="{APPROVED}"/>'
DOCUMENT = f'<ExtrinsicObject id="d" status="{APPROVED}"/>'
OLD_DOCUMENT = f'<ExtrinsicObject id="e" status="{DEPRECATED}"/>'
HAS_DOCUMENT = '<Association sourceObject="s" targetObject="d" associationType="urn:x:HasMember"/>'
HAS_OTHER = '<Association sourceObject="s" targetObject="e" associationType="urn:x:HasMember"/>'
HAS_FOLDER = '<Association sourceObject="s" targetObject="f" associationType="urn:x:HasMember"/>'
REPLACES = '<Association sourceObject="d" targetObject="e" associationType="urn:ihe:iti:2007:AssociationType:RPLC"/>'
ONE = (SET, DOCUMENT, HAS_DOCUMENT)
TWO = (*ONE, OLD_DOCUMENT, HAS_OTHER)


@pytest.mark.parametrize(
    ("word", "objects", "right"),
    [
        ("SSwithOneDoc", ONE, True),
        ("SSwithOneDoc", (SET, DOCUMENT), False),
        ("SSwithOneDoc", TWO, False),
        ("SSwithTwoDoc", TWO, True),
        ("SSwithTwoDoc", ONE, False),
        ("SSwithOneDocOneFol", (*ONE, FOLDER, HAS_FOLDER), True),
        ("SSwithOneDocOneFol", ONE, False),
        ("SSwithTwoDocOneFol", (*TWO, FOLDER, HAS_FOLDER), True),
        ("SSwithOneFol", (SET, FOLDER, HAS_FOLDER), True),
        ("SSwithOneFol", (SET,), False),
        ("SSApproved", (SET,), True),
        ("SSApproved", (), False),
        ("DocApp", ONE, True),
        ("DocApp", TWO, False),
        ("DocApp", (SET,), False),
        ("DocDep", (OLD_DOCUMENT,), True),
        ("DocDep", TWO, False),
        ("OneDocDep", TWO, True),
        ("OneDocDep", ONE, False),
        ("OneDocApp", TWO, True),
        ("OneDocApp", (OLD_DOCUMENT,), False),
        ("FolApp", (FOLDER,), True),
        ("FolApp", (), False),
        ("None", (), True),
        ("None", ('<ObjectRef id="x"/>',), False),
        ("NoSubmissionSet", (DOCUMENT,), True),
        ("NoSubmissionSet", (SET,), False),
        ("NoDocument", (SET,), True),
        ("NoDocument", (DOCUMENT,), False),
        ("HasRPLC", (REPLACES,), True),
        ("HasXFRM_RPLC", (REPLACES,), False),
        ("HasXFRM", (REPLACES,), False),
        ("HasAPND", (REPLACES,), False),
        ("Documents count='2'", TWO, True),
        ("Documents count='1'", TWO, False),
        ("SubmissionSets count='0'", (FOLDER,), True),
        ("Folders count='1'", (FOLDER, SET), True),
        ("Associations count='3'", ONE, False),
        ("ObjectRefs count='1'", ('<ObjectRef id="x"/>',), True),
    ],
)
def test_contents(word: str, objects: tuple[str, ...], right: bool):
    found = check_contents(etree.fromstring(f"<ExpectedContents><{word}/></ExpectedContents>"), contents(*objects))
    assert (found == []) == right


@pytest.mark.parametrize("word", ["<Documents/>", "<Documents count='two'/>", "<DocApp count='1'/>", "<Novelty/>"])
def test_a_word_that_is_not_understood_is_unsupported(word: str):
    with pytest.raises(Unsupported):
        check_contents(etree.fromstring(f"<ExpectedContents>{word}</ExpectedContents>"), contents(*ONE))


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("<Assert id='a'>count(//*[local-name()='ExtrinsicObject']) = 1</Assert>", []),
        ("<Assert id='a'>//*[local-name()='Folder']</Assert>", ["assertion a does not hold"]),
    ],
)
def test_assertions(content: str, wrong: list[str]):
    assert check_assertions(etree.fromstring(f"<Assertions>{content}</Assertions>"), contents(*ONE)) == wrong


@pytest.mark.parametrize("content", ["", "<Assert id='a'>count(</Assert>", "<Assert id='a' process='x'>1</Assert>"])
def test_an_assertion_that_is_not_understood_is_unsupported(content: str):
    with pytest.raises(Unsupported):
        check_assertions(etree.fromstring(f"<Assertions>{content}</Assertions>"), contents(*ONE))


def test_an_answer_belongs_to_its_request():
    right = answer(registry_response("Success"))
    assert check_exchange(right, "answer", "urn:uuid:1", mtom=False) == []
    assert check_exchange(right, "other", "urn:uuid:1", mtom=False)
    assert check_exchange(right, "answer", "urn:uuid:2", mtom=False)
    assert check_exchange(right, "answer", "urn:uuid:1", mtom=True)
    assert check_exchange(answer(registry_response("Success"), 500), "answer", "urn:uuid:1", mtom=False)


def retrieved(unique_id: str = "1.2", mime_type: str = "text/plain", content: bytes = LETTER) -> Answer:
    body = (
        f'<RetrieveDocumentSetResponse xmlns="{XDSB}"><DocumentResponse><RepositoryUniqueId>1.9</RepositoryUniqueId>'
        f"<DocumentUniqueId>{unique_id}</DocumentUniqueId><mimeType>{mime_type}</mimeType><Document>"
        '<Include xmlns="http://www.w3.org/2004/08/xop/include" href="cid:a%40b"/></Document></DocumentResponse>'
        "</RetrieveDocumentSetResponse>"
    )
    return read_answer(200, multipart(envelope(body), {"a@b": content}, "answer"))


def entry(content: bytes) -> etree._Element:
    slots = {
        "size": str(len(content)),
        "hash": hashlib.sha1(content).hexdigest().upper(),
        "repositoryUniqueId": "1.9",
    }
    listed = "".join(f'<Slot name="{name}"><Value>{value}</Value></Slot>' for name, value in slots.items())
    return contents(
        f'<ExtrinsicObject mimeType="text/plain">{listed}'
        f'<ExternalIdentifier identificationScheme="{UNIQUE_ID}" value="1.2"/></ExtrinsicObject>'
    )


REQUEST = etree.fromstring(
    f'<r xmlns="{XDSB}"><DocumentRequest><DocumentUniqueId>1.2</DocumentUniqueId></DocumentRequest></r>'
)


@pytest.mark.parametrize(
    ("found", "said", "wrong"),
    [
        (retrieved(), LETTER, 0),
        (retrieved(content=LETTER[:-2]), LETTER, 3),
        (retrieved(mime_type="text/xml"), LETTER, 1),
        (retrieved(), b"other", 2),
        (retrieved(unique_id="1.3"), LETTER, 3),
    ],
)
def test_documents(found: Answer, said: bytes, wrong: int):
    assert len(check_documents(REQUEST, found, {"1.2": LETTER}, entry(said))) == wrong


def test_a_document_outside_its_part_is_found_out():
    found = retrieved()
    without = Answer(found.status, found.received, found.header, found.body, {})
    assert check_documents(REQUEST, without, {}, None) == ["document 1.2 has no MTOM part"]


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("text/html", b"<html/>"),
        ("", b""),
        ("application/soap+xml", b"<Envelope/>"),
        ("application/soap+xml", b"not xml"),
        ("application/soap+xml", envelope("")),
        ("application/soap+xml", envelope("<a/><b/>")),
        ('multipart/related; boundary="x"', b"--x\r\nContent-ID: <a>\r\n\r\n" + envelope("<a/>")),
        ('multipart/related; boundary="x"', b"--x\r\n\r\n" + envelope("<a/>") + b"\r\n--x--"),
        (
            'multipart/related; boundary="x"; start="<b>"',
            b"--x\r\nContent-ID: <a>\r\n\r\n" + envelope("<a/>") + b"\r\n--x--",
        ),
    ],
)
def test_what_is_no_soap_answer_is_unreadable(content_type: str, content: bytes):
    with pytest.raises(Unreadable):
        read_answer(200, Message(content_type, content))
