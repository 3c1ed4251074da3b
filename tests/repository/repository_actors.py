"""Both actors on real parts: a SQLite index, a document store on disk, and the registry in the same process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree
from samples import PATIENT

from xds import xmlio
from xds.db import open_database
from xds.ebrim.response import decode_response
from xds.ebrim.submit import encode_submit_objects
from xds.ebrim.vocabulary import XDSB, XOP
from xds.errors import Busy, Issue
from xds.model.affinity_domain import AffinityDomain
from xds.model.objects import Submission
from xds.model.party import Requester
from xds.model.stored import Holding
from xds.ports import Registrar, RegistryApart, Staged
from xds.registry.register import LocalRegistrar
from xds.repository import iti41_provide_and_register_document_set_b as iti41
from xds.repository import iti43_retrieve_document_set as iti43
from xds.store.files import FileDocuments
from xds.transaction import Context, Registry, Reply, Repository

UNIQUE_ID = "2.999.1"
T = TypeVar("T")


def inline(entry_id: str, content: bytes) -> str:
    """A xdsb:Document in the envelope, in lines as many stacks break it."""
    return f'<xdsb:Document id="{entry_id}">{base64.encodebytes(content).decode()}</xdsb:Document>'


def included(entry_id: str, href: str) -> str:
    """A xdsb:Document that is a MIME part."""
    return f'<xdsb:Document id="{entry_id}"><xop:Include xmlns:xop="{XOP}" href="{href}"/></xdsb:Document>'


def provide(submission: Submission, documents: Sequence[str]) -> etree._Element:
    """The request of ITI-41."""
    return xmlio.parse(
        f'<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="{XDSB}">'.encode()
        + encode_submit_objects(submission)
        + "".join(documents).encode()
        + b"</xdsb:ProvideAndRegisterDocumentSetRequest>"
    )


def retrieve(*asked: tuple[str | None, str, str]) -> etree._Element:
    """The request of ITI-43: home, repositoryUniqueId and uniqueId of each document."""
    requests = "".join(
        "<xdsb:DocumentRequest>"
        + (f"<xdsb:HomeCommunityId>{home}</xdsb:HomeCommunityId>" if home else "")
        + f"<xdsb:RepositoryUniqueId>{repository}</xdsb:RepositoryUniqueId>"
        f"<xdsb:DocumentUniqueId> {document}\n</xdsb:DocumentUniqueId></xdsb:DocumentRequest>"
        for home, repository, document in asked
    )
    return xmlio.parse(
        f'<xdsb:RetrieveDocumentSetRequest xmlns:xdsb="{XDSB}">{requests}</xdsb:RetrieveDocumentSetRequest>'.encode()
    )


class Actors:
    """The repository under test, asked synchronously. `home`, `registrar`, `apart` and `requester` can be changed."""

    def __init__(self, folder: Path):
        self.index = open_database(f"sqlite:///{folder}/index.db", create=True)
        self.root = folder / "documents"
        self.documents = FileDocuments(self.root)
        now = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
        self.registry = Registry(self.index, lambda: AffinityDomain(dutch=True), lambda: now, None, 100)
        self.registrar: Registrar = LocalRegistrar(self.registry)
        self.apart: RegistryApart | None = None
        self.requester: Requester | None = None
        self.home: str | None = None
        self._busy = False
        self.index.write_now(lambda writer: writer.add_patient(PATIENT))

    def provide(self, submission: Submission, *documents: str, parts: Mapping[str, bytes] | None = None) -> list[Issue]:
        """Submit; what was found wrong."""

        async def main() -> Reply:
            attachments: dict[str, Staged] = {}
            for name, content in (parts or {}).items():
                staging = self.documents.stage()
                await staging.write(content)
                attachments[name] = await staging.finish()
            reply = await iti41.answer(provide(submission, documents), self._context(attachments))
            self.documents.discard(list(attachments.values()))
            return reply

        reply = self.ask(main())
        status, issues = decode_response(xmlio.parse(b"".join(reply.body)))
        assert status.endswith(f":{reply.status}")
        assert reply.codes == tuple(issue.code for issue in issues)
        assert (reply.status == "Failure") == any(issue.severity.endswith("Error") for issue in issues)
        return issues

    @contextmanager
    def busy(self) -> Iterator[None]:
        """As many changes wait in the database as may, whenever an actor is asked."""
        other = self.index._backend.driver_connection()
        other.execute("BEGIN IMMEDIATE")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            other.execute("COMMIT")
            other.close()

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Let an actor answer."""

        async def main() -> T:
            with suppress(Busy):
                while self._busy:
                    self.index.submit(lambda writer: None)
            return await question

        return asyncio.run(main())

    def provide_together(self, *requests: etree._Element) -> list[Reply]:
        """Submit several at the same moment."""

        async def main() -> list[Reply]:
            return await asyncio.gather(*(iti41.answer(request, self._context({})) for request in requests))

        return asyncio.run(main())

    def codes(self, submission: Submission, *documents: str, parts: Mapping[str, bytes] | None = None) -> list[str]:
        return [issue.code for issue in self.provide(submission, *documents, parts=parts)]

    def retrieve(self, *asked: tuple[str | None, str, str]) -> tuple[Reply, list[bytes]]:
        """The answer and the bytes of its documents."""

        async def main() -> tuple[Reply, list[bytes]]:
            reply = await iti43.answer(retrieve(*asked), self._context({}))
            return reply, [b"".join([chunk async for chunk in part.chunks()]) for part in reply.attachments]

        return asyncio.run(main())

    def files(self) -> list[Path]:
        """Every document on disk, and every draft."""
        self.documents.close()
        self.documents = FileDocuments(self.root)
        return sorted(path for path in self.root.rglob("*") if path.is_file() and path.name != "store.toml")

    def held(self, *unique_ids: str) -> list[Holding]:
        return self.index.read_now(lambda reader: reader.holdings(unique_ids))

    def _context(self, attachments: Mapping[str, Staged]) -> Context:
        repository = Repository(self.index, self.documents, self.registrar, UNIQUE_ID, self.home, self.apart)
        return Context("request-1", None, repository, attachments, datetime.now(UTC), self.requester)
