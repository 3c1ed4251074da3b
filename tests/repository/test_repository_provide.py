"""ITI-41: what is stored and registered, and that a refusal leaves nothing. Source: ITI TF-2: 3.41."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from lxml import etree
from msgspec.structs import replace
from repository_actors import UNIQUE_ID, Actors, included, inline, provide
from samples import OTHER_PATIENT, PATIENT, association, entry, folder, member, submission

from xds import xmlio
from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.ebrim.submit import encode_submit_objects
from xds.errors import Code, Issue, Severity, Unavailable
from xds.model.affinity_domain import AffinityDomain
from xds.model.audit import Entry
from xds.model.objects import AssociationType, DocumentEntry, EntryType, Submission
from xds.model.selection import EntrySelection
from xds.model.stored import Holding
from xds.registry import iti42_register_document_set_b as iti42
from xds.registry.rules import check_submission
from xds.soap.registrar import RemoteRegistry
from xds.transaction import Context

KAART = b"%PDF-1.7 zwangerschapskaart \x00\xff\r\n" * 9
ECHO = b"<echo/>"
UUID = "urn:uuid:0d1f4c0c-6a54-4b6b-9a3c-0123456789ab"


def bare(entry_uuid: str = "Document01", **changes) -> DocumentEntry:
    """An entry as a document source sends it."""
    return entry(entry_uuid, **{"hash": None, "size": None, "repository_unique_id": None} | changes)


def registered(actors: Actors) -> list[DocumentEntry]:
    rows = actors.index.read_now(lambda reader: reader.entries(EntrySelection(patient=PATIENT)))
    return [decode_fragment(unpack(row.fragment)) for row in rows]


def assert_nothing_left(actors: Actors, *unique_ids: str | None) -> None:
    assert registered(actors) == []
    assert actors.held(*(unique_id for unique_id in unique_ids if unique_id)) == []
    assert actors.files() == []


@pytest.mark.parametrize("content", [b"", b"a", b"ab", KAART, os.urandom(1 << 20)], ids=len)
@pytest.mark.parametrize("way", ["inline", "part"])
def test_a_document_is_stored_and_registered(actors: Actors, content: bytes, way: str) -> None:
    sent = bare(hash=None if len(content) % 2 else hashlib.sha1(content).hexdigest().upper())
    if way == "inline":
        assert actors.provide(submission(sent), inline("Document01", content)) == []
    else:
        document = included("Document01", "cid:kaart%2B1%40x")
        assert actors.provide(submission(sent), document, parts={"kaart+1@x": content}) == []
    (made,) = registered(actors)
    address = hashlib.sha256(content).hexdigest()
    hash = hashlib.sha1(content).hexdigest()
    assert (made.hash, made.size, made.repository_unique_id) == (hash, str(len(content)), UNIQUE_ID)
    assert actors.held(sent.unique_id) == [Holding(sent.unique_id, address, hash, len(content), "application/pdf")]
    (path,) = actors.files()
    assert path.name == address
    assert path.read_bytes() == content


def test_several_documents_also_with_the_same_bytes(actors: Actors) -> None:
    a, b, c = bare("A"), bare(UUID), bare("C", size="000", hash="")
    documents = inline(UUID.upper().replace("URN:UUID:", "urn:uuid:"), KAART), inline("A", KAART), inline("C", b"")
    assert actors.provide(submission(a, b, c), *documents) == []
    assert [holding.size for holding in actors.held(a.unique_id, b.unique_id)] == [len(KAART)] * 2
    assert len(actors.files()) == 2


def test_a_submission_without_documents_is_registered(actors: Actors) -> None:
    assert actors.provide(submission(folder())) == []
    assert actors.files() == []


def test_an_identical_document_is_accepted_again(actors: Actors) -> None:
    for _ in range(2):
        assert actors.provide(submission(bare(unique_id="2.999.55")), inline("Document01", KAART)) == []
    assert len(registered(actors)) == 2
    assert len(actors.held("2.999.55")) == len(actors.files()) == 1


def test_other_content_under_a_used_unique_id_is_refused(actors: Actors) -> None:
    assert actors.provide(submission(bare(unique_id="2.999.55")), inline("Document01", KAART)) == []
    before = actors.files(), actors.held("2.999.55"), registered(actors)
    both = [Code.XDSNonIdenticalHash, Code.XDSNonIdenticalSize]
    for content, codes in ((b"x" * len(KAART), both[:1]), (b"x", both)):
        issues = actors.provide(submission(bare(unique_id="2.999.55")), inline("Document01", content))
        assert [issue.code for issue in issues] == codes
        assert {issue.location for issue in issues} == {"Document01"}
    assert (actors.files(), actors.held("2.999.55"), registered(actors)) == before


def test_each_error_of_the_repository(actors: Actors) -> None:
    one = bare()
    cases: list[tuple[Submission, list[str], list[Code]]] = [
        (submission(one), [], [Code.XDSMissingDocument]),
        (submission(folder()), [inline("Document01", KAART)], [Code.XDSMissingDocumentMetadata]),
        (submission(one), [inline("Document01", KAART), inline(" ", ECHO)], [Code.XDSMissingDocumentMetadata]),
        (submission(one), [inline("Document01", KAART)] * 2, [Code.XDSRepositoryMetadataError]),
        (submission(replace(one, hash="a" * 40)), [inline("Document01", KAART)], [Code.XDSRepositoryMetadataError]),
        (submission(replace(one, size="1")), [inline("Document01", KAART)], [Code.XDSRepositoryMetadataError]),
        (submission(one), [included("Document01", "cid:gone")], [Code.XDSRepositoryMetadataError]),
        (
            submission(bare("A", unique_id="2.999.6"), bare("B", unique_id="2.999.6")),
            [inline("A", KAART), inline("B", KAART)],
            [Code.XDSRepositoryDuplicateUniqueIdInMessage],
        ),
        (
            submission(bare(object_type=EntryType.ON_DEMAND, creation_time=None)),
            [inline("Document01", KAART)],
            [Code.XDSRepositoryMetadataError],
        ),
    ]
    for sent, documents, codes in cases:
        assert actors.codes(sent, *documents) == codes
        assert_nothing_left(actors, *(each.unique_id for each in sent.entries))


def test_a_mistake_that_shows_when_the_metadata_is_read_is_the_repositorys(actors: Actors) -> None:
    sent = submission(bare(extra_slots=(("urn:x", ("a",)), ("urn:x", ("b",)))))
    (issue,) = actors.provide(sent, inline("Document01", KAART))
    assert (issue.code, issue.location) == (Code.XDSRepositoryMetadataError, "Document01")
    assert_nothing_left(actors)


def test_what_is_not_stored_is_a_warning_and_the_rest_is_registered(actors: Actors) -> None:
    more = b'<rim:ContentVersionInfo versionName="2"/></rim:ExtrinsicObject>'
    body = etree.tostring(provide(submission(bare()), [inline("Document01", KAART)]))
    (reply,) = actors.provide_together(xmlio.parse(body.replace(b"</rim:ExtrinsicObject>", more)))
    assert (reply.status, reply.codes) == ("Success", (Code.XDSExtraMetadataNotSaved,))
    assert b"ErrorSeverityType:Warning" in b"".join(reply.body)
    assert len(registered(actors)) == 1


@pytest.mark.parametrize(
    "content", ["a", "YQ", "YQ=", "YQ==YQ==", "Y=Q=", "=", "YQ==\n=", "Y-Q_", "é", "<x/>", "YQ==<x/>", "A" * 400_001]
)
def test_broken_base64_is_an_error_that_names_the_document(actors: Actors, content: str) -> None:
    document = f'<xdsb:Document id="Document01">{content}</xdsb:Document>'
    (issue,) = actors.provide(submission(bare()), document)
    assert (issue.code, issue.location) == (Code.XDSRepositoryMetadataError, "Document01")
    assert_nothing_left(actors)


def test_all_errors_come_at_once_also_the_registrys(actors: Actors) -> None:
    sent = submission(
        bare("A", size="3", language_code="??"),
        bare("B"),
        association("A", UUID, AssociationType.RPLC),
        unique_id="2.999.7",
        patient_id=OTHER_PATIENT,
    )
    issues = actors.provide(sent, inline("A", KAART), inline("C", ECHO), parts={"unused": KAART})
    assert {(issue.code, issue.location) for issue in issues} >= {
        (Code.XDSRepositoryMetadataError, "A"),
        (Code.XDSMissingDocument, "B"),
        (Code.XDSMissingDocumentMetadata, "C"),
        (Code.XDSRegistryMetadataError, "A"),
        (Code.XDSPatientIdDoesNotMatch, "A"),
        (Code.XDSUnknownPatientId, "SubmissionSet01"),
        (Code.UnresolvedReferenceException, sent.associations[-1].entry_uuid),
    }
    assert not [issue for issue in issues if "hash" in issue.context or "repositoryUniqueId" in issue.context]
    assert_nothing_left(actors)


def test_a_refusal_by_the_registry_leaves_nothing(actors: Actors) -> None:
    sent = bare(patient_id=OTHER_PATIENT)
    assert actors.codes(submission(sent, patient_id=OTHER_PATIENT), inline("Document01", KAART)) == [
        Code.XDSUnknownPatientId
    ]
    assert registered(actors) == []
    assert actors.held(sent.unique_id) == []
    assert actors.files() == []
    structure = submission(sent, member("SubmissionSet01", UUID, "Original"))
    assert Code.XDSRegistryMetadataError in actors.codes(structure, inline("Document01", KAART))


def test_a_full_disk_is_out_of_resources(actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    for content in (KAART, KAART * 4000):
        with monkeypatch.context() as patched:
            patched.setattr(os, "writev", full)
            assert actors.codes(submission(bare()), inline("Document01", content)) == [Code.XDSRepositoryOutOfResources]
        assert_nothing_left(actors)


def test_too_much_to_do_is_busy_and_registers_nothing(actors: Actors) -> None:
    with actors.busy():
        assert actors.codes(submission(bare()), inline("Document01", KAART)) == [Code.XDSRepositoryBusy]
        body = xmlio.parse(encode_submit_objects(submission(entry())))
        context = Context("x", actors.registry, None, {}, datetime.now(UTC))
        assert actors.ask(iti42.answer(body, context)).codes == (Code.XDSRegistryBusy,)
    assert registered(actors) == []


class Answering:
    """A registry that is away, or that only warns."""

    def __init__(self, issue: Issue | None):
        self.issue = issue

    async def register(
        self,
        submission: Submission,
        held: Sequence[Holding],
        already: Sequence[Issue] = (),
        entries: Sequence[Entry] = (),
        assertion: bytes | None = None,
    ) -> list[Issue]:
        if self.issue is None:
            raise Unavailable("away")
        return [*already, self.issue]


def test_a_registry_that_is_away(actors: Actors) -> None:
    actors.registrar = Answering(None)
    sent = bare()
    assert actors.codes(submission(sent), inline("Document01", KAART)) == [Code.XDSRegistryNotAvailable]
    assert actors.held(sent.unique_id) == []


def test_a_warning_is_kept_with_success(actors: Actors) -> None:
    actors.registrar = Answering(Issue(Code.XDSExtraMetadataNotSaved, "a slot", severity=Severity.WARNING))
    assert actors.codes(submission(bare()), inline("Document01", KAART)) == [Code.XDSExtraMetadataNotSaved]


def test_a_remote_registry_is_not_asked_when_the_repository_refuses(actors: Actors) -> None:
    # Nothing listens there: being asked would be XDSRegistryNotAvailable.
    def check(submission: Submission) -> list[Issue]:
        return check_submission(submission, AffinityDomain(), date(2026, 6, 1), at_registry=False)

    remote = RemoteRegistry("http://127.0.0.1:9/registry", None, actors.index, check)
    actors.registrar = remote
    broken = submission(bare(class_code=None))
    assert actors.codes(broken) == [Code.XDSMissingDocument, Code.XDSRegistryMetadataError]
    asyncio.run(remote.close())


def test_base64_may_have_white_space_anywhere(actors: Actors) -> None:
    text = "".join(f" {chr(9)}{letter}\n" for letter in base64.b64encode(KAART).decode())
    document = f'<xdsb:Document id="Document01">{text}</xdsb:Document>'
    assert actors.provide(submission(bare()), document) == []
    assert actors.files()[0].read_bytes() == KAART


def test_of_two_contents_for_one_unique_id_at_the_same_moment_one_is_refused(actors: Actors) -> None:
    requests = [provide(submission(bare(unique_id="2.999.56")), [inline("Document01", c)]) for c in (KAART, ECHO)]
    replies = actors.provide_together(*requests)
    assert sorted(reply.status for reply in replies) == ["Failure", "Success"]
    assert sum((reply.codes for reply in replies), ()) == (Code.XDSNonIdenticalHash, Code.XDSNonIdenticalSize)
    (kept,) = actors.held("2.999.56")
    assert [made.hash for made in registered(actors)] == [kept.hash]
