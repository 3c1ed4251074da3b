"""The registry and the repository as two servers that want to know who asks, on one database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from guarded_server import guarded
from msgspec.structs import replace
from samples import PATIENT
from served import ROOT, Served, xds

from xds.client import Client, DocumentToSubmit, compose
from xds.client.metadata import read_metadata

HOSPITAL = "00010990"


class Apart(NamedTuple):
    registry: Served
    repository: Served

    def client(self, server: Served, organisation: str, role: str) -> Client:
        """What a person at an organisation works with, to speak to one of the two servers."""
        config, tls = server.folder / "xds.toml", server.folder / "tls"
        token = xds("token", "--config", config, "--organisation", organisation, "--role", role,
                    "--audience", server.url)  # fmt: skip
        assert token.returncode == 0, token.stderr
        return Client(
            registry_url=f"{server.url}/registry",
            repository_url=f"{server.url}/repository",
            certificate=tls / f"{organisation}.pem",
            key=tls / f"{organisation}-key.pem",
            ca=tls / "ca.pem",
            assertion=token.stdout.strip().encode,
        )

    def retrieved(self, wanted: list[tuple[str, str]], to: Path) -> int:
        """How many of these documents the repository gives to a gynaecologist at the hospital."""
        with self.client(self.repository, "hospital", "01.046") as gynaecologist:
            return len(gynaecologist.retrieve(wanted, to=to).documents)

    def consent(self, command: str, *arguments: str) -> None:
        config = self.registry.folder / "xds.toml"
        done = xds("consent", command, "--config", config, "--patient", PATIENT, "--by", "balie", *arguments)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def apart(tmp_path: Path, postgres_url: str) -> Iterator[Apart]:
    folder = guarded(tmp_path / "xds", "--database", postgres_url)
    assert xds("patient", "add", "--config", folder / "xds.toml", PATIENT).returncode == 0
    registry = Served(folder, XDS_REPOSITORY_ENABLED="false")
    repository = Served(folder, XDS_REGISTRY_ENABLED="false", XDS_MLLP_ENABLED="false")
    with registry, repository:
        registry.logged("ready")
        repository.logged("ready")
        yield Apart(registry, repository)


def test_the_repository_decides_by_the_consents_of_the_registry(apart: Apart, tmp_path: Path) -> None:
    metadata = read_metadata(ROOT / "fixtures" / "demo" / "submission.toml")
    entry = replace(metadata.entry("record.pdf", {}), mime_type="application/pdf", language_code="nl-NL")
    submitted = replace(metadata.submitted_as({}), patient_id=PATIENT)
    with apart.client(apart.repository, "midwife-practice", "03.000") as midwife:
        answer = midwife.submit(*compose([DocumentToSubmit(b"%PDF-1.7", entry)], submitted))
    assert answer.issues == ()
    parameters = {
        "$XDSDocumentEntryPatientId": PATIENT,
        "$XDSDocumentEntryStatus": ["urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"],
    }
    with apart.client(apart.registry, "midwife-practice", "03.000") as midwife:
        (found,) = midwife.query("FindDocuments", parameters).objects.entries
    wanted = [(found.repository_unique_id, found.unique_id)]

    assert apart.retrieved(wanted, tmp_path) == 0
    apart.consent("relation", "--organisation", HOSPITAL)
    apart.consent("record", "--permit", "--consumer", f"organisation:{HOSPITAL}", "--channel", "paper")
    assert apart.retrieved(wanted, tmp_path) == 1
    apart.consent("withdraw", "--consumer", f"organisation:{HOSPITAL}", "--channel", "paper")
    assert apart.retrieved(wanted, tmp_path) == 0
