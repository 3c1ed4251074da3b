"""A server that wants to know who asks, and keeps the log: what is asked of it, and what its log says of that."""

from __future__ import annotations

import copy
import http.client
import json
import re
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from identity_samples import WSSE

from faultlib import ROOT, messages
from faultlib.subject import Subject, free_port, hashes
from xds.atna.keys import read_signer
from xds.audit.bundle import export
from xds.audit.checkpoint import split_notes
from xds.audit.record import decode
from xds.audit.verify import Report, verify
from xds.cli.init import ORGANISATIONS, SOURCES, TEST_ISSUER
from xds.config import load
from xds.db import open_database
from xds.identity.issue import ROLE_CODES, Statement, TestIssuer
from xds.model.audit import EMPTY, SUCCESS, Kept, Record
from xds.model.coded import Coded

_POLICY = ROOT / "fixtures" / "policies" / "geboortezorg.toml"
_WHO = "midwife-practice"
_MIDWIFE = Coded("03.000", ROLE_CODES)
_DAY = 86_400
_SECURITY = '<s:Header><w:Security xmlns:w="{}" s:mustUnderstand="1">{}</w:Security></s:Header>'
_PAGE = 1000


@dataclass
class Guarded(Subject):
    """A server with TLS, identity, policy and log. A midwife asks for what her own practice published.

    `audit` has lines for the configuration's section of that name.
    """

    audit: tuple[str, ...] = ()
    _tls: ssl.SSLContext | None = field(default=None, init=False)

    def _initialise(self) -> None:
        chosen = ("--database", self.database) if self.database else ()
        ports = ("--port", str(self.port), "--mllp-port", str(self.port))
        self._xds("init", str(self.folder), "--demo", "--policy", str(_POLICY), *ports, *chosen)
        text = re.sub(r"(?ms)^\[(mllp|audit|identity)\]$.*?(?=^\[|\Z)", "", self.config.read_text())
        identity = f'[identity]\nrequired = true\nissuers = ["tls/issuer.xml"]\nmax_lifetime_seconds = {_DAY}\n'
        origin = 'origin = "xds.example/log"'
        self.config.write_text("\n".join([text, identity, "[audit]", origin, *self.audit, ""]))
        self.source = SOURCES[_WHO]
        files = [str(self.folder / "tls" / name) for name in ("ca.pem", f"{_WHO}.pem", f"{_WHO}-key.pem")]
        self._tls = ssl.create_default_context(cafile=files[0])
        self._tls.load_cert_chain(*files[1:])
        self._security = _SECURITY.format(WSSE, self._assertion()).encode()

    def _assertion(self) -> str:
        certificate, key = ((self.folder / "tls" / name).read_bytes() for name in ("issuer.pem", "issuer-key.pem"))
        organisation = ORGANISATIONS[_WHO]
        # Scenarios move the clock back by an hour.
        statement = Statement(
            load(self.config).audience, organisation.ura, organisation.name, role=_MIDWIFE,
            begins=timedelta(hours=-2), lifetime=timedelta(seconds=_DAY),
        )  # fmt: skip
        return TestIssuer(TEST_ISSUER, certificate, key).issue(statement).decode()

    def beside(self) -> Guarded:
        """Another server with the same database, documents, keys and acknowledgements, at a port of its own."""
        other = copy.copy(self)
        other.port, other.config = free_port(), self.config.with_name("other.toml")
        text = self.config.read_text().replace(f"port = {self.port}\n", f"port = {other.port}\n", 1)
        audience = f'audience = "{load(self.config).audience}"'
        other.config.write_text(text.replace("[identity]\n", f"[identity]\n{audience}\n"))
        return other

    def apart(self, folder: Path) -> Guarded:
        """A repository with a database and a log of its own, which registers here; before the first start.

        It has the same participants, certificates and repositoryUniqueId.
        """
        shutil.copytree(self.folder, folder)
        other = copy.copy(self)
        other.folder, other.port, other.registry, other.acknowledged = folder, free_port(), self, {}
        other.config, other.documents = folder / self.config.name, folder / "data" / "documents"
        other.config.write_text(self.config.read_text().replace(f"port = {self.port}\n", f"port = {other.port}\n", 1))
        other.set("identity", f'audience = "{load(self.config).audience}"')
        other.set("registry", "enabled = false")
        for name, file in (("ca", "ca.pem"), ("certificate", "server.pem"), ("key", "server-key.pem")):
            other.set("repository", f'registry_{name} = "tls/{file}"')
        other.set("repository", f'registry_url = "https://127.0.0.1:{self.port}/registry"')
        self.set("repository", "enabled = false")
        own = ("--config", str(self.config))
        who = ("--ura", "00000002", "--name", "De Opslag", "--kind", "V6")
        self._xds("participant", "add", *own, "--certificate", str(self.folder / "tls" / "server.pem"), *who)
        self._xds("participant", "repository", *own, str(len(ORGANISATIONS) + 1), self.repository)
        return other

    def submitted(self) -> set[str]:
        """The uniqueIds of the documents whose submission the log has as accepted."""
        kinds = ("ITI-41", "ITI-42")
        return {
            document.unique_id
            for _, record in self.records()
            if record.kinds[0].code in kinds and record.outcome == SUCCESS
            for document in record.documents
        }

    def connect(self, patience: float = 20.0) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=patience, context=self._tls)

    def dial(self, patience: float = 20.0) -> ssl.SSLSocket:
        """A connection for who looks at bytes."""
        assert self._tls is not None
        return self._tls.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), patience), server_hostname="127.0.0.1"
        )

    def signed(self, body: bytes) -> bytes:
        """The message with the midwife's assertion."""
        return body.replace(b"<s:Body>", self._security + b"<s:Body>", 1)

    def gives(self, document: str) -> bool | None:
        """Whether ITI-18 finds a document and ITI-43 gives it; None when only one of them does."""
        answer, _ = self.exchange("POST", "/registry", messages.get_documents([document]))
        body, content_type = self.exchange("POST", "/repository", messages.retrieve(self.repository, [document]))
        found = f'"{document}"'.encode() in answer
        return found if found == (self.acknowledged[document] in hashes(body, content_type)) else None

    def waits(self, document: str, *, gives: bool, seconds: float = 20) -> bool:
        """Whether a document is given, or is not any more, within this time."""
        until = time.monotonic() + seconds
        while self.gives(document) is not gives:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def ready(self) -> dict[str, str]:
        """What /ready says of each thing."""
        return json.loads(self.exchange("GET", "/ready")[0])["checks"]

    def lines(self, first: int = 0) -> Iterator[Kept]:
        """The log from a seq on, read from the database itself."""
        database = open_database(self.database or f"sqlite:///{self.folder / 'data' / 'xds.db'}")
        try:
            while page := database.read_now(lambda reader, at=first: reader.log.lines(at, _PAGE)):
                yield from page
                first = page[-1].leaf.seq + 1
        finally:
            database.close()

    def records(self, first: int = 0) -> Iterator[tuple[int, Record]]:
        """The records from a seq on, each with its seq."""
        return ((line.leaf.seq, decode(line.payload)) for line in self.lines(first) if line.payload is not None)

    def judged(self, anchor: Path | None = None) -> Report:
        """The log in the database with its checkpoints, judged as an auditor does who has the file of an anchor."""
        anchors = split_notes(anchor.read_text()) if anchor else ()
        notes = [text for (text,) in self._rows("SELECT note FROM log_checkpoint ORDER BY size")]
        settings = load(self.config)
        key = read_signer(settings.audit.signing_key, settings.audit_origin).key
        return verify(export(key.name, EMPTY, self.lines()), notes, key, anchors)

    def log_damage(self) -> list[str]:
        """What is wrong with the log of a server that ended in order."""
        return [f"{found.kind} at {found.seq}: {found.text}" for found in self.judged().findings]
