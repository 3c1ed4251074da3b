"""One look at several documents that may be seen for different reasons: the record tells the most, and each its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import samples
from guarded_server import guarded
from samples import PATIENT
from served import Served, xds

from xds.client import Client
from xds.identity.codes import ACT_REASON
from xds.identity.issue import ROLE_CODES, Statement, TestIssuer
from xds.model.coded import Coded
from xds.model.objects import Status

HOSPITAL, MIDWIFE = ("hospital", "00010990", "01.046"), ("midwife-practice", "01234567", "03.000")
OWN, OTHER = "2.999.100.1", "2.999.100.2"
OWN_REASON = "Het document is van de eigen organisatie."


class Server:
    """A server that wants to know who asks, of which a client uses the registry and the repository."""

    def __init__(self, served: Served):
        self._served, self._tls = served, served.folder / "tls"
        files = ((self._tls / name).read_bytes() for name in ("issuer.pem", "issuer-key.pem"))
        self._issuer = TestIssuer("https://issuer.example/test", *files)

    def client(self, who: tuple[str, str, str], purpose: str = "TREAT", **said: Any) -> Client:
        name, ura, role = who
        coded = {"role": Coded(role, ROLE_CODES), "purpose": Coded(purpose, ACT_REASON)}
        token = self._issuer.issue(Statement(self._served.url, ura, name, **coded, **said))
        own = {"certificate": self._tls / f"{name}.pem", "key": self._tls / f"{name}-key.pem"}
        urls = {each: f"{self._served.url}/{each.partition('_')[0]}" for each in ("registry_url", "repository_url")}
        return Client(**urls, **own, ca=self._tls / "ca.pem", assertion=lambda: token)

    def publish(self, who: tuple[str, str, str], unique_id: str, source: str) -> None:
        institution = samples.entry().authors[0]
        author = type(institution)(person=institution.person, institution=(
            f"{who[0]}^^^^^&2.16.528.1.1007.3.3&ISO^^^^{who[1]}",), role=institution.role)  # fmt: skip
        unstored = {"hash": None, "size": None, "repository_unique_id": None}
        entry = samples.entry(unique_id=unique_id, authors=(author,), **unstored)
        submission = samples.submission(entry, source_id=source, unique_id=f"{unique_id}.9")
        with self.client(who) as system:
            result = system.submit(submission, {each.entry_uuid: b"%PDF-1.7\r\n" for each in submission.entries})
        assert (result.status, result.issues) == ("Success", ())

    def look(self, to: Path, **said: Any) -> None:
        """The hospital finds both documents and retrieves them."""
        with self.client(HOSPITAL, **said) as system:
            asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [Status.APPROVED.urn]}
            entries = system.query("FindDocuments", asked).objects.entries
            assert sorted(each.unique_id for each in entries) == [OWN, OTHER]
            wanted = [(each.repository_unique_id, each.unique_id) for each in entries]
            assert len(system.retrieve(wanted, to).documents) == 2

    def consent(self, command: str, *arguments: str) -> None:
        said = ("--config", self._served.folder / "xds.toml", "--patient", PATIENT, "--by", "balie", *arguments)
        done = xds("consent", command, *said)
        assert done.returncode == 0, done.stderr

    def newest(self, transaction: str) -> dict[str, Any]:
        config = self._served.folder / "xds.toml"
        done = xds("audit", "list", "--config", config, "--json", "--transaction", transaction)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = guarded(tmp_path_factory.mktemp("reasons") / "server")
    assert xds("patient", "add", PATIENT, "--config", folder / "xds.toml").returncode == 0
    with Served(folder, XDS_REGISTRY_AFFINITY_DOMAIN="", XDS_MLLP_ENABLED="false") as served:
        served.logged("ready")
        running = Server(served)
        running.publish(HOSPITAL, OWN, "2.999.7")
        running.publish(MIDWIFE, OTHER, "2.999.30")
        running.consent("relation", "--organisation", HOSPITAL[1])
        yield running


def expect(server: Server, rule: str, checks: str, reason: str) -> None:
    for transaction in ("ITI-18", "ITI-43"):
        record = server.newest(transaction)
        assert (record["rule"], record["checks"]) == (rule, checks)
        assert reason in record["reason"]
        documents = {each["unique_id"]: (each.get("rule"), each.get("reason")) for each in record["documents"]}
        assert documents == {OTHER: (None, None), OWN: ("own-record", OWN_REASON)}


def test_consent_goes_before_a_document_of_ones_own(server: Server, tmp_path: Path) -> None:
    consumer = ("--consumer", f"organisation:{HOSPITAL[1]}", "--channel", "paper")
    server.consent("record", "--permit", *consumer)
    server.look(tmp_path)
    expect(server, "consent", "TTTF", "toestemming gegeven")


def test_an_emergency_goes_before_both(server: Server, tmp_path: Path) -> None:
    server.consent("record", "--deny", "--consumer", f"organisation:{HOSPITAL[1]}", "--channel", "paper")
    server.look(tmp_path, purpose="BTG", reason="bloedverlies bij opname")
    expect(server, "emergency", "TTFT", "bloedverlies bij opname")
