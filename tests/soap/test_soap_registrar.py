"""A registry in another process: what is held when it accepts, refuses, fails or is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from lxml.etree import _Element

from xds.db import Database, open_database
from xds.errors import Code, Fault, Unavailable
from xds.model.objects import Submission, SubmissionSet
from xds.model.stored import Holding
from xds.soap import add_actor
from xds.soap.registrar import RemoteRegistrar
from xds.transaction import Context, Reply, Transaction

RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
STATUS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:"
ACCEPTED = f'<rs:RegistryResponse xmlns:rs="{RS}" status="{STATUS}Success"/>'.encode()
REFUSED = (
    f'<rs:RegistryResponse xmlns:rs="{RS}" status="{STATUS}Failure"><rs:RegistryErrorList>'
    '<rs:RegistryError errorCode="XDSUnknownPatientId" codeContext="not known" '
    'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/></rs:RegistryErrorList></rs:RegistryResponse>'
).encode()

HELD = Holding("1.2.3", "a" * 64, "b" * 40, 5, "text/plain")
OLD = Holding("1.2.4", "c" * 64, "d" * 40, 6, "text/plain")
SUBMISSION = Submission(submission_sets=(SubmissionSet(entry_uuid="set", unique_id="1.2.5"),))


@contextlib.asynccontextmanager
async def registry(answer: Callable[[_Element], bytes]) -> AsyncIterator[str]:
    """A registry that gives this answer, or raises it; its URL."""

    async def reply(message: _Element, context: Context) -> Reply:
        return Reply(answer(message))

    iti42 = Transaction(
        "ITI-42",
        "Register Document Set-b",
        "registry",
        "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest",
        "urn:ihe:iti:2007:RegisterDocumentSet-b",
        "urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
        "never",
        reply,
    )
    app = web.Application()
    add_actor(
        app, "/registry", [iti42], context_factory=lambda request_id, parts: Context(request_id, None, None, parts)
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


def held(index: Database) -> Awaitable[set[str]]:
    return index.read(lambda reader: {holding.unique_id for holding in reader.holdings(["1.2.3", "1.2.4"])})


def register(index: Database, answer: Callable[[_Element], bytes], *holdings: Holding) -> list[Code] | str:
    """Register these holdings with a registry that answers so; the codes of its issues, or why it was unavailable.

    The document OLD is held before.
    """

    async def main() -> list[Code] | str:
        await index.write(lambda writer: writer.hold([OLD]))
        async with registry(answer) as url:
            registrar = RemoteRegistrar(url, None, index)
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
}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_may_have_been_accepted_stays_held(index: Database, answer: Callable[[_Element], bytes]) -> None:
    assert isinstance(register(index, answer, HELD), str)
    assert asyncio.run(held(index)) == {"1.2.3", "1.2.4"}


def test_a_sender_fault_releases(index: Database) -> None:
    assert isinstance(register(index, fails(Fault("no")), HELD, OLD), str)
    assert asyncio.run(held(index)) == {"1.2.4"}


def test_a_registry_that_is_away(index: Database) -> None:
    async def main() -> None:
        async with registry(lambda message: ACCEPTED) as url:
            pass
        registrar = RemoteRegistrar(url, None, index)
        with pytest.raises(Unavailable, match="can't be reached"):
            await registrar.register(SUBMISSION, [HELD])
        await registrar.close()
        assert await held(index) == set()

    asyncio.run(main())
