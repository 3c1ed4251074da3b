"""The supervisor in a process of its own, with workers that write what they do to its standard output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

PROGRAM = """
import os, signal, sys
from xds.errors import Misconfigured
from xds.web.logs import set_up_logs
from xds.web.prefork import Supervisor

def say(word):
    os.write(1, f"{word} {os.getpid()}\\n".encode())

def work(slot, alive):
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGHUP))
    say(f"began-{slot}")
    MORE
    while True:
        number = signal.sigwaitinfo((signal.SIGTERM, signal.SIGHUP))
        if number.si_signo == signal.SIGHUP:
            say("reload")
        else:
            break
    say("drained")

set_up_logs("error", "json")
sys.exit(Supervisor(2, work, 5, lambda: None).supervise())
"""
Start = Callable[[str], subprocess.Popen]


@pytest.fixture
def start() -> Iterator[Start]:
    running = []

    def start(more: str = "pass") -> subprocess.Popen:
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.replace("MORE", more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(program)
        return program

    yield start
    for program in running:
        if program.poll() is None:
            program.terminate()
        program.communicate(timeout=20)


def said(program: subprocess.Popen, lines: int) -> dict[str, list[int]]:
    """The next lines: who said each word."""
    words: dict[str, list[int]] = {}
    for _ in range(lines):
        word, pid = program.stdout.readline().split()
        words.setdefault(word, []).append(int(pid))
    return words


def test_every_slot_gets_a_worker_and_all_drain(start):
    program = start()
    began = said(program, 2)

    program.send_signal(signal.SIGTERM)

    assert began.keys() == {"began-0", "began-1"}
    assert len(said(program, 2)["drained"]) == 2
    assert program.wait(20) == 0


def test_a_worker_that_died_is_replaced_in_its_slot(start):
    program = start()
    began = said(program, 2)

    os.kill(began["began-1"][0], signal.SIGKILL)
    again = said(program, 1)

    assert again.keys() == {"began-1"}
    assert again["began-1"] != began["began-1"]
    assert "worker ended" in program.stderr.readline()


def test_a_reload_reaches_every_worker(start):
    program = start()
    began = said(program, 2)

    program.send_signal(signal.SIGHUP)

    assert sorted(said(program, 2)["reload"]) == sorted(began["began-0"] + began["began-1"])


def test_a_wrong_setting_stops_the_server(start):
    program = start("if slot: raise Misconfigured('server.port: wrong')")

    assert program.wait(20) == 2
    assert "server.port: wrong" in program.stderr.read()


def test_workers_end_when_the_parent_is_gone(start):
    program = start("os.read(alive, 1) or say('orphaned'); sys.exit()")
    said(program, 2)

    program.kill()

    assert len(said(program, 2)["orphaned"]) == 2
