"""The independent verifier agrees with the product's on every sort of manipulation."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from logs import SIGNER, Log
from manipulations import FORGER, MANIPULATIONS, SOUND, Case, exported, flip, flip_in_selection, manifest_of, selected

from xds.audit.bundle import CHECKPOINTS, KEY, MANIFEST, RECORDS

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/verify-audit"


@pytest.fixture(scope="module")
def independent() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("verify_audit", str(SCRIPT))
    spec = importlib.util.spec_from_loader("verify_audit", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def write(folder: Path, lines: list[bytes], notes: list[str], manifest: str | None = None) -> Path:
    """A bundle; without a manifest that of just these lines."""
    folder.mkdir(exist_ok=True)
    (folder / RECORDS).write_bytes(b"".join(lines))
    (folder / CHECKPOINTS).write_text("\n".join(notes))
    (folder / MANIFEST).write_text(manifest_of(lines, notes) if manifest is None else manifest)
    (folder / KEY).write_text(f"{SIGNER.key}\n")
    return folder


def judged(independent: ModuleType, folder: Path, case: Case) -> int | None:
    """The first bad record, None when all is well, -1 when it could not even be read."""
    of_selection = b'"selected":true' in case.lines[0]
    write(folder, case.lines, case.notes, case.manifest or ("" if of_selection else None))
    try:
        wrong = next(independent.verify(folder, str(SIGNER.key), "\n".join(case.anchors)), None)
    except Exception:
        return -1
    return None if wrong is None else wrong[0]


def test_it_is_short_and_needs_nothing_of_the_product() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 120
    assert "import xds" not in text and "from xds" not in text


@pytest.mark.parametrize("manipulate", MANIPULATIONS)
def test_every_manipulation_is_found(manipulate, independent: ModuleType, tmp_path: Path) -> None:
    for number in range(8):
        case = manipulate(random.Random(f"independent/{number}"))
        found = judged(independent, tmp_path, case)
        assert found is not None
        if found != -1 and manipulate.__name__ not in ("restore", "fork"):
            assert found == case.first_bad


@pytest.mark.parametrize("manipulate", [flip, flip_in_selection])
def test_both_name_the_record_in_which_any_byte_was_changed(
    manipulate, independent: ModuleType, tmp_path: Path
) -> None:
    for number in range(120):
        case = manipulate(random.Random(f"bytes/{number}"))
        assert judged(independent, tmp_path, case) == case.judged().first_bad == case.first_bad, number


def test_clean_logs_and_selections_pass(independent: ModuleType, tmp_path: Path) -> None:
    for number in range(20):
        assert judged(independent, tmp_path, SOUND[number % 2](random.Random(f"clean/{number}"))) is None
    log = Log().grow(30, every=7)
    lines = selected(log, range(3, 20, 5))
    case = Case(lines, log.notes, log.notes, None, manifest_of(lines, log.notes))
    assert judged(independent, tmp_path, case) is None
    later = Log.cut(log, 30).grow(5, first=30)
    assert judged(independent, tmp_path, case._replace(anchors=later.notes)) is None
    lines[2] = lines[2].replace(b"Jansen", b"Pieters")
    assert judged(independent, tmp_path, case._replace(anchors=[])) == log.lines[8].leaf.seq


def test_a_selection_of_another_log_that_was_signed_too_is_found(independent: ModuleType, tmp_path: Path) -> None:
    """Who has the key could sign another log; the anchors have the true one."""
    for number in range(6):
        logs = [Log().grow(9), Log().grow(9, first=100 + number)]
        true, forged = sorted(logs, key=lambda log: log.notes[-1].splitlines()[2], reverse=bool(number % 2))
        lines = selected(forged, [2, 3])
        case = Case(lines, forged.notes, true.notes, None, manifest_of(lines, forged.notes))
        assert judged(independent, tmp_path, case) is not None
        assert judged(independent, tmp_path, case._replace(anchors=[])) is None


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    log = Log().grow(9, every=4)
    write(tmp_path / "bundle", exported(log), log.notes)
    write(tmp_path / "cut", exported(log.cut(6)), log.cut(6).notes)
    (tmp_path / "anchor").write_text(log.notes[-1])

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, SCRIPT, *arguments], cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    told = "All is as it was written.\n9 of 9 records were checked; selection some; time 2025-03-12T13:05:00Z.\n"
    assert run("bundle", "bundle/key", "anchor") == run("bundle") == (0, told)
    assert run("cut", "bundle/key", "anchor")[0] == 1
    (tmp_path / "other").write_text(f"{FORGER.key}\n")
    unsigned = "BAD: a checkpoint or the manifest was not signed by this key"
    assert run("bundle", "other") == (1, unsigned + "\n")
    name, key_id, _ = str(SIGNER.key).split("+", 2)
    (tmp_path / "other").write_text(f"{name}+{key_id}+{str(FORGER.key).split('+', 2)[2]}\n")
    assert run("bundle", "other") == (1, unsigned + "\n")
    (tmp_path / "bundle/key").unlink()
    status, told = run("bundle")
    assert status == 1 and "public key is missing" in told and "BAD" not in told
    (tmp_path / "cut/manifest").write_text("nothing")
    assert run("cut") == (1, "BAD: the manifest is of another export\n")
    (tmp_path / "cut/manifest").unlink()
    assert run("cut") == (1, "BAD: there is no manifest, and without one nobody knows what was left out\n")
