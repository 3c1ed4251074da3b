"""A registry in another process: what is held when it accepts, refuses, fails or is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from lxml.etree import _Element
from msgspec.structs import replace

from xds.db import Database, open_database
from xds.ebrim.encode import encode
from xds.ebrim.query import decode_adhoc_query
from xds.ebrim.response import encode_query_response
from xds.errors import Code, Fault, Issue, Unavailable
from xds.model.ids import new_uuid
from xds.model.objects import DocumentEntry, Submission, SubmissionSet
from xds.model.stored import Holding
from xds.soap import add_actor
from xds.soap.registrar import RemoteRegistry
from xds.transaction import Context, Reply, Transaction

RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
STATUS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:"
ACCEPTED = f'<rs:RegistryResponse xmlns:rs="{RS}" status="{STATUS}Success"/>'.encode()


def refused(code: str) -> bytes:
    return (
        f'<rs:RegistryResponse xmlns:rs="{RS}" status="{STATUS}Failure"><rs:RegistryErrorList>'
        f'<rs:RegistryError errorCode="{code}" codeContext="not known" severity='
        '"urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/></rs:RegistryErrorList></rs:RegistryResponse>'
    ).encode()


REFUSED = refused("XDSUnknownPatientId")

HELD = Holding("1.2.3", "a" * 64, "b" * 40, 5, "text/plain")
OLD = Holding("1.2.4", "c" * 64, "d" * 40, 6, "text/plain")
SUBMISSION = Submission(
    submission_sets=(SubmissionSet(entry_uuid="set", unique_id="1.2.5"),),
    entries=(DocumentEntry(entry_uuid="entry", unique_id="1.2.3", hash=HELD.hash),),
)


def transaction(number: str, request: str, action: str, answer: Callable[[_Element], bytes]) -> Transaction:
    async def reply(message: _Element, context: Context) -> Reply:
        return Reply((answer(message),))

    action = f"urn:ihe:iti:2007:{action}"
    request = f"{{urn:oasis:names:tc:ebxml-regrep:xsd:{request}"
    return Transaction(number, number, "registry", request, action, f"{action}Response", "never", reply)


@contextlib.asynccontextmanager
async def registry(
    answer: Callable[[_Element], bytes],
    found: Submission = Submission(),
    query: Callable[[_Element], bytes] | None = None,
) -> AsyncIterator[str]:
    """A registry that gives this answer to ITI-42, or raises it, and has this for who asks by ITI-18; its URL.

    `query` answers ITI-18 otherwise.
    """

    def find(message: _Element) -> bytes:
        assert "'1.2.5'" in "".join(message.itertext())
        return b"".join(encode_query_response([encode(each) for each in (*found.submission_sets, *found.entries)]))

    transactions = [
        transaction("ITI-42", "lcm:3.0}SubmitObjectsRequest", "RegisterDocumentSet-b", answer),
        transaction("ITI-18", "query:3.0}AdhocQueryRequest", "RegistryStoredQuery", query or find),
    ]
    app = web.Application()
    add_actor(
        app, "/registry", transactions, context_factory=lambda **known: Context(registry=None, repository=None, **known)
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/registry"  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/index.db", create=True)
    yield database
    database.close()


def asked(answer: Callable[[_Element], bytes], *unique_ids: str) -> list[str | None] | str:
    """The uniqueIds that such a registry shows of these, or why it was unavailable."""

    async def main() -> list[str | None] | str:
        async with registry(lambda message: ACCEPTED, query=answer) as url:
            elsewhere = RemoteRegistry(url, None, None, check)  # type: ignore[arg-type]
            try:
                return [each.unique_id for each in await elsewhere.shown(unique_ids, None)]
            except Unavailable as error:
                return str(error)
            finally:
                await elsewhere.close()

    return asyncio.run(main())


def test_what_may_be_retrieved_is_asked_by_the_hundred() -> None:
    questions = []

    def answer(message: _Element) -> bytes:
        request, issues = decode_adhoc_query(message)
        assert (request.query_id, request.return_type, issues) == (
            "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
            "LeafClass",
            [],
        )
        ((values,),) = request.parameters.values()
        questions.append(values)
        return b"".join(
            encode_query_response([encode(DocumentEntry(entry_uuid=new_uuid(), unique_id=each)) for each in values[:1]])
        )

    unique_ids = [f"1.{number}" for number in range(249)] + ["an 'odd' one"]

    assert asked(answer, *unique_ids) == ["1.0", "1.100", "1.200"]
    assert [len(each) for each in questions] == [100, 100, 50]
    assert [each for values in questions for each in values] == unique_ids


@pytest.mark.parametrize(
    "answer",
    [
        lambda message: b"".join(encode_query_response((), [Issue(Code.XDSRegistryError, "no")])),
        lambda message: ACCEPTED,
        lambda message: b"<x/>",
        lambda message: fails(Fault("no"))(message),
        lambda message: fails(ValueError())(message),
    ],
    ids=["an error", "another answer", "no answer", "a Sender fault", "a Receiver fault"],
)
def test_a_registry_that_does_not_say_what_may_be_retrieved(answer: Callable[[_Element], bytes]) -> None:
    assert isinstance(asked(answer, "1.2"), str)


def check(submission: Submission) -> list[Issue]:
    return [Issue(Code.XDSRegistryMetadataError, submission.entries[0].entry_uuid)]


def held(index: Database) -> Awaitable[set[str]]:
    return index.read(lambda reader: {holding.unique_id for holding in reader.holdings(["1.2.3", "1.2.4"])})


def register(
    index: Database, answer: Callable[[_Element], bytes], *holdings: Holding, found: Submission = Submission()
) -> list[Code] | str:
    """Register these holdings with such a registry; the codes of its issues, or why it was unavailable.

    The document OLD is held before.
    """

    async def main() -> list[Code] | str:
        await index.write(lambda writer: writer.hold([OLD]))
        async with registry(answer, found) as url:
            registrar = RemoteRegistry(url, None, index, check)
            try:
                return [issue.code for issue in await registrar.register(SUBMISSION, holdings)]
            except Unavailable as error:
                return str(error)
            finally:
                await registrar.close()

    return asyncio.run(main())


def test_accepted(index: Database) -> None:
    received = []

    def answer(message: _Element) -> bytes:
        received.append([each.get("value") for each in message.iter("{*}ExternalIdentifier")])
        return ACCEPTED

    assert register(index, answer, HELD, OLD) == []
    assert "1.2.5" in received[0]
    assert asyncio.run(held(index)) == {"1.2.3", "1.2.4"}


def test_refused(index: Database) -> None:
    assert register(index, lambda message: REFUSED, HELD, OLD) == [Code.XDSUnknownPatientId]
    assert asyncio.run(held(index)) == {"1.2.4"}


def test_other_content_is_not_even_sent(index: Database) -> None:
    def answer(message: _Element) -> bytes:
        raise AssertionError

    other = OLD._replace(address="e" * 64)
    assert register(index, answer, HELD, other) == [Code.XDSNonIdenticalHash]
    assert asyncio.run(held(index)) == {"1.2.4"}


def fails(error: Exception) -> Callable[[_Element], bytes]:
    def answer(message: _Element) -> bytes:
        raise error

    return answer


UNKNOWN = {
    "it crashes": fails(ValueError()),
    "no answer of its": lambda message: b"<x/>",
    "no XML": lambda message: b"<x",
    "it breaks down": lambda message: refused("XDSRegistryOutOfResources"),
}


OTHER = Submission(SUBMISSION.submission_sets, (replace(SUBMISSION.entries[0], hash=OLD.hash),))


@pytest.mark.parametrize("found", [Submission(), OTHER], ids=["nothing", "another"])
@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_may_have_been_accepted_stays_held(
    index: Database, answer: Callable[[_Element], bytes], found: Submission
) -> None:
    assert isinstance(register(index, answer, HELD, found=found), str)
    assert asyncio.run(held(index)) == {"1.2.3", "1.2.4"}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_the_registry_says_that_it_has_is_accepted(index: Database, answer: Callable[[_Element], bytes]) -> None:
    assert register(index, answer, HELD, found=SUBMISSION) == []
    assert asyncio.run(held(index)) == {"1.2.3", "1.2.4"}


def test_an_error_of_the_repository_comes_with_those_of_the_rules_and_the_registry_is_not_asked(
    index: Database,
) -> None:
    async def main() -> None:
        # Nothing listens there.
        registrar = RemoteRegistry("http://127.0.0.1:9/registry", None, index, check)
        own = Issue(Code.XDSMissingDocument, "the repository's")
        assert await registrar.register(SUBMISSION, [HELD], [own]) == [own, *check(SUBMISSION)]
        assert await held(index) == set()

    asyncio.run(main())


def test_a_sender_fault_releases(index: Database) -> None:
    assert isinstance(register(index, fails(Fault("no")), HELD, OLD), str)
    assert asyncio.run(held(index)) == {"1.2.4"}


def test_a_registry_that_is_away(index: Database) -> None:
    async def main() -> None:
        async with registry(lambda message: ACCEPTED) as url:
            pass
        registrar = RemoteRegistry(url, None, index, check)
        with pytest.raises(Unavailable, match="can't be reached"):
            await registrar.register(SUBMISSION, [HELD])
        await registrar.close()
        assert await held(index) == set()

    asyncio.run(main())
