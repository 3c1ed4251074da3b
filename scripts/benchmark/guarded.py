"""The rows with identity, consent and log switched on: a gynaecologist asks, and each client has consented."""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmark import requests
from benchmark.data import add_patients_of_many, permit
from benchmark.load import load, once
from benchmark.measure import LAST, Bench, Row, beside_handler, check_found, ratio
from benchmark.servers import configure_guarded, free_port, ours

ORGANISATION, URA, GYNAECOLOGIST = "hospital", "00010990", "01.046"
MANY = 100
"""Documents of each of `PATIENTS_OF_MANY` patients."""
PATIENTS_OF_MANY = 10
CALLERS = 32


def guarded(bench: Bench) -> Iterator[Row]:
    """ITI-18 with an assertion, judged and recorded; what of that the log costs, and what the filter."""
    port, unlogged, unfiltered = free_port(), free_port(), free_port()
    owners = range(bench.patients, bench.patients + PATIENTS_OF_MANY)
    with _copied(bench) as database:
        url = f"sqlite:///{database}"
        add_patients_of_many(url, owners, MANY)
        permit(url, range(owners.stop), URA)
        folder = bench.folder / "guarded"
        tls = configure_guarded(folder, database, port)
        security = requests.security_header(_token(folder))
        one = requests.find(range(bench.patients), True, security)
        many = requests.find(owners, False, security)
        with ours(folder, tls, unlogged, without="log"):
            with ours(folder, tls, port):
                yield beside_handler(
                    bench, "ITI-18, one document, identity, consent and log on", port, tls, one, 1, 0.30
                )
                yield from _cost_of_log(bench, tls, (port, unlogged), one)
            with ours(folder, tls, unfiltered, without="log,filter"):
                yield _cost_of_filter(bench, tls, (unlogged, unfiltered), many)


@contextlib.contextmanager
def _copied(bench: Bench) -> Iterator[Path]:
    """A copy of the index, on the disk and in the page cache: with a log that grows, no two runs would be alike."""
    path = bench.data / f"guarded-{bench.documents}.db"
    _remove(path)
    try:
        subprocess.run(["cp", "--reflink=auto", bench.index(bench.documents), path], check=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def _token(folder: Path) -> bytes:
    """An assertion of the issuer for tests, for longer than all measures take."""
    options = ["--organisation", ORGANISATION, "--role", GYNAECOLOGIST, "--minutes", "600"]
    command = [sys.executable, "-m", "xds", "token", "--config", str(folder / "xds.toml"), *options]
    return subprocess.run(command, check=True, capture_output=True).stdout.strip()


def _cost_of_log(bench: Bench, tls: dict[str, str], ports: tuple[int, int], make: requests.Make) -> Iterator[Row]:
    """With the log against without: throughput, and the time that hardly any request exceeds."""
    rates, lates = ([], []), ([], [])
    for port in ports:
        load(port, tls, make, LAST, seconds=min(1, bench.seconds), connections=CALLERS)
    for _ in range(bench.repeats):
        for port, rate, late in zip(ports, rates, lates, strict=True):
            seen = load(port, tls, make, LAST, seconds=bench.seconds, connections=CALLERS)
            rate.append(seen.rate)
            late.append(seen.percentile(0.99) * 1000)
    name = f"the log, ITI-18 at {CALLERS} callers"
    yield ratio(name, *rates, 0.85, "requests/s")
    added = statistics.median(lates[0]) - statistics.median(lates[1])
    yield Row(f"{name}: added at the 99th percentile", added, None, None, 15, "ms", at_most=True)


def _cost_of_filter(bench: Bench, tls: dict[str, str], ports: tuple[int, int], make: requests.Make) -> Row:
    """With the filter against without, neither with the log: times at one connection."""
    name = f"the filter, {MANY} candidates"
    times: tuple[list[float], list[float]] = ([], [])
    for port in ports:
        check_found(name, once(port, tls, make(random.Random(1), 1)), MANY)
    for _ in range(bench.repeats):
        for port, seen in zip(ports, times, strict=True):
            measured = load(port, tls, make, LAST, seconds=bench.seconds, connections=1, processes=1)
            seen.append(measured.percentile(0.5) * 1000)
    return ratio(name, *times, 1.15, "ms", at_most=True)
