"""ITI-43: documents that are held, and an error for each of the others. Source: ITI TF-2: 3.43."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from consent_samples import HOSPITAL, requester
from lxml import etree
from repository_actors import UNIQUE_ID, Actors, inline
from samples import entry, submission

from xds import xmlio
from xds.ebrim.response import decode_response
from xds.ebrim.vocabulary import XDSB
from xds.errors import Code, Unavailable
from xds.model.objects import DocumentEntry, Submission
from xds.transaction import Reply

HOME = "urn:oid:2.999.9"
SCHEMAS = [
    Path(__file__).parents[2] / "wsdl/xds-b.xsd",
    Path(__file__).parents[3] / "shared/schemas/IHE/XDS.b_DocumentRepository.xsd",
]
CONTENTS = {"2.999.61": b"een" * 1000, "2.999.62^twee": b"", "2.999.63": b"\r\n--drie" * 700_000}


@pytest.fixture(autouse=True)
def filled(actors: Actors) -> None:
    for unique_id, content in CONTENTS.items():
        sent: Submission = submission(entry(unique_id=unique_id, hash=None, size=None, mime_type="text/plain"))
        assert actors.provide(sent, inline("Document01", content)) == []


def told(reply: Reply) -> tuple[str, list[tuple[str, str]], list[dict[str, str]]]:
    """The status, code and location of each error, and the texts of each DocumentResponse."""
    root = xmlio.parse(b"".join(reply.body))
    status, issues = decode_response(root)
    assert reply.codes == tuple(issue.code for issue in issues)
    documents = []
    for response in root.iterchildren(f"{{{XDSB}}}DocumentResponse"):
        texts = {etree.QName(child).localname: child.text for child in response}
        texts["Document"] = response[-1][0].get("href")
        documents.append(texts)
    return status.rpartition(":")[2], [(issue.code, issue.location) for issue in issues], documents


def test_documents_come_byte_for_byte(actors: Actors) -> None:
    reply, contents = actors.retrieve(*((None, UNIQUE_ID, unique_id) for unique_id in CONTENTS))
    assert contents == list(CONTENTS.values())
    status, issues, documents = told(reply)
    assert (status, issues, reply.status) == ("Success", [], "Success")
    for part, document, (unique_id, content) in zip(reply.attachments, documents, CONTENTS.items(), strict=True):
        assert document == {
            "RepositoryUniqueId": UNIQUE_ID,
            "DocumentUniqueId": unique_id,
            "mimeType": "text/plain",
            "Document": f"cid:{part.content_id}",
        }
        assert (part.size, part.mime_type) == (len(content), "text/plain")


def test_the_same_document_is_given_once(actors: Actors) -> None:
    reply, contents = actors.retrieve(*[(None, UNIQUE_ID, "2.999.61")] * 3)
    assert contents == [CONTENTS["2.999.61"]]
    assert told(reply)[0] == "Success"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ((None, "2.999.2", "2.999.61"), Code.XDSUnknownRepositoryId),
        ((None, UNIQUE_ID, "2.999.64"), Code.XDSDocumentUniqueIdError),
        (("urn:oid:2.999.10", UNIQUE_ID, "2.999.61"), Code.XDSUnknownCommunity),
        (("urn:oid:2.999.10", "2.999.2", "2.999.61"), Code.XDSUnknownCommunity),
        ((None, "", "2.999.61"), Code.XDSRepositoryError),
        ((None, UNIQUE_ID, ""), Code.XDSRepositoryError),
        ((None, UNIQUE_ID, "9" * 257), Code.XDSRepositoryError),
    ],
)
def test_what_is_not_given(actors: Actors, asked: tuple[str | None, str, str], code: Code) -> None:
    actors.home = HOME
    reply, contents = actors.retrieve(asked)
    status, issues, documents = told(reply)
    assert (status, [found for found, _ in issues], documents, contents) == ("Failure", [code], [], [])
    reply, contents = actors.retrieve(asked, (HOME, UNIQUE_ID, "2.999.61"))
    status, issues, documents = told(reply)
    assert (status, reply.status, [found for found, _ in issues]) == ("PartialSuccess", "PartialSuccess", [code])
    assert contents == [CONTENTS["2.999.61"]]
    assert documents[0]["HomeCommunityId"] == HOME


def test_the_home_of_an_answer_is_the_configured_one(actors: Actors) -> None:
    reply, _ = actors.retrieve(("urn:oid:2.999.10", UNIQUE_ID, "2.999.61"))
    assert told(reply)[0] == "Success"
    assert "HomeCommunityId" not in told(reply)[2][0]
    actors.home = HOME
    reply, _ = actors.retrieve((None, UNIQUE_ID, "2.999.61"))
    assert told(reply)[2][0]["HomeCommunityId"] == HOME


def test_an_error_names_each_document(actors: Actors) -> None:
    reply, _ = actors.retrieve((None, UNIQUE_ID, "2.999.1&lt;&amp;"), (None, "2.999.2", "2.999.62"))
    assert told(reply)[1] == [
        (Code.XDSDocumentUniqueIdError, "2.999.1<&"),
        (Code.XDSUnknownRepositoryId, "2.999.62"),
    ]


def test_an_empty_request_and_one_that_is_too_long(actors: Actors) -> None:
    assert told(actors.retrieve()[0])[:2] == ("Failure", [(Code.XDSRepositoryError, "")])
    many = [(None, UNIQUE_ID, f"2.999.{number}") for number in range(1001)]
    assert told(actors.retrieve(*many)[0])[:2] == ("Failure", [(Code.XDSRepositoryError, "")])
    status, issues, documents = told(actors.retrieve(*many[1:])[0])
    assert (status, len(issues), len(documents)) == ("PartialSuccess", 998, 2)


@pytest.mark.parametrize("damage", ["missing", "shorter", "other bytes"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_damaged_document_is_an_error_and_the_others_are_given(actors: Actors, damage: str, place: int) -> None:
    spoil(actors, "2.999.61", damage)
    asked = ["2.999.62^twee", "2.999.63"]
    asked.insert(place, "2.999.61")
    reply, contents = actors.retrieve(*((None, UNIQUE_ID, unique_id) for unique_id in asked))
    status, issues, documents = told(reply)
    assert (status, issues) == ("PartialSuccess", [(Code.XDSRepositoryError, "2.999.61")])
    assert [document["DocumentUniqueId"] for document in documents] == ["2.999.62^twee", "2.999.63"]
    assert contents == [CONTENTS["2.999.62^twee"], CONTENTS["2.999.63"]]
    assert told(actors.retrieve((None, UNIQUE_ID, "2.999.61"))[0])[0] == "Failure"


@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_of_a_large_document_the_damage_that_shows_without_reading(actors: Actors, damage: str) -> None:
    spoil(actors, "2.999.63", damage)
    reply, contents = actors.retrieve((None, UNIQUE_ID, "2.999.63"), (None, UNIQUE_ID, "2.999.61"))
    assert told(reply)[:2] == ("PartialSuccess", [(Code.XDSRepositoryError, "2.999.63")])
    assert contents == [CONTENTS["2.999.61"]]


def test_a_large_document_with_other_bytes_is_broken_off(actors: Actors) -> None:
    spoil(actors, "2.999.63", "other bytes")
    with pytest.raises(Unavailable):
        actors.retrieve((None, UNIQUE_ID, "2.999.63"))


def spoil(actors: Actors, unique_id: str, damage: str) -> None:
    (held,) = actors.held(unique_id)
    (path,) = [path for path in actors.files() if path.name == held.address]
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"x" * (held.size if damage == "other bytes" else 1))


def test_a_database_that_is_gone_is_out_of_resources(actors: Actors) -> None:
    actors.held()
    (actors.root.parent / "index.db").unlink()
    reply, contents = actors.retrieve((None, UNIQUE_ID, "2.999.61"), (None, "2.999.2", "2.999.61"))
    assert told(reply)[:2] == (
        "Failure",
        [(Code.XDSRepositoryOutOfResources, ""), (Code.XDSUnknownRepositoryId, "2.999.61")],
    )
    assert contents == []


class Showing:
    """A registry elsewhere that shows these entries; None: that is away."""

    def __init__(self, *entries: DocumentEntry | None):
        self.entries = entries
        self.asked: list[str] = []

    async def shown(self, unique_ids: Sequence[str], assertion: bytes | None) -> list[DocumentEntry]:
        self.asked += unique_ids
        if None in self.entries:
            raise Unavailable("away")
        return list(self.entries)


def shown(unique_id: str = "2.999.61", **changes: Any) -> DocumentEntry:
    content = CONTENTS[unique_id]
    stored = {"hash": hashlib.sha1(content).hexdigest(), "size": str(len(content)), "repository_unique_id": UNIQUE_ID}
    return entry(unique_id=unique_id, **stored | changes)


WANTED = [(None, UNIQUE_ID, "2.999.61"), (None, UNIQUE_ID, "2.999.404"), (HOME, UNIQUE_ID, "2.999.62^twee")]


def test_a_registry_elsewhere_says_what_is_given(actors: Actors) -> None:
    actors.requester, actors.home = requester(HOSPITAL, "01.046"), HOME
    actors.apart = registry = Showing(shown(), shown(), shown("2.999.62^twee", home_community_id=HOME))

    reply, contents = actors.retrieve(*WANTED)

    assert contents == [CONTENTS["2.999.61"], CONTENTS["2.999.62^twee"]]
    assert told(reply)[:2] == ("PartialSuccess", [(Code.XDSDocumentUniqueIdError, "2.999.404")])
    assert registry.asked == ["2.999.61", "2.999.404", "2.999.62^twee"], "of what isn't held, too"


def test_what_a_registry_elsewhere_does_not_show_as_it_is_held_is_absent(actors: Actors) -> None:
    actors.requester, actors.home = requester(HOSPITAL, "01.046"), HOME
    for entries in (
        (),
        (shown(hash="0" * 40),),
        (shown(size="1"),),
        (shown(size=None),),
        (shown(repository_unique_id="2.999.2"),),
        (shown(home_community_id="urn:oid:2.999.8"),),
        (shown(), shown(hash="0" * 40)),
        (shown("2.999.63"),),
    ):
        actors.apart = Showing(*entries)
        reply, contents = actors.retrieve(WANTED[0])
        assert contents == [] and reply.lacking, entries
        assert told(reply) == ("Failure", [(Code.XDSDocumentUniqueIdError, "2.999.61")], [])


def test_a_registry_elsewhere_that_is_away_tells_nothing(actors: Actors) -> None:
    actors.requester, actors.apart = requester(HOSPITAL, "01.046"), Showing(None)

    held, absent = (actors.retrieve(each)[0] for each in WANTED[:2])

    assert held.body == absent.body and held.lacking
    assert told(held) == ("Failure", [(Code.XDSRegistryNotAvailable, "")], [])
    elsewhere = actors.retrieve(*WANTED[:2], (None, "2.999.2", "1.2"))[0]
    assert [code for code, _ in told(elsewhere)[1]] == [Code.XDSRegistryNotAvailable, Code.XDSUnknownRepositoryId]


@pytest.mark.parametrize("schema", SCHEMAS, ids=["ours", "official"])
def test_answers_are_valid(actors: Actors, schema: Path) -> None:
    if not schema.exists():
        pytest.skip("the official schemas are not in ../shared/schemas")
    valid = etree.XMLSchema(file=str(schema))
    actors.home = HOME
    missing = (None, UNIQUE_ID, "2.999.1&lt;&amp;")
    for asked in ([(None, UNIQUE_ID, "2.999.61"), missing], [missing], [(HOME, UNIQUE_ID, "2.999.62^twee")], []):
        root = xmlio.parse(b"".join(actors.retrieve(*asked)[0].body))
        for include in list(root.iter("{*}Include")):
            include.getparent().remove(include)
        assert valid.validate(root), valid.error_log
