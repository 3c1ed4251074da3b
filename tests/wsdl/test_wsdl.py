"""Our WSDL and schemas: what is served, what zeep makes of it, and that a wheel has it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import requests
import zeep
from aiohttp import web
from lxml import etree

from xds.soap.wsdl import FOLDER, WSDL_FILES, wsdl_handler, wsdl_response

ROOT = Path(__file__).parents[2]
XS = "{http://www.w3.org/2001/XMLSchema}"
RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
LOCATION = "https://xds.example:8443/registry"


@pytest.fixture(scope="module")
def served():
    """The base URL of a server, in a thread of its own, that has the WSDL of both actors."""
    import asyncio
    from threading import Thread

    app = web.Application()
    app.router.add_get("/registry", wsdl_handler("registry", None))
    app.router.add_get("/repository", wsdl_handler("repository", None))
    app.router.add_get("/behind/registry", wsdl_handler("registry", "https://public.example/"))
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    yield f"http://127.0.0.1:{port}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_the_address_and_the_schemas_are_those_of_the_server():
    root = etree.fromstring(wsdl_response("registry", None, LOCATION))

    assert [address.get("location") for address in root.iter("{http://schemas.xmlsoap.org/wsdl/soap12/}address")] == [
        LOCATION
    ]
    imported = [element.get("schemaLocation") for element in root.iter(f"{XS}import")]
    assert imported == [f"{LOCATION}?xsd={name}.xsd" for name in ("rs", "lcm", "query")]
    schema = etree.fromstring(wsdl_response("registry", "rs.xsd", LOCATION))
    assert schema.find(f"{XS}import").get("schemaLocation") == f"{LOCATION}?xsd=rim.xsd"


@pytest.mark.parametrize("name", ["../../setup.cfg", "DocumentRegistry.wsdl", "rim", "", "/etc/passwd", "rim.xsd\0"])
def test_nothing_but_the_schemas_is_served(name):
    assert wsdl_response("registry", name, LOCATION) is None


def test_an_actor_that_is_none_has_no_wsdl():
    assert wsdl_response("imaging", None, LOCATION) is None


def test_the_server_answers_the_wsdl_and_nothing_else(served):
    answer = requests.get(f"{served}/registry?WSDL", timeout=10)

    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert f'location="{served}/registry"' in answer.text
    assert requests.get(f"{served}/registry?xsd=rim.xsd", timeout=10).status_code == 200
    assert 'location="https://public.example/behind/registry"' in requests.get(
        f"{served}/behind/registry?wsdl", timeout=10
    ).text  # fmt: skip
    for query in ("", "?xsd=../setup.cfg", "?other"):
        assert requests.get(f"{served}/registry{query}", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("actor", "operations"),
    [
        ("registry", {"RegistryStoredQuery", "RegisterDocumentSet-b"}),
        ("repository", {"ProvideAndRegisterDocumentSet-b", "RetrieveDocumentSet"}),
    ],
)
def test_zeep_builds_a_client_from_what_is_served(served, actor, operations):
    client = zeep.Client(f"{served}/{actor}?wsdl", settings=zeep.Settings(forbid_dtd=True))

    found = {}
    for operation in client.service._binding._operations.values():
        action = operation.abstract.input_message, operation.abstract.output_message
        assert all(action)
        found[operation.name.partition("_")[2]] = (operation.abstract.wsa_action, operation.soapaction)
    assert client.service._binding_options["address"] == f"{served}/{actor}"
    assert found == {name: (f"urn:ihe:iti:2007:{name}",) * 2 for name in operations}


@pytest.mark.parametrize("actor", WSDL_FILES)
def test_outputs_have_their_actions_too(actor):
    root = etree.parse(WSDL_FILES[actor]).getroot()
    for operation in root.iterfind("{*}portType/{*}operation"):
        name = operation.get("name").partition("_")[2]
        for element, action in (("input", name), ("output", f"{name}Response")):
            message = operation.find(f"{{*}}{element}")
            assert {value for key, value in message.items() if key.endswith("}Action")} == {
                f"urn:ihe:iti:2007:{action}"
            }


def test_a_message_that_zeep_alone_builds_is_valid():
    client = zeep.Client(str(WSDL_FILES["repository"]))
    make = {name: client.get_element(RIM + name) for name in ("ExtrinsicObject", "ExternalIdentifier", "Slot", "Name")}
    slot = {"name": "creationTime", "ValueList": {"Value": ["2026"]}}
    entry = make["ExtrinsicObject"](
        id="d1",
        objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1",
        mimeType="text/plain",
        Slot=[slot],
        Name={"LocalizedString": [{"value": "Titel"}]},
        ExternalIdentifier=[
            {"id": "e1", "registryObject": "d1", "identificationScheme": "urn:uuid:1", "value": "1.2.3"},
        ],
    )

    envelope = client.create_message(
        client.service,
        "DocumentRepository_ProvideAndRegisterDocumentSet-b",
        SubmitObjectsRequest={"RegistryObjectList": {"_value_1": [{"ExtrinsicObject": entry}]}},
        Document=[{"id": "d1", "_value_1": b"text"}],
    )

    request = envelope.find("{*}Body")[0]
    etree.XMLSchema(etree.parse(FOLDER / "xds-b.xsd")).assertValid(etree.fromstring(etree.tostring(request)))
    assert request.find(f".//{RIM}ExternalIdentifier").get("id") == "e1"
    assert request.find(f".//{RIM}Slot/{RIM}ValueList/{RIM}Value").text == "2026"


def test_a_checkout_has_one_folder():
    assert FOLDER.resolve() == ROOT / "wsdl"
    assert all(path.is_file() for path in WSDL_FILES.values())


def test_a_wheel_has_the_wsdl_where_it_is_looked_for(tmp_path):
    if importlib.util.find_spec("setuptools") is None or _setuptools() < 77:
        pytest.skip("building a wheel needs setuptools 77 or later in this environment")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, tree)
    for name in ("xds", "wsdl"):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, tree],
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("xds-*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from xds.soap import wsdl; print(wsdl.FOLDER, *sorted(p.name for p in wsdl.FOLDER.iterdir()))",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert found[0] == str(site / "xds" / "wsdl")
    assert found[1:] == sorted(path.name for path in (ROOT / "wsdl").iterdir())


def _setuptools() -> int:
    from importlib.metadata import version

    return int(version("setuptools").partition(".")[0])
