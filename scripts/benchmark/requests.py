"""The requests of the load, made before the clock runs and varied as bytes while it does."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from msgspec.structs import replace

from benchmark.data import TYPES, patient, submission
from xds.ebrim.submit import encode_submit_objects
from xds.model.objects import Submission

QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
XDSB = "urn:ihe:iti:xds-b:2007"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
Make = Callable[[random.Random, int], bytes]


def envelope(action: str, body: bytes, security: bytes = b"") -> bytes:
    head = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">'
        f'<s:Header><a:Action s:mustUnderstand="1">{action}</a:Action>'
        "<a:MessageID>urn:uuid:6d296e90-e5dc-43d0-b455-7c1f3eb35d83</a:MessageID>"
        "<a:To>https://127.0.0.1/</a:To>"
    )
    return head.encode() + security + b"</s:Header><s:Body>" + body + b"</s:Body></s:Envelope>"


def http(path: str, content_type: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _slot(name: str, value: str) -> str:
    return f'<rim:Slot name="{name}"><rim:ValueList><rim:Value>{value}</rim:Value></rim:ValueList></rim:Slot>'


def security_header(assertion: bytes) -> bytes:
    """The header block that carries an assertion."""
    return f'<w:Security xmlns:w="{WSSE}" s:mustUnderstand="1">'.encode() + assertion + b"</w:Security>"


def _post(path: str, action: str, body: bytes, security: bytes = b"") -> bytes:
    message = envelope(action, body, security)
    return http(path, "application/soap+xml; charset=UTF-8", len(message)) + message


def find(patients: range, one: bool, security: bytes = b"") -> Make:
    """FindDocuments of a random patient, all documents or those of one type."""
    slots = _slot("$XDSDocumentEntryPatientId", "'@PATIENT@'") + _slot("$XDSDocumentEntryStatus", f"('{APPROVED}')")
    if one:
        slots += _slot("$XDSDocumentEntryTypeCode", "('@TYPE@^^2.999.41')")
    body = (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}">'
        '<query:ResponseOption returnType="LeafClass" returnComposedObjects="true"/>'
        f'<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">{slots}'
        "</rim:AdhocQuery></query:AdhocQueryRequest>"
    )
    sample = patient(0).replace("&", "&amp;")
    whole = _post(
        "/registry",
        "urn:ihe:iti:2007:RegistryStoredQuery",
        body.replace("@PATIENT@", sample).replace("@TYPE@", TYPES[0].code).encode(),
        security,
    )
    old, kind = sample.encode(), TYPES[0].code.encode()

    def make(source: random.Random, number: int) -> bytes:
        request = whole.replace(old, patient(source.choice(patients)).replace("&", "&amp;").encode())
        return request.replace(kind, TYPES[source.randrange(len(TYPES))].code.encode()) if one else request

    return make


_OWN = ("2.999.45.10000000000000.1", "2.999.45.10000000000000.2")


def _template(with_size: bool) -> bytes:
    the_set, entry, member = submission(7, patient(0), iter(_OWN))
    if not with_size:
        entry = replace(entry, hash=None, size=None, repository_unique_id=None)
    return encode_submit_objects(Submission((the_set,), (entry,), (), (member,)))


def _unique(whole: bytes, patients: int) -> Make:
    """The same request with uniqueIds and a patient of its own; all numbers have the same length."""
    old = patient(0).replace("&", "&amp;").encode()

    def make(source: random.Random, number: int) -> bytes:
        request = whole.replace(b"2.999.45.10000000000000.", b"2.999.45.%d." % (10**13 + number))
        return request.replace(old, patient(source.randrange(patients)).replace("&", "&amp;").encode())

    return make


def register(patients: int) -> Make:
    """ITI-42 of one document with its submission set."""
    return _unique(_post("/registry", "urn:ihe:iti:2007:RegisterDocumentSet-b", _template(True)), patients)


def provide(patients: int, size: int) -> Make:
    """ITI-41 of one document of `size` bytes, in MTOM; the bytes differ from request to request."""
    head, tail = provide_parts()
    content = base64.b64encode(random.randbytes(size))[: size - 24]
    body = head + b"2.999.45.10000000000000." + content + tail
    return _unique(http("/repository", MTOM, len(body)) + body, patients)


MTOM = (
    'multipart/related; type="application/xop+xml"; boundary="b0undary"; start="<root>"; '
    'start-info="application/soap+xml"'
)


def provide_parts() -> tuple[bytes, bytes]:
    """What goes before and after the bytes of one document in an ITI-41 message."""
    body = (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{XDSB}">'.encode()
        + _template(False)
        + b'<x:Document id="Document01"><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:doc"/>'
        b"</x:Document></x:ProvideAndRegisterDocumentSetRequest>"
    )
    root = envelope("urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b", body)
    head = (
        b'--b0undary\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        b"Content-Transfer-Encoding: binary\r\nContent-ID: <root>\r\n\r\n" + root + b"\r\n--b0undary\r\n"
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <doc>\r\n\r\n"
    )
    return head, b"\r\n--b0undary--\r\n"


def retrieve(repository: str, unique_id: str) -> bytes:
    """ITI-43 of one document, as a whole HTTP request."""
    body = (
        f'<x:RetrieveDocumentSetRequest xmlns:x="{XDSB}"><x:DocumentRequest><x:RepositoryUniqueId>{repository}'
        f"</x:RepositoryUniqueId><x:DocumentUniqueId>{unique_id}</x:DocumentUniqueId></x:DocumentRequest>"
        "</x:RetrieveDocumentSetRequest>"
    )
    return _post("/repository", "urn:ihe:iti:2007:RetrieveDocumentSet", body.encode())


def numbered(number: int) -> str:
    """The uniqueId of the entry that a request with this number registers."""
    return f"2.999.45.{10**13 + number}.1"
