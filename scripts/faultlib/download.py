"""The reader goes away during a download (fault 22), and the log is manipulated (fault 29)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import Any

from faultlib import ROOT, messages
from faultlib.guarded import Guarded
from faultlib.messages import PLAIN
from faultlib.outcome import finished, outcome
from faultlib.trial import Trial
from xds.model.audit import SUCCESS

_MANIPULATIONS = ROOT / "tests" / "audit" / "manipulations.py"


def download(trial: Trial) -> dict[str, Any]:
    """The reader goes away at each sixteenth of a document: one record of each, that says that it was released."""
    sizes = (300_000, 5 << 20, 50 << 20) if trial.long else (300_000, 5 << 20)
    damage = list[str]()
    with contextlib.closing(trial.guarded()) as subject:
        server = subject.start()
        for size in sizes:
            subject.submit(size)
        asked = dict.fromkeys(subject.acknowledged, 0)
        for document, size in zip(asked, sizes, strict=True):
            for sixteenth in range(16):
                begun = _go_away_after(subject, document, size * sixteenth // 16)
                asked[document] += 1
                if not begun:
                    damage.append(f"nothing came of {document}")
        damage += subject.unserved(asked)
        given = [record for _, record in subject.records() if record.kinds[0].code == "ITI-43"]
        for document, count in asked.items():
            told = [record for record in given if document in [each.unique_id for each in record.documents]]
            if len(told) != count + 1 or any(record.outcome != SUCCESS for record in told):
                damage.append(f"{document} was given {count + 1} times, and {len(told)} records say so")
        if len({record.request_id for record in given}) != sum(asked.values()) + 1:
            damage.append(f"{len(given)} records of {sum(asked.values()) + 1} retrievals")
        damage += finished(subject, server) + subject.log_damage()
    return outcome(damage, cuts=sum(asked.values()), acknowledged=len(subject.acknowledged))


def _go_away_after(subject: Guarded, document: str, size: int) -> bool:
    """Break off a retrieval when more than so many bytes came; whether that many did."""
    body = subject.signed(messages.retrieve(subject.repository, [document]))
    head = f"POST /repository HTTP/1.1\r\nHost: x\r\nContent-Type: {PLAIN}\r\nContent-Length: {len(body)}\r\n\r\n"
    got = 0
    with contextlib.closing(subject.dial()) as link:
        link.sendall(head.encode() + body)
        while got <= size and (chunk := link.recv(16_384)):
            got += len(chunk)
    return got > size


def manipulations(trial: Trial) -> dict[str, Any]:
    """Change logs and selections at random: each is found, with the first bad record, and nothing clean is blamed."""
    count = 10_000 if trial.long else 420
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, _MANIPULATIONS, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wrong = done.stdout.splitlines()[:-1] if done.stdout else [done.stderr[-500:]]
    return outcome(wrong, manipulations=count, judged_wrongly=len(wrong))
