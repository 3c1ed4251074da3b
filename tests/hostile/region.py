"""A region under attack: a server that knows who asks, and the systems of a hospital, a midwife practice and a JGZ."""

from __future__ import annotations

import base64
import http.client
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import samples
from click.testing import CliRunner
from identity_samples import SOAP, message
from msgspec import structs
from served import ROOT, Served, client_context, initialised

from xds.cli.main import main
from xds.config import load
from xds.ebrim.encode import escape
from xds.ebrim.submit import encode_submit_objects
from xds.ebrim.vocabulary import QUERY, RIM, XDSB
from xds.identity.issue import ROLE_CODES, Statement, TestIssuer
from xds.model.coded import Author, Coded
from xds.model.objects import Submission
from xds.registry.iti18_registry_stored_query import QUERIES

PLAIN = {"Content-Type": "application/soap+xml; charset=UTF-8"}
NAMES = {
    "hospital": ("00010990", "Ziekenhuis De Uiver", "2.999.7"),
    "midwife-practice": ("01234567", "Verloskundigenpraktijk De Ooievaar", "2.999.30"),
    "jgz": ("00054321", "JGZ De Wieg", "2.999.40"),
}
"""URA, name and sourceId of each."""
GYNAECOLOGIST, MIDWIFE, GP = "01.046", "03.000", "01.015"
PURPOSES = "2.16.840.1.113883.1.11.20448"
_IDS = {query.name: query.id for query in QUERIES.values()}
_CHANGING = re.compile(rb"MIME_[0-9a-f]{32}|[0-9]+\.[0-9a-f]{16}-[0-9a-f]+@xds|(?<=request )[0-9a-f]{16}-[0-9a-f]+")
_TIMES = re.compile(rb'(?<=name="lastUpdateTime"><rim:ValueList><rim:Value>)[0-9]{14}')


def author(organisation: str) -> Author:
    """Somebody of an organisation, as a document's author."""
    ura, name, _ = NAMES[organisation]
    return structs.replace(samples.MIDWIFE, institution=(f"{name}^^^^^&2.16.528.1.1007.3.3&ISO^^^^{ura}",))


def entry(organisation: str, entry_uuid: str, unique_id: str, **changes: Any):
    return samples.entry(entry_uuid, unique_id=unique_id, authors=(author(organisation),), **changes)


def submission(organisation: str, *objects: Any, **changes: Any) -> Submission:
    """A submission of an organisation's own source."""
    given = {"source_id": NAMES[organisation][2], "authors": (author(organisation),), **changes}
    return samples.submission(*objects, **given)


def query(name: str, parameters: Mapping[str, Sequence[str]], returns: str = "LeafClass") -> str:
    """A stored query by name; its parameters' values as they are coded."""
    slots = "".join(
        f'<r:Slot name="{slot}"><r:ValueList>{"".join(f"<r:Value>{escape(each)}</r:Value>" for each in values)}'
        "</r:ValueList></r:Slot>"
        for slot, values in parameters.items()
    )
    return (
        f'<q:AdhocQueryRequest xmlns:q="{QUERY}" xmlns:r="{RIM}"><q:ResponseOption returnType="{returns}"/>'
        f'<r:AdhocQuery id="{_IDS[name]}">{slots}</r:AdhocQuery></q:AdhocQueryRequest>'
    )


def retrieval(repository: str, unique_ids: Iterable[str]) -> str:
    requests = "".join(
        f"<x:DocumentRequest><x:RepositoryUniqueId>{repository}</x:RepositoryUniqueId>"
        f"<x:DocumentUniqueId>{escape(each)}</x:DocumentUniqueId></x:DocumentRequest>"
        for each in unique_ids
    )
    return f'<x:RetrieveDocumentSetRequest xmlns:x="{XDSB}">{requests}</x:RetrieveDocumentSetRequest>'


def provision(submitted: Submission, contents: Mapping[str, bytes]) -> str:
    """ITI-41 with the documents as base64."""
    documents = "".join(
        f'<x:Document id="{entry_id}">{base64.b64encode(content).decode()}</x:Document>'
        for entry_id, content in contents.items()
    )
    without = structs.replace(
        submitted, entries=tuple(structs.replace(each, hash=None, size=None) for each in submitted.entries)
    )
    return (
        f'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="{XDSB}">{encode_submit_objects(without).decode()}{documents}'
        "</x:ProvideAndRegisterDocumentSetRequest>"
    )


