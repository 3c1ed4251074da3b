"""What a row is, and how one is measured beside a handler that answers the same bytes from memory."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmark.data import EACH, ensure
from benchmark.load import Requests, load, once
from benchmark.servers import bare, configure, free_port, parsing

MIB = 1 << 20
LAST = b"</rim:ExtrinsicObject></rim:RegistryObjectList>"
"""How the list of an answer with documents ends."""


@dataclass
class Row:
    """One line: `ratio` is value to floor, and `target` what the ratio (or the value) must reach or not exceed."""

    name: str
    value: float
    floor: float | None
    ratio: float | None
    target: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        measured = self.value if self.ratio is None else self.ratio
        return measured <= self.target if self.at_most else measured >= self.target


@dataclass
class Bench:
    """Where things are and how long each measure takes. `documents` are in the large index."""

    folder: Path
    data: Path
    documents: int
    seconds: float
    repeats: int
    large: int

    @property
    def patients(self) -> int:
        return self.documents // EACH

    def index(self, documents: int) -> Path:
        """A database of that many documents, in the page cache: otherwise the disk is measured."""
        path = ensure(self.data, documents)
        with path.open("rb") as file:
            while file.read(MIB):
                pass
        return path

    def configured(self, name: str, database: Path | None) -> tuple[Path, dict[str, str], int]:
        port = free_port()
        folder = self.folder / name
        return folder, configure(folder, database, port), port


def ratio(name: str, values: list[float], floors: list[float], target: float, unit: str, at_most: bool = False) -> Row:
    value, floor = statistics.median(values), statistics.median(floors)
    return Row(name, value, floor, value / floor, target, unit, at_most)


def beside_handler(
    bench: Bench, name: str, port: int, tls: dict[str, str], make: Requests, documents: int, target: float
) -> Row:
    """The rate of a query that finds so many documents; ValueError when it finds another number."""
    answer = once(port, tls, make(random.Random(1), 1))
    check_found(name, answer, documents)
    with bare(tls, lambda: parsing(answer, "application/soap+xml")) as floor_port:
        values, floors = [], []
        for warm in (floor_port, port):
            load(warm, tls, make, LAST, seconds=min(1, bench.seconds))
        for _ in range(bench.repeats):
            floors.append(load(floor_port, tls, make, LAST, seconds=bench.seconds).rate)
            values.append(load(port, tls, make, LAST, seconds=bench.seconds).rate)
    return ratio(name, values, floors, target, "requests/s")


def check_found(name: str, answer: bytes, documents: int) -> None:
    """Raise ValueError unless the answer has so many documents."""
    count = answer.count(b"<rim:ExtrinsicObject ")
    if count != documents:
        raise ValueError(f"{name}: {count} documents in the answer, not {documents}")
