"""The registry and the repository as two processes: two configurations, two databases, mutual TLS, ITI-42 between them.

Between them stands a relay that can lose an answer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import samples
from msgspec.structs import replace
from relay import Relay
from served import Served, free_port, initialised, xds

from xds.client import Client, SubmitResult
from xds.errors import Issue
from xds.model.objects import Submission

REPOSITORY = "2.999.1"
CONTENTS = {"Document01": b"%PDF-1.7 pregnancy\r\n", "Document02": b"", "Document03": os.urandom(2_000_000)}
CONFIGURATION = """
[tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"
client_ca = "tls/ca.pem"
[identity]
required = false
[registry]
enabled = false
[repository]
unique_id = "2.999.1"
documents = "documents"
registry_url = "https://registry.example/registry"
registry_ca = "tls/ca.pem"
registry_certificate = "tls/midwife-practice.pem"
registry_key = "tls/midwife-practice-key.pem"
[database]
url = "sqlite:///repository.db"
"""


@dataclass
class Apart:
    """Both servers. `system` is connected to both."""

    registry: Served
    repository: Served
    relay: Relay
    system: Client

    def submit(self, submission: Submission) -> SubmitResult:
        return self.system.submit(
            submission, {entry.entry_uuid: CONTENTS[entry.entry_uuid] for entry in submission.entries}
        )

    def found(self, submission: Submission) -> list[str]:
        """The uniqueIds of this submission's documents that the registry has, as often as it has them."""
        wanted = [entry.unique_id for entry in submission.entries]
        answer = self.system.query("GetDocuments", {"$XDSDocumentEntryUniqueId": wanted})
        assert answer.status == "Success"
        return sorted(entry.unique_id for entry in answer.objects.entries)

    def given(self, submission: Submission, folder: Path) -> dict[str, bytes]:
        """The documents of this submission that the repository gives, by uniqueId."""
        wanted = [(REPOSITORY, entry.unique_id) for entry in submission.entries]
        answer = self.system.retrieve(wanted, to=folder)
        return {document.unique_id: document.path.read_bytes() for document in answer.documents}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a registry that knows a patient and of a repository, to copy."""
    root = tmp_path_factory.mktemp("template")
    registry, repository = initialised(root / "registry"), root / "repository"
    assert xds("patient", "add", samples.PATIENT, "--config", registry / "xds.toml").returncode == 0
    shutil.copytree(registry / "tls", repository / "tls")
    (repository / "xds.toml").write_text(CONFIGURATION)
    assert xds("init", repository).returncode == 0
    return root


@pytest.fixture
def apart(template: Path, tmp_path: Path) -> Iterator[Apart]:
    root = Path(shutil.copytree(template, tmp_path / "servers"))
    port = free_port()
    relay = Relay(port)
    with contextlib.ExitStack() as running:
        running.callback(relay.close)
        registry = running.enter_context(registry_of(root / "registry", port))
        url = f"https://127.0.0.1:{relay.port}/registry"
        repository = running.enter_context(Served(root / "repository", XDS_REPOSITORY_REGISTRY_URL=url))
        for server in (registry, repository):
            server.logged("ready")
        tls = root / "registry" / "tls"
        system = Client(
            registry_url=f"{registry.url}/registry",
            repository_url=f"{repository.url}/repository",
            certificate=tls / "hospital.pem",
            key=tls / "hospital-key.pem",
            ca=tls / "ca.pem",
        )
        yield Apart(registry, repository, relay, running.enter_context(system))


def registry_of(folder: Path, port: int) -> Served:
    return Served(folder, XDS_SERVER_PORT=port, XDS_REPOSITORY_ENABLED="false", XDS_REGISTRY_AFFINITY_DOMAIN="")


def made(*names: str, **changes: object) -> Submission:
    """A submission of these documents, as a source sends it."""
    unstored = {"hash": None, "size": None, "repository_unique_id": None}
    return samples.submission(*(samples.entry(name, **unstored | changes) for name in names))


def by_unique_id(submission: Submission) -> dict[str, bytes]:
    return {entry.unique_id: CONTENTS[entry.entry_uuid] for entry in submission.entries}


def codes(issues: tuple[Issue, ...]) -> list[str]:
    return [issue.code for issue in issues]


def test_documents_are_submitted_at_one_and_found_at_the_other(apart, tmp_path):
    submission = made(*CONTENTS)

    assert apart.submit(submission) == SubmitResult("Success", ())

    assert apart.found(submission) == sorted(by_unique_id(submission))
    assert apart.given(submission, tmp_path) == by_unique_id(submission)
    assert [line["transaction"] for line in apart.registry.logged("answered", 2)] == ["ITI-42", "ITI-18"]


def test_an_error_of_the_registry_comes_back_with_its_code_and_leaves_nothing(apart, tmp_path):
    stranger = {"patient_id": samples.OTHER_PATIENT, "source_patient_id": samples.OTHER_PATIENT}
    submission = made("Document01", **stranger)
    sets = tuple(replace(each, patient_id=samples.OTHER_PATIENT) for each in submission.submission_sets)
    submission = replace(submission, submission_sets=sets)

    answer = apart.submit(submission)

    assert (answer.status, codes(answer.issues)) == ("Failure", ["XDSUnknownPatientId"])
    assert apart.found(submission) == []
    assert apart.given(submission, tmp_path) == {}


def test_errors_of_the_repository_come_with_those_of_the_rules(apart):
    submission = made("Document01", hash="0" * 40, class_code=None)

    answer = apart.submit(submission)

    assert codes(answer.issues) == ["XDSRepositoryMetadataError", "XDSRegistryMetadataError"]
    assert not [line for line in apart.registry.log if "ITI-42" in line]


def test_without_the_registry_nothing_is_acknowledged_and_a_retry_is_accepted(apart, tmp_path):
    submission = made(*CONTENTS)
    apart.registry.stop()

    answer = apart.submit(submission)

    assert (answer.status, codes(answer.issues)) == ("Failure", ["XDSRegistryNotAvailable"])
    assert apart.given(submission, tmp_path) == {}
    with registry_of(apart.registry.folder, apart.registry.port) as again:
        again.logged("ready")
        assert apart.submit(submission) == SubmitResult("Success", ())
        assert apart.found(submission) == sorted(by_unique_id(submission))
        assert apart.given(submission, tmp_path) == by_unique_id(submission)


def test_an_answer_that_is_lost_is_asked_for(apart, tmp_path):
    assert apart.submit(made("Document01")).status == "Success"
    submission = made(*CONTENTS)
    apart.relay.losing = 1

    assert apart.submit(submission) == SubmitResult("Success", ())

    assert apart.found(submission) == sorted(by_unique_id(submission))
    assert apart.given(submission, tmp_path) == by_unique_id(submission)


def test_what_was_registered_without_an_answer_is_held_and_is_not_registered_twice(apart, tmp_path):
    assert apart.submit(made("Document01")).status == "Success"
    submission = made(*CONTENTS)
    apart.relay.losing = float("inf")

    assert codes(apart.submit(submission).issues) == ["XDSRegistryNotAvailable"]

    apart.relay.losing = 0
    assert codes(apart.submit(submission).issues) == ["XDSDuplicateUniqueIdInRegistry"]
    assert apart.found(submission) == sorted(by_unique_id(submission))
    assert apart.given(submission, tmp_path) == by_unique_id(submission)
