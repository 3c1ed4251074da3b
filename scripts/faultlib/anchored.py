"""The anchor or the signing key is away (fault 26), and an old backup is put back (fault 28)."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from faultlib.guarded import Guarded
from faultlib.outcome import finished, outcome, unavailable
from faultlib.trial import Trial

_ANCHORS = "anchors/log.txt"
_GRACE = 60.0


def anchors(trial: Trial) -> dict[str, Any]:
    """The anchor is away, then the signing key: after the grace nothing is given, and /ready says so, until it is back.

    The grace is the shortest, a minute, so this takes some. A server does not start without its key.
    """
    damage, stopped = list[str](), 0
    settings = ("checkpoint_seconds = 1", "anchor_grace_minutes = 1", f'anchor_paths = ["{_ANCHORS}"]')
    with contextlib.closing(trial.guarded(*settings)) as subject:
        folder, key = subject.folder / "anchors", subject.folder / "audit" / "signing-key.pem"
        folder.mkdir()
        server = subject.start()
        subject.submit()
        (document,) = subject.acknowledged
        for away in (folder, key):
            if not subject.waits(document, gives=True):
                damage.append(f"nothing is given although {away.name} is there")
            elsewhere = away.rename(away.with_name("away"))
            if not subject.waits(document, gives=False, seconds=_GRACE + 30):
                damage.append(f"data is given for longer than the grace without {away.name}")
            if "for too long" not in subject.ready()["log"]:
                damage.append(f"/ready says nothing of {away.name}")
            stopped += 1
            elsewhere.rename(away)
        if not subject.waits(document, gives=True):
            damage.append("nothing is given although all is back")
        if server.stop() != 0:
            damage.append("it did not end by itself")
        key.rename(key.with_name("away"))
        with contextlib.suppress(TimeoutError):
            subject.start()
            damage.append("a server started without the key")
        key.with_name("away").rename(key)
        server = subject.start()
        subject.waits(document, gives=True)
        damage += finished(subject, server) + _disagreement(subject, subject.folder / _ANCHORS)
    return outcome(damage, stopped=stopped, acknowledged=len(subject.acknowledged))


def _disagreement(subject: Guarded, path: Path) -> list[str]:
    """What an auditor finds, who has the anchor."""
    return [f"{each.kind} at {each.seq}: {each.text}" for each in subject.judged(path).findings]


def backup(trial: Trial) -> dict[str, Any]:
    """An old backup of the database is put back: nothing is given, the verifier names it, the anchor stays as it was.

    In the long form the log grows beyond the anchor. With a new anchor the server goes on from the backup.
    """
    if trial.postgresql is not None:
        return unavailable("puts back the file of SQLite: needs --database sqlite")
    damage, refused = list[str](), 0
    settings = ("checkpoint_seconds = 1", f'anchor_paths = ["{_ANCHORS}"]')
    with contextlib.closing(trial.guarded(*settings)) as subject:
        path, copy, used = subject.folder / _ANCHORS, trial.folder / "backup", subject.folder / "data"
        path.parent.mkdir()
        server = subject.start()
        subject.submit()
        (document,) = subject.acknowledged
        server.stop()
        shutil.copytree(used, copy)
        server = subject.start()
        if not all(subject.gives(document) for _ in range(3)):
            damage.append("the server does not give what it has")
        server.stop()
        newest = path.read_text()
        shutil.rmtree(used)
        shutil.copytree(copy, used)
        server = subject.start()
        for _ in range(200 if trial.long else 2):
            refused += 1
            if subject.gives(document) is not False:
                damage.append("data is given from an old backup")
        if "older copy" not in subject.ready()["log"]:
            damage.append("/ready says nothing of the backup")
        server.stop()
        if path.read_text() != newest:
            damage.append("the anchor that proves it was changed")
        if not _disagreement(subject, path):
            damage.append("the verifier finds nothing")
        subject.close()
        subject.config.write_text(subject.config.read_text().replace(_ANCHORS, "anchors/new.txt"))
        server = subject.start()
        if not subject.waits(document, gives=True):
            damage.append("nothing is given with a new anchor")
        damage += finished(subject, server) + _disagreement(subject, path.with_name("new.txt"))
    return outcome(damage, refused=refused, acknowledged=len(subject.acknowledged))
