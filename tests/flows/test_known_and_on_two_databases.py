"""The registry and the repository as two servers that want to know who asks, with a database and a log of their own.

The repository passes on the assertion that it was asked with. Between the two stands a relay that can lose an answer.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import samples
from guarded_server import guarded
from identity_samples import SOAP, message
from msgspec.structs import replace
from relay import Relay
from samples import PATIENT
from served import Served, client_context, free_port, xds

from xds.client import Client, SubmitResult
from xds.ebrim.submit import encode_submit_objects
from xds.identity.codes import ACT_REASON
from xds.identity.issue import ROLE_CODES, Statement, TestIssuer
from xds.model.coded import Coded
from xds.model.objects import Submission
from xds.registry.iti18_registry_stored_query import QUERIES

REPOSITORY = "2.999.1"
HOSPITAL, MIDWIFE = ("hospital", "00010990", "01.046"), ("midwife-practice", "01234567", "03.000")
CONFIGURATION = """
[tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"
client_ca = "tls/ca.pem"
[identity]
issuers = ["tls/issuer.xml"]
[registry]
enabled = false
[repository]
unique_id = "2.999.1"
documents = "documents"
registry_url = "https://registry.example/registry"
registry_ca = "tls/ca.pem"
registry_certificate = "tls/server.pem"
registry_key = "tls/server-key.pem"
[database]
url = "sqlite:///repository.db"
"""
CONTENT = b"%PDF-1.7 pregnancy\r\n"
_numbers = itertools.count(1)
_IDS = {query.name: query.id for query in QUERIES.values()}
_CHANGING = re.compile(rb"MIME_[0-9a-f]{32}|[0-9]+\.[0-9a-f]{16}-[0-9a-f]+@xds")


class Apart:
    """Both servers. `audience` is what both call themselves to issuers."""

    def __init__(self, registry: Served, repository: Served, relay: Relay, audience: str):
        self.registry, self.repository, self.relay, self.audience = registry, repository, relay, audience
        self.tls = registry.folder / "tls"
        self.issuer = TestIssuer(
            "https://issuer.example/test",
            (self.tls / "issuer.pem").read_bytes(),
            (self.tls / "issuer-key.pem").read_bytes(),
        )

    def token(self, who: tuple[str, str, str], purpose: str = "TREAT", **said: Any) -> bytes:
        name, ura, role = who
        coded = {"role": Coded(role, ROLE_CODES), "purpose": Coded(purpose, ACT_REASON)}
        return self.issuer.issue(Statement(self.audience, ura, name, **coded, **said))

    def client(self, who: tuple[str, str, str], **said: Any) -> Client:
        """What one works with, with one assertion."""
        token = self.token(who, **said)
        return Client(
            registry_url=f"{self.registry.url}/registry",
            repository_url=f"{self.repository.url}/repository",
            certificate=self.tls / f"{who[0]}.pem",
            key=self.tls / f"{who[0]}-key.pem",
            ca=self.tls / "ca.pem",
            assertion=lambda: token,
        )

    def submit(self, submission: Submission, **said: Any) -> SubmitResult:
        """Have the midwife provide it."""
        with self.client(MIDWIFE, **said) as midwife:
            return midwife.submit(submission, {each.entry_uuid: CONTENT for each in submission.entries})

    def retrieved(self, submission: Submission, to: Path, who: tuple[str, str, str] = HOSPITAL, **said: Any) -> Any:
        with self.client(who, **said) as user:
            return user.retrieve([(REPOSITORY, each.unique_id) for each in submission.entries], to=to)

    def post(self, server: Served, system: str, token: bytes | None, body: str) -> tuple[int, bytes]:
        """What a server answers to a system that sends this."""
        path = "/registry" if server is self.registry else "/repository"
        link = http.client.HTTPSConnection(
            "127.0.0.1", server.port, context=client_context(self.registry.folder, system), timeout=20
        )
        plain = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()
        sent = plain if token is None else message(token, body=body)
        link.request("POST", path, sent, {"Content-Type": "application/soap+xml; charset=UTF-8"})
        answer = link.getresponse()
        content = answer.read()
        link.close()
        return answer.status, content

    def consent(self, command: str, *arguments: str) -> None:
        config = self.registry.folder / "xds.toml"
        done = xds("consent", command, "--config", config, "--patient", PATIENT, "--by", "balie", *arguments)
        assert done.returncode == 0, done.stderr

    def permit(self) -> None:
        self.consent("relation", "--organisation", HOSPITAL[1])
        self.consent("record", "--permit", "--consumer", f"organisation:{HOSPITAL[1]}", "--channel", "paper")

    def withdraw(self) -> None:
        self.consent("withdraw", "--consumer", f"organisation:{HOSPITAL[1]}", "--channel", "paper")

    def log(self, server: Served, transaction: str) -> list[dict[str, Any]]:
        config = server.folder / "xds.toml"
        done = xds("audit", "list", "--config", config, "--json", "--transaction", transaction)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    root = tmp_path_factory.mktemp("apart")
    registry, repository = guarded(root / "registry"), root / "repository"
    repository.mkdir()
    shutil.copytree(registry / "tls", repository / "tls")
    (repository / "xds.toml").write_text(CONFIGURATION)
    joined = ("--certificate", registry / "tls" / "server.pem", "--name", "De Opslag", "--kind", "V6")
    config, own = ("--config", registry / "xds.toml"), ("--config", repository / "xds.toml")
    for done in (
        xds("patient", "add", PATIENT, *config),
        xds("participant", "add", *config, *joined, "--ura", "00000003"),
        xds("participant", "repository", "4", REPOSITORY, *config),
        xds("init", repository),
        *(
            xds("participant", "add", *own, "--certificate", registry / "tls" / f"{name}.pem", "--ura", ura,
                "--name", name, "--kind", "V6", "--source-id", source)
            for (name, ura, _), source in ((HOSPITAL, "2.999.7"), (MIDWIFE, "2.999.30"))
        ),
    ):  # fmt: skip
        assert done.returncode == 0, done.stderr
    port = free_port()
    relay = Relay(port)
    with contextlib.ExitStack() as running:
        running.callback(relay.close)
        settings = {"XDS_REGISTRY_AFFINITY_DOMAIN": "", "XDS_MLLP_ENABLED": "false"}
        first = running.enter_context(
            Served(registry, XDS_SERVER_PORT=port, XDS_REPOSITORY_ENABLED="false", **settings)
        )
        url = f"https://127.0.0.1:{relay.port}/registry"
        second = running.enter_context(
            Served(repository, XDS_REPOSITORY_REGISTRY_URL=url, XDS_IDENTITY_AUDIENCE=first.url)
        )
        for server in (first, second):
            server.logged("ready")
        yield Apart(first, second, relay, first.url)


def made(**changes: object) -> Submission:
    """A submission of the midwife practice, of a document that was not submitted before."""
    number = next(_numbers)
    unstored = {"hash": None, "size": None, "repository_unique_id": None}
    entry = samples.entry("Document01", unique_id=f"2.999.100.{number}", **unstored | changes)
    return samples.submission(entry, source_id="2.999.30", unique_id=f"2.999.200.{number}")


def retrieval(*unique_ids: str) -> str:
    requests = "".join(
        f"<x:DocumentRequest><x:RepositoryUniqueId>{REPOSITORY}</x:RepositoryUniqueId>"
        f"<x:DocumentUniqueId>{each}</x:DocumentUniqueId></x:DocumentRequest>"
        for each in unique_ids
    )
    return f'<x:RetrieveDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">{requests}</x:RetrieveDocumentSetRequest>'


def query(name: str, **parameters: str) -> str:
    slots = "".join(
        f'<r:Slot name="${slot}"><r:ValueList><r:Value>{value.replace("&", "&amp;")}</r:Value></r:ValueList></r:Slot>'
        for slot, value in parameters.items()
    )
    return (
        '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
        'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
        f'<r:AdhocQuery id="{_IDS[name]}">{slots}</r:AdhocQuery></q:AdhocQueryRequest>'
    )


def codes(answer: Any) -> list[str]:
    return [issue.code for issue in answer.issues]


def test_what_a_midwife_publishes_the_hospital_retrieves_while_the_client_allows_it(apart, tmp_path):
    submission = made()
    (unique_id,) = [each.unique_id for each in submission.entries]
    assert apart.submit(submission) == SubmitResult("Success", ())

    # Byte for byte as if it weren't there.
    gynaecologist = apart.token(HOSPITAL)
    hidden, absent = (
        apart.post(apart.repository, "hospital", gynaecologist, retrieval(each)) for each in (unique_id, "2.999.100.0")
    )
    assert hidden[0] == 200 and b"XDSDocumentUniqueIdError" in hidden[1]
    expected = absent[1].replace(b"2.999.100.0", unique_id.encode())
    assert _CHANGING.sub(b"", hidden[1]) == _CHANGING.sub(b"", expected)

    apart.permit()
    answer = apart.retrieved(submission, tmp_path)
    assert [document.path.read_bytes() for document in answer.documents] == [CONTENT]
    apart.withdraw()
    assert codes(apart.retrieved(submission, tmp_path)) == ["XDSDocumentUniqueIdError"]
    emergency = apart.retrieved(submission, tmp_path, purpose="BTG", reason="bloedverlies bij opname")
    assert len(emergency.documents) == 1
    assert len(apart.retrieved(submission, tmp_path, MIDWIFE).documents) == 1, "her own"

    # Each log has it once: the registry's with the ground, and with the repository as the system that asked.
    (registered,) = apart.log(apart.registry, "ITI-42")
    assert registered["outcome"] == 0
    assert registered["user"]["person"]["organisation"] == MIDWIFE[1]
    assert registered["system"]["organisation"] == "00000003"
    (provided,) = apart.log(apart.repository, "ITI-41")
    assert (provided["patient"], provided["system"]["organisation"]) == (PATIENT, MIDWIFE[1])
    asked = apart.log(apart.registry, "retrieval-check")
    verdicts = [(each["outcome"], each.get("rule"), bool(each.get("documents"))) for each in asked]
    assert verdicts == [
        (4, "treatment-relation", False),
        (0, None, False),
        (0, "consent", True),
        (4, "consent", False),
        (0, "emergency", True),
        (0, "own-record", True),
    ]
    assert {each["system"]["organisation"] for each in asked} == {"00000003"}
    assert [each["user"]["person"]["organisation"] for each in asked] == [*[HOSPITAL[1]] * 5, MIDWIFE[1]]
    given = apart.log(apart.repository, "ITI-43")
    assert [each.get("rule") for each in given] == [None, None, "registry", None, "registry", "registry"]
    assert [each["documents"][0]["unique_id"] for each in given if each.get("patient") == PATIENT] == [unique_id] * 3
    assert given[4]["emergency"] == "bloedverlies bij opname"
    assert apart.log(apart.registry, "ITI-18") == []


def test_several_documents_are_asked_for_at_once(apart, tmp_path):
    several = [made() for _ in range(3)]
    for each in several:
        assert apart.submit(each).status == "Success"
    before = len(apart.log(apart.registry, "retrieval-check"))
    together = replace(several[0], entries=tuple(entry for each in several for entry in each.entries))
    assert len(apart.retrieved(together, tmp_path, MIDWIFE).documents) == 3
    assert len(apart.log(apart.registry, "retrieval-check")) == before + 1


def test_an_assertion_for_one_use_is_used_once(apart):
    once = apart.token(MIDWIFE, one_time=True)
    assert b"XDSDocumentUniqueIdError" in apart.post(apart.repository, "midwife-practice", once, retrieval("1.2"))[1]
    for server, body in ((apart.repository, retrieval("1.2")), (apart.registry, query("GetAll"))):
        status, answer = apart.post(server, "midwife-practice", once, body)
        assert status == 400 and b"FailedAuthentication" in answer


def test_only_a_repository_passes_on_and_only_what_it_needs(apart):
    midwife = apart.token(MIDWIFE)
    document = query("GetDocuments", XDSDocumentEntryUniqueId="('1.2')")
    own = made(hash="0" * 40, size="1", repository_unique_id=REPOSITORY)
    others = made(hash="0" * 40, size="1", repository_unique_id="2.999.2")
    register = {each: encode_submit_objects(each).decode() for each in (own, others)}

    def refused(system: str, token: bytes | None, body: str, why: bytes) -> None:
        _, answer = apart.post(apart.registry, system, token, body)
        assert why in answer

    refused("hospital", midwife, document, b"another organisation than the client certificate")
    refused("hospital", midwife, register[own], b"another organisation than the client certificate")
    assert apart.log(apart.registry, "assertion-refused")[-1]["system"] == {}, "the certificate is not the assertion's"
    refused("server", None, register[own], b"passes on what others ask, and may ask nothing itself")
    refused(
        "server", apart.token(("jgz", "00000009", "03.000")), document, b"no system of the assertion's organisation"
    )
    refused("server", midwife, query("GetAll", patientId=f"'{PATIENT}'"), b"a repository may not pass this query on")
    refused("server", midwife, register[others], b"repositoryUniqueId is not that of the repository")
    assert b"ResponseStatusType:Success" in apart.post(apart.registry, "server", midwife, document)[1]
    assert b"ResponseStatusType:Success" in apart.post(apart.registry, "server", midwife, register[own])[1]


def test_a_reference_to_what_one_may_not_see_is_one_to_nothing(apart):
    hidden = made()
    assert apart.submit(hidden).status == "Success"
    with apart.client(MIDWIFE) as midwife:
        wanted = {"$XDSDocumentEntryUniqueId": [each.unique_id for each in hidden.entries]}
        (found,) = midwife.query("GetDocuments", wanted).objects.entries
    new = made()
    to_it = samples.association("Document01", found.entry_uuid, "urn:ihe:iti:2007:AssociationType:APND")
    referring = replace(new, associations=(*new.associations, to_it))
    sets = tuple(replace(each, source_id="2.999.7") for each in referring.submission_sets)
    with apart.client(HOSPITAL) as hospital:
        refused = hospital.submit(replace(referring, submission_sets=sets), {"Document01": CONTENT})
    assert codes(refused) == ["UnresolvedReferenceException"]
    assert apart.submit(referring).status == "Success"


def test_an_answer_that_is_lost_is_asked_for_and_what_is_sent_again_is_registered_once(apart, tmp_path):
    assert apart.submit(made()).status == "Success"
    submission = made()
    apart.relay.losing = 1
    assert apart.submit(submission, one_time=True) == SubmitResult("Success", ())
    assert len(apart.log(apart.registry, "registration-check")) == 1
    assert len(apart.retrieved(submission, tmp_path, MIDWIFE).documents) == 1

    again = made()
    apart.relay.losing = float("inf")
    assert codes(apart.submit(again)) == ["XDSRegistryNotAvailable"]
    apart.relay.losing = 0
    assert codes(apart.submit(again)) == ["XDSDuplicateUniqueIdInRegistry"]
    assert len(apart.retrieved(again, tmp_path, MIDWIFE).documents) == 1


def test_without_the_registry_nothing_is_given_and_nothing_told(apart, tmp_path):
    submission = made()
    assert apart.submit(submission).status == "Success"
    apart.relay.losing = float("inf")
    try:
        (unique_id,) = [each.unique_id for each in submission.entries]
        token = apart.token(MIDWIFE)
        held, absent = (
            apart.post(apart.repository, "midwife-practice", token, retrieval(each))[1]
            for each in (unique_id, "2.999.100.0")
        )
        assert b"XDSRegistryNotAvailable" in held and CONTENT not in held
        assert _CHANGING.sub(b"", held) == _CHANGING.sub(b"", absent)
        assert codes(apart.submit(made())) == ["XDSRegistryNotAvailable"]
    finally:
        apart.relay.losing = 0
    assert apart.log(apart.repository, "ITI-43")[-1]["outcome_text"] == "XDSRegistryNotAvailable"
    assert len(apart.retrieved(submission, tmp_path, MIDWIFE).documents) == 1