def constant(answer: bytes) -> bytes:
    """An answer without what differs from one to the next: the ids of requests and parts, and times of change."""
    return _TIMES.sub(b"", _CHANGING.sub(b"", answer))


class Region:
    """A server of three organisations, and a connection of each for every thread."""

    def __init__(self, folder: Path, server: Served):
        self.folder, self.server = folder, server
        settings = load(folder / "xds.toml")
        self.database = settings.database.url
        self.repository = settings.repository.unique_id
        self.audience = f"https://127.0.0.1:{server.port}"
        tls = folder / "tls"
        self.issuer = TestIssuer(
            "https://issuer.example/test", (tls / "issuer.pem").read_bytes(), (tls / "issuer-key.pem").read_bytes()
        )
        self._links: dict[tuple[str, int, int], http.client.HTTPSConnection] = {}

    def close(self) -> None:
        for link in self._links.values():
            link.close()

    def said(self, organisation: str, role: str, purpose: str = "TREAT", **changes: Any) -> Statement:
        ura, name, _ = NAMES[organisation]
        statement = Statement(self.audience, ura, name, role=Coded(role, ROLE_CODES), purpose=Coded(purpose, PURPOSES))
        return replace(statement, **changes)

    def token(self, organisation: str, role: str, purpose: str = "TREAT", **changes: Any) -> bytes:
        """The assertion of an organisation's user."""
        return self.issuer.issue(self.said(organisation, role, purpose, **changes))

    def send(
        self, path: str, organisation: str, token: bytes | None, body: str, headers: Mapping[str, str] = PLAIN
    ) -> tuple[int, bytes]:
        """What an actor answers to an organisation's system."""
        if token is None:
            envelope = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()
        else:
            envelope = message(token, body=body)
        key = (organisation, self.server.port, threading.get_ident())
        link = self._links.get(key)
        if link is None:
            context = client_context(self.folder, organisation)
            link = self._links[key] = http.client.HTTPSConnection(
                "127.0.0.1", self.server.port, context=context, timeout=20
            )
        link.request("POST", path, envelope, dict(headers))
        answer = link.getresponse()
        return answer.status, answer.read()

    def ask(self, organisation: str, token: bytes, body: str, path: str = "/registry") -> bytes:
        status, answer = self.send(path, organisation, token, body)
        assert status == 200, answer
        return answer

    def register(self, organisation: str, submitted: Submission, token: bytes | None = None) -> bytes:
        """ITI-42."""
        status, answer = self.send("/registry", organisation, token, encode_submit_objects(submitted).decode())
        assert status == 200, answer
        return answer

    def provide(self, organisation: str, token: bytes, submitted: Submission, contents: Mapping[str, bytes]) -> bytes:
        """ITI-41."""
        return self.ask(organisation, token, provision(submitted, contents), "/repository")

    def consent(self, word: str, *arguments: object, patient: str = samples.PATIENT) -> None:
        """`xds consent record` and the like, by the desk."""
        who = ("--config", self.folder / "xds.toml", "--patient", patient, "--by", "balie")
        run("consent", word, *who, *arguments)

    def audit(self, *options: str) -> str:
        return run("audit", "list", "--config", self.folder / "xds.toml", "--json", *options)


def guarded(folder: Path, *patients: str) -> Path:
    """A folder for a server that wants to know who asks, with the example policy."""
    initialised(folder)
    config = folder / "xds.toml"
    settings = config.read_text().replace("required = false", "required = true")
    # Any code will do, as it is in the samples.
    settings = re.sub(r"affinity_domain = .*", "affinity_domain = []", settings)
    policy = ROOT / "fixtures" / "policies" / "geboortezorg.toml"
    config.write_text(f'{settings}\n[consent]\npolicy = "{policy}"\n')
    run("patient", "add", "--config", config, *patients)
    return folder


def run(*arguments: object) -> str:
    """What a command prints, in this process: a new one would take longer than what the test is about."""
    unset = {name: None for name in os.environ if name.startswith("XDS_")}
    done = CliRunner().invoke(main, [str(each) for each in arguments], env=unset)
    assert done.exit_code == 0, done.output
    return done.stdout
