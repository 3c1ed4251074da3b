from __future__ import annotations

import base64
import tracemalloc

import pytest
from client_peer import Answer, mtom_answer, part, sha1, soap

from xds.errors import Code, Fault, Unavailable

XDSB = "urn:ihe:iti:xds-b:2007"
CONTENTS = {
    "empty": b"",
    "one byte": b"x",
    "line ends around": b"\r\n\r\ntext\r\n",
    "only a line end": b"\n",
    "only a return": b"\r",
    "like a boundary": b"\r\n--the-boundar\r\n--",
    "100 kB": bytes(range(256)) * 400,
}


def include(content_id: str) -> str:
    return f'<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:{content_id}"/>'


def response(
    *documents: tuple[str, str], status: str = "oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
) -> bytes:
    """The envelope with documents, each by its uniqueId and the content of its element Document."""
    items = "".join(
        f"<DocumentResponse><RepositoryUniqueId>1.2</RepositoryUniqueId><DocumentUniqueId>{unique_id}"
        f"</DocumentUniqueId><mimeType>application/pdf</mimeType><Document>{content}</Document></DocumentResponse>"
        for unique_id, content in documents
    )
    errors = ""
    if not status.endswith(":Success"):
        errors = (
            '<r:RegistryErrorList><r:RegistryError errorCode="XDSDocumentUniqueIdError" codeContext="none"/>'
            "</r:RegistryErrorList>"
        )
    return soap(
        f'<RetrieveDocumentSetResponse xmlns="{XDSB}" xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">'
        f'<r:RegistryResponse status="urn:{status}">{errors}</r:RegistryResponse>{items}</RetrieveDocumentSetResponse>'
    )


def root(*documents: tuple[str, str]) -> bytes:
    return part("root", response(*documents), "application/xop+xml")


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("encoding", ["binary", "base64"])
def test_a_document_arrives_byte_for_byte(client, peer, tmp_path, content, encoding):
    sent = content if encoding == "binary" else base64.encodebytes(content)
    peer.answer = mtom_answer([root(("1.2.3", include("a@b"))), part("a@b", sent, encoding=encoding)])

    result = client.retrieve([("1.2", "1.2.3")], tmp_path)

    (document,) = result.documents
    assert document.path == tmp_path / "1.2.3.pdf"
    assert document.path.read_bytes() == content
    assert (document.size, document.hash) == (len(content), sha1(content))
    assert (document.repository_unique_id, document.unique_id, document.mime_type) == (
        "1.2",
        "1.2.3",
        "application/pdf",
    )
    assert list(tmp_path.iterdir()) == [document.path]


def test_the_request_names_the_documents_in_mtom(client, peer, tmp_path):
    peer.answer = Answer(response())

    client.retrieve([("1.2", "1.2.3"), ("1.2", "1.2.4")], tmp_path, home_community_id="urn:oid:1.9")

    assert peer.request.headers.get_content_type() == "multipart/related"
    assert peer.request.headers.get_param("action") == "urn:ihe:iti:2007:RetrieveDocumentSet"
    wanted = [[field.text for field in request] for request in peer.request.body]
    assert wanted == [["urn:oid:1.9", "1.2", "1.2.3"], ["urn:oid:1.9", "1.2", "1.2.4"]]


def test_a_large_document_is_never_in_memory(client, peer, tmp_path):
    content = b"\r\n" + bytes(range(251)) * 80_000 + b"\n"
    expected = (len(content), sha1(content))
    peer.answer = mtom_answer([root(("1.2.3", include("a@b"))), part("a@b", content)])
    del content
    progress: list[int] = []
    client.retrieve([("1.2", "1.2.3")], tmp_path)

    tracemalloc.start()
    result = client.retrieve([("1.2", "1.2.3")], tmp_path, progress=progress.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(document.size, document.hash) for document in result.documents] == [expected]
    assert sha1(result.documents[0].path.read_bytes()) == expected[1]
    assert sum(progress) == sum(map(len, peer.answer.body))
    assert peak < 8 << 20


