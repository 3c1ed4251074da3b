from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from client_peer import Peer, submission_set
from lxml import etree

from xds.client import Client, DocumentToSubmit, compose
from xds.model.coded import Author, Coded
from xds.model.objects import DocumentEntry, Submission
from xds.soap.wsdl import FOLDER

OFFICIAL = Path(__file__).parents[3] / "shared" / "schemas"


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer
        peer.shutdown()


@pytest.fixture
def client(peer) -> Iterator[Client]:
    with Client(registry_url=peer.url, repository_url=peer.url, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def entry() -> DocumentEntry:
    """What a person says of a document; the rest is derived."""
    code = Coded("1", "1.2.3.4", "One")
    return DocumentEntry(
        entry_uuid="",
        authors=(Author(person=("^Jansen^Anna",), institution=("Praktijk",), role=("midwife",)),),
        class_code=code,
        type_code=code,
        format_code=code,
        practice_setting_code=code,
        healthcare_facility_type_code=code,
        confidentiality_code=(code, Coded("2", "1.2.3.4", "Two")),
        language_code="nl-NL",
    )


@pytest.fixture
def submitted(entry) -> tuple[Submission, dict[str, bytes]]:
    """A submission of one document of a few bytes."""
    return compose([DocumentToSubmit(b"\r\nbytes\r\n", entry)], submission_set())


@pytest.fixture(scope="session")
def our_schema() -> etree.XMLSchema:
    return _schema({name: FOLDER / f"{name}.xsd" for name in ("query", "lcm", "rs", "xds-b")})


@pytest.fixture(scope="session")
def official_schema() -> etree.XMLSchema:
    if not OFFICIAL.is_dir():
        pytest.skip("the official ebRIM and IHE schemas are not in ../shared/schemas: our own alone are checked")
    names = {name: OFFICIAL / "ebRS" / f"{name}.xsd" for name in ("query", "lcm", "rs")}
    return _schema(names | {"xds-b": OFFICIAL / "IHE" / "XDS.b_DocumentRepository.xsd"})


def _schema(files: dict[str, Path]) -> etree.XMLSchema:
    imports = []
    for path in files.values():
        namespace = etree.parse(path).getroot().get("targetNamespace")
        imports.append(f'<xs:import namespace="{namespace}" schemaLocation="{path.as_uri()}"/>')
    schema = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{"".join(imports)}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(schema))
