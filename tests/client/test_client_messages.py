"""Every message is valid against our schemas, and against the official ones where they are at hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from client_peer import Answer, Peer, soap, submission_set
from lxml import etree

from xds.client import Client, DocumentToSubmit, compose
from xds.ebrim.encode import encode
from xds.ebrim.response import encode_query_response, encode_response
from xds.errors import Code, Issue, Severity

ISSUES = (
    Issue(Code.XDSRegistryMetadataError, "a & b", "id"),
    Issue(Code.XDSExtraMetadataNotSaved, "extra", "", Severity.WARNING),
)
RETRIEVED = (
    '<RetrieveDocumentSetResponse xmlns="urn:ihe:iti:xds-b:2007">{}<DocumentResponse><HomeCommunityId>urn:oid:1.9'
    "</HomeCommunityId><RepositoryUniqueId>1.2</RepositoryUniqueId><DocumentUniqueId>1.2.3</DocumentUniqueId><mimeType>"
    "text/plain</mimeType><Document>dGV4dA==</Document></DocumentResponse></RetrieveDocumentSetResponse>"
)


@pytest.fixture
def messages(entry, submitted, tmp_path) -> list[etree._Element]:
    """What the client sends and what it is answered, in each transaction."""
    found = []
    submission, _ = submitted
    documents = [DocumentToSubmit(b"1", entry), DocumentToSubmit(b"2", entry, target="urn:uuid:old")]
    objects = [*submission.entries, *submission.submission_sets, *submission.associations]
    with Peer() as peer, Client(registry_url=peer.url, repository_url=peer.url) as client:

        def exchange(answer: bytes, ask: Callable[[], object]) -> None:
            peer.answer = Answer(soap(answer.decode()))
            ask()
            found.extend((_without_includes(peer.request.body), etree.fromstring(answer)))

        def query() -> object:
            return client.query("FindDocuments", {"$XDSDocumentEntryPatientId": "1", "$XDSDocumentEntryStatus": ["a"]})

        exchange(encode_response(()), lambda: client.submit(*compose(documents, submission_set())))
        exchange(encode_response(ISSUES), lambda: client.submit(*submitted))
        exchange(b"".join(encode_query_response([encode(item) for item in objects])), query)
        exchange(b"".join(encode_query_response([b'<rim:ObjectRef id="urn:uuid:1" home="urn:oid:1.9"/>'])), query)
        exchange(b"".join(encode_query_response([], ISSUES)), query)
        retrieved = RETRIEVED.format(encode_response(()).decode()).encode()
        exchange(retrieved, lambda: client.retrieve([("1.2", "1.2.3")], tmp_path, home_community_id="urn:oid:1.9"))
        peer.shutdown()
    return found


@pytest.mark.parametrize("schema", ["our_schema", "official_schema"])
def test_every_message_is_valid(request, schema, messages):
    schema = request.getfixturevalue(schema)

    assert [error.message for message in messages if not schema.validate(message) for error in schema.error_log] == []
    assert len(messages) == 12


WRONG = {
    "Slot after Name": ("Slot", lambda slot: slot.getparent().append(slot)),
    "no id": ("ExtrinsicObject", lambda entry: entry.attrib.pop("id")),
    "no name of a Slot": ("Slot", lambda slot: slot.attrib.pop("name")),
    "a value that is too long": ("Value", lambda value: setattr(value, "text", "x" * 257)),
    "a title that is too long": ("LocalizedString", lambda text: text.set("value", "x" * 1025)),
    "no value of an identifier": ("ExternalIdentifier", lambda identifier: identifier.attrib.pop("value")),
    "an unknown attribute": ("Association", lambda association: association.set("colour", "red")),
    "no end of an association": ("Association", lambda association: association.attrib.pop("targetObject")),
    "an unknown element": ("Classification", lambda classification: etree.SubElement(classification, "colour")),
}


@pytest.mark.parametrize(("element", "spoil"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("schema", ["our_schema", "official_schema"])
def test_what_is_not_valid_is_refused_by_ours_as_by_the_official_ones(request, schema, messages, element, spoil):
    schema = request.getfixturevalue(schema)
    message = messages[0]

    spoil(next(message.iter(f"{{*}}{element}")))

    assert not schema.validate(message)


def _without_includes(body: etree._Element) -> etree._Element:
    """The message as XOP means it: with the documents themselves. Source: XOP 1.0: 3.2."""
    for include in list(body.iter("{http://www.w3.org/2004/08/xop/include}Include")):
        document = include.getparent()
        document.remove(include)
        document.text = "dGV4dA=="
    return etree.fromstring(etree.tostring(body))