def test_the_root_may_come_last(client, peer, tmp_path):
    peer.answer = mtom_answer(
        [part("a@b", b"one"), part("c@d", b"two"), root(("1", include("c@d")), ("2", include("a@b")))]
    )

    result = client.retrieve([("1.2", "1"), ("1.2", "2")], tmp_path)

    assert [document.path.read_bytes() for document in result.documents] == [b"two", b"one"]


def test_the_first_part_is_the_root_without_a_start(client, peer, tmp_path):
    peer.answer = mtom_answer([root(("1", include("a%40b"))), part("a@b", b"one")], start="")

    assert client.retrieve([("1.2", "1")], tmp_path).documents[0].path.read_bytes() == b"one"


def test_a_document_inside_the_envelope_is_read_too(client, peer, tmp_path):
    peer.answer = Answer(response(("1.2.3", base64.encodebytes(b"\r\ntext\r\n" * 50).decode())))

    (document,) = client.retrieve([("1.2", "1.2.3")], tmp_path).documents

    assert document.path.read_bytes() == b"\r\ntext\r\n" * 50
    assert document.hash == sha1(b"\r\ntext\r\n" * 50)


def test_what_is_not_held_is_an_issue_and_the_rest_comes(client, peer, tmp_path):
    peer.answer = mtom_answer(
        [
            part(
                "root",
                response(("1", include("a@b")), status="ihe:iti:2007:ResponseStatusType:PartialSuccess"),
                "application/xop+xml",
            ),
            part("a@b", b"one"),
        ]
    )

    result = client.retrieve([("1.2", "1"), ("1.2", "2")], tmp_path)

    assert result.status == "PartialSuccess"
    assert [issue.code for issue in result.issues] == [Code.XDSDocumentUniqueIdError]
    assert [document.unique_id for document in result.documents] == ["1"]


@pytest.mark.parametrize("unique_id", ["../../escaped", "/etc/passwd", "..", ".hidden", "a\\b", "1.2^x y"])
def test_no_answer_can_write_outside_the_folder(client, peer, tmp_path, unique_id):
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    peer.answer = mtom_answer([root((unique_id, include("a@b"))), part("a@b", b"one")])

    (document,) = client.retrieve([("1.2", unique_id)], folder).documents

    assert document.path.parent == folder
    assert not document.path.name.startswith(".")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["here"]
    assert document.path.read_bytes() == b"one"


def test_documents_with_one_name_stay_apart(client, peer, tmp_path):
    peer.answer = mtom_answer(
        [root(("1^a", include("a@b")), ("1_a", include("c@d"))), part("a@b", b"one"), part("c@d", b"two")]
    )

    documents = client.retrieve([("1.2", "1^a"), ("1.2", "1_a")], tmp_path).documents

    assert [document.path.read_bytes() for document in documents] == [b"one", b"two"]


GOOD = mtom_answer([root(("1", include("a@b"))), part("a@b", b"one" * 1000)])
BAD = {
    "a reference to nothing": mtom_answer([root(("1", include("a@b")), ("2", include("x@y"))), part("a@b", b"one")]),
    "a reference twice": mtom_answer([root(("1", include("a@b")), ("2", include("a@b"))), part("a@b", b"one")]),
    "one Content-ID twice": mtom_answer([root(("1", include("a@b"))), part("a@b", b"one"), part("a@b", b"two")]),
    "a fault beside parts": mtom_answer([part("root", soap("<s:Fault/>"), "application/xop+xml"), part("a@b", b"one")]),
    "no closing boundary": Answer(GOOD.body[:-1], GOOD.content_type),
    "cut off": Answer(GOOD.body[:-1], GOOD.content_type, promised=100_000),
    "an unknown encoding": mtom_answer([root(("1", include("a@b"))), part("a@b", b"one", encoding="x-gzip")]),
    "not the promised base64": mtom_answer([root(("1", include("a@b"))), part("a@b", b"o!!e", encoding="base64")]),
    "no base64 inside": Answer(response(("1", "o!!e"))),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_broken_answer_leaves_nothing_behind(client, peer, tmp_path, answer):
    peer.answer = answer

    with pytest.raises((Unavailable, Fault)):
        client.retrieve([("1.2", "1")], tmp_path)

    assert not list(tmp_path.iterdir())
