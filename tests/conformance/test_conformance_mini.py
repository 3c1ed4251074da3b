"""The runner with a testkit of our own against a real server: what is right passes, and nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINI = ROOT / "fixtures" / "testkit-mini"
SCHEMAS = ROOT.parent / "shared" / "schemas"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "conformance", "--testkit", MINI, *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=180)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    from testkit.server import running

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with running(tmp_path_factory.mktemp("conformance") / "server", MINI / "codes.xml") as file:
            yield file


def test_a_server_of_its_own_passes_and_every_message_is_kept(tmp_path: Path):
    kept = tmp_path / "kept"
    done = run("mini", "--json", tmp_path / "results.json", "--keep", kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("13 steps: 13 passed, 0 failed, 0 unsupported. 5 tests: 5 passed whole.\n")
    results = {(each["test"], each["section"], each["step"]): each for each in json.loads(read(tmp_path))}
    retrieved = results["90002", "retrieve", "retrieve"]
    assert retrieved["response"] == str(kept / "90002/retrieve/retrieve.response.mtom")
    assert b"Beste collega,\nAlles is goed.\n" in Path(retrieved["response"]).read_bytes()
    query = Path(results["90004", "find", "find"]["request"]).read_text()
    assert "AdhocQueryRequest" in query and "$" not in query.replace("$XDSDocumentEntry", "")


def read(folder: Path) -> str:
    return (folder / "results.json").read_text()


WRONG = {
    "status": "failed",
    "count": "failed",
    "word": "failed",
    "error_code": "failed",
    "assertion": "failed",
    "document": "failed",
    "unknown_directive": "unsupported",
    "unknown_step": "unsupported",
    "unknown_word": "unsupported",
    "unknown_transaction": "unsupported",
    "unknown_assertion": "unsupported",
    "missing_test": "unsupported",
    "missing_file": "unsupported",
}


def test_what_is_wrong_or_not_understood_never_passes(config: Path, tmp_path: Path):
    done = run("90009", "--config", config, "--json", tmp_path / "results.json")
    assert done.returncode == 1
    results = [each for each in json.loads(read(tmp_path)) if each["test"] == "90009"]
    assert {each["section"]: each["result"] for each in results} == WRONG
    assert all(each["reason"] for each in results if each["result"] != "passed")


def test_a_section_runs_after_what_it_refers_to_and_once(config: Path, tmp_path: Path):
    done = run("90004/find", "90001/eval", "--config", config, "--json", tmp_path / "results.json")
    assert done.returncode == 0, done.stdout
    steps = [f"{each['test']}/{each['section']}/{each['step']}" for each in json.loads(read(tmp_path))]
    assert steps == [
        *("90002/submit/submit", "90002/query/query", "90002/retrieve/retrieve", "90004/find/find"),
        *("90000/pif/feed", "90001/submit/submit", "90001/rplc/rplc", "90001/rplc/again"),
        *("90001/eval/old", "90001/eval/old_asserted", "90001/eval/new"),
    ]


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the official schemas (../shared/schemas) are not here")
def test_requests_and_answers_are_valid(config: Path):
    done = run("mini", "--config", config, "--schemas", SCHEMAS)
    assert done.returncode == 0, done.stdout
    assert "not valid" not in done.stdout


def test_list_names_collections_and_sections():
    done = run("--list")
    assert done.returncode == 0
    assert "rep-mini: 90002\n" in done.stdout
    assert "90001: submit rplc eval\n" in done.stdout


def test_a_name_that_is_unknown_is_not_run():
    done = run("90001", "90001/none")
    assert done.returncode == 2
    assert "90001/none: no such test" in done.stderr


def test_assertions_are_sent_in_the_variant_that_a_section_is_named_after():
    command = f"{sys.executable} -m xds token --config {{config}} --variant"

    done = run("mini", "xua-mini", "--assertion-command", command)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("22 steps: 22 passed, 0 failed, 0 unsupported. 6 tests: 6 passed whole.\n")


def test_a_server_that_wants_to_know_who_asks_fails_every_test_without_assertions(tmp_path):
    from testkit.server import running

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with running(tmp_path / "server", MINI / "codes.xml", identity=True) as config:
            done = run("90005/valid", "90005/expired", "--config", config)
            command = f"{sys.executable} -m xds token --config {{config}} --variant"
            known = run("90002", "--config", config, "--assertion-command", command)
    assert done.returncode == 1
    assert "2 steps: 1 passed, 1 failed" in done.stdout
    assert known.returncode == 0, known.stdout + known.stderr
