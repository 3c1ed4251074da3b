"""What can't be recorded is not given: the log's disk is full, or its commit fails (faults 10 and 11)."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from faultlib.calls import attach, detach
from faultlib.full import MOUNT, small_disk
from faultlib.guarded import Guarded
from faultlib.outcome import finished, outcome, unavailable
from faultlib.recovery import recovered
from faultlib.trial import Trial

_FLUSHES = ("fdatasync", "fsync")


def log_disk(trial: Trial) -> dict[str, Any]:
    """The disk of the log fills up while documents are only read; then nothing is given until there is room."""
    if trial.postgresql is not None:
        return unavailable("fills the disk of SQLite: needs --database sqlite")
    damage, refused, given = list[str](), 0, 0
    with contextlib.closing(trial.guarded()) as subject:
        subject.keep_documents(trial.folder / "documents")
        folder = subject.folder / "data"
        with small_disk(folder) as mounted:
            if not mounted:
                return unavailable(MOUNT)
            server = subject.start()
            subject.submit()
            (document,) = subject.acknowledged
            for _ in range(20 if trial.long else 2):
                ballast = folder / "ballast"
                ballast.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - (512 << 10))))
                before, answered = _records(subject), 0
                while subject.gives(document) and answered < 2000:
                    answered += 1
                given += answered
                shut = [subject.gives(document) for _ in range(5)]
                refused += shut.count(False)
                if any(each is not False for each in shut):
                    damage.append("something was given while the disk was full, or it was never full")
                if server.ended(0):
                    damage.append("the server ended")
                ballast.unlink()
                if not subject.waits(document, gives=True):
                    damage.append("nothing is given after there was room again")
                if _records(subject) - before < 2 * answered:
                    damage.append(f"{2 * answered} answers, {_records(subject) - before} records")
            damage += finished(subject, server) + subject.log_damage()
    return outcome(damage, given=given, refused=refused, acknowledged=len(subject.acknowledged))


def _records(subject: Guarded) -> int:
    return sum(1 for _ in subject.lines())


def fsync(trial: Trial) -> dict[str, Any]:
    """The disk says once that it could not write what the log's commit flushed.

    The read that waited for it gets a fault and no data, and nobody is told later that its record is durable: it is
    not in the log. What comes after it is, and is given.
    """
    if shutil.which("strace") is None:
        return unavailable("strace is not installed (Debian: apt install strace)")
    if trial.workers > 1 or trial.postgresql is not None:
        return unavailable("breaks the calls of one process: needs --workers 1 and --database sqlite")
    damage, broken, refused = list[str](), 0, 0
    with contextlib.closing(trial.guarded()) as subject:
        server = subject.start()
        subject.submit()
        (document,) = subject.acknowledged
        for when in range(1, 21 if trial.long else 2):
            for call in _FLUSHES:
                log = trial.folder / "strace"
                tracer = attach(server.pid, call, f"inject={call}:error=EIO:when={when}", log)
                if tracer is None:
                    return unavailable("strace may not attach to a process here")
                before, answers = _records(subject), []
                while "INJECTED" not in log.read_text() and len(answers) < 5 * when:
                    answers.append(subject.gives(document))
                detach(tracer)
                if "INJECTED" not in log.read_text():
                    continue
                broken += 1
                refused += sum(not each for each in answers)
                added = _records(subject) - before
                if added < 2 * answers.count(True):
                    damage.append(f"{call} {when}: {2 * answers.count(True)} answers, {added} records")
                server, well = recovered(subject, server)
                if not well or not subject.gives(document):
                    damage.append(f"{call} {when}: nothing is given afterwards")
        if not broken or not refused:
            damage.append("no commit was broken")
        damage += finished(subject, server) + subject.log_damage()
    return outcome(damage, broken=broken, refused=refused, acknowledged=len(subject.acknowledged))
