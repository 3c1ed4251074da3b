"""The rows of the table: each measures ours beside its floor, in turns, and takes medians."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmark import raw, requests
from benchmark.data import EACH
from benchmark.guarded import guarded
from benchmark.load import Load, connect, load
from benchmark.log_rows import log_pages
from benchmark.measure import MIB, Bench, Row, beside_handler, ratio
from benchmark.servers import bare, ours, resident, sending

SUCCESS = b"ResponseStatusType:Success"


def queries(bench: Bench) -> Iterator[Row]:
    """ITI-18 with one and with twenty documents, against a handler that answers the same bytes from memory."""
    folder, tls, port = bench.configured("query", bench.index(bench.documents))
    with ours(folder, tls, port):
        for name, one, target in (("ITI-18, one document", True, 0.45), ("ITI-18, twenty documents", False, 0.50)):
            make = requests.find(range(bench.patients), one)
            yield beside_handler(bench, name, port, tls, make, 1 if one else EACH, target)


def growth(bench: Bench) -> Iterator[Row]:
    """FindDocuments in the large index against one of a tenth: times at one connection."""
    rates: dict[int, list[float]] = {}
    with contextlib.ExitStack() as stack:
        servers = {}
        for documents in (bench.documents // 10, bench.documents):
            folder, tls, port = bench.configured(f"growth-{documents}", bench.index(documents))
            stack.enter_context(ours(folder, tls, port, workers=1))
            servers[documents] = (port, tls)
        for _ in range(bench.repeats):
            for documents, (port, tls) in servers.items():
                make = requests.find(range(documents // EACH), one=False)
                seen = load(port, tls, make, SUCCESS, seconds=bench.seconds, connections=1, processes=1)
                rates.setdefault(documents, []).append(seen.percentile(0.5))
    small, large = (statistics.median(rates[n]) * 1000 for n in sorted(rates))
    yield Row("growth, FindDocuments in 10 times the documents", large, small, large / small, 1.3, "ms", at_most=True)


def size_and_start(bench: Bench) -> Iterator[Row]:
    """Bytes of database for each document, and the time to the first answer."""
    path = bench.index(bench.documents)
    yield Row("database per document", path.stat().st_size / bench.documents, None, None, 2500, "bytes", at_most=True)
    folder, tls, port = bench.configured("start", path)
    times = []
    for _ in range(bench.repeats):
        with ours(folder, tls, port) as (_, started):
            times.append(started)
    yield Row("start to first answer", statistics.median(times), None, None, 1.5, "s", at_most=True)


def registration(bench: Bench) -> Iterator[Row]:
    """ITI-42 and ITI-41 of 10 KB, each with many callers, against the same rows and files raw."""
    folder, tls, port = bench.configured("register", None)
    fill_patients(folder, bench)
    database = folder / "data" / "xds.db"
    for name, path_make, floor, target in (
        ("ITI-42", requests.register(1000), lambda n: raw.registrations(database, bench.seconds, n), 0.30),
        (
            "ITI-41, 10 KB",
            requests.provide(1000, 10 * 1024),
            lambda n: raw.submissions(database, bench.folder / "raw", 10 * 1024, bench.seconds, n),
            0.25,
        ),
    ):
        values, floors = [], []
        for turn in range(bench.repeats):
            with ours(folder, tls, port):
                values.append(load(port, tls, path_make, SUCCESS, seconds=bench.seconds, connections=32).rate)
            floors.append(floor((turn + 1) * 10**7 + (10**9 if "41" in name else 0)))
        yield ratio(name, values, floors, target, "submissions/s")


def large_documents(bench: Bench) -> Iterator[Row]:
    """ITI-41 and ITI-43 of a large document: speed, memory, and what small queries feel meanwhile."""
    folder, tls, port = bench.configured("large", None)
    fill_patients(folder, bench)
    size = bench.large * MIB
    repository = re.search(r'unique_id = "([^"]+)"', (folder / "xds.toml").read_text())[1]
    ups, floors, peaks, downs, down_floors, down_peaks = [], [], [], [], [], []
    with ours(folder, tls, port) as (pids, _):
        make = requests.find(range(1000), one=False)
        small = {"seconds": bench.seconds, "connections": 2, "processes": 1}
        load(port, tls, make, SUCCESS, **small)
        idle = load(port, tls, make, SUCCESS, **small).percentile(0.99)
        before = resident(pids)
        for turn in range(bench.repeats):
            floors.append(raw.hash_and_write(bench.folder / "floor", size) / MIB)
            with watched(pids) as peak:
                ups.append(upload(port, tls, size, turn) / MIB)
            peaks.append(peak[0] - before)
            with bare(tls, lambda: sending(bench.folder / "floor")) as floor_port:
                down_floors.append(download(floor_port, tls, requests.retrieve("1.2", "1.2")) / MIB)
            with watched(pids) as peak:
                wanted = requests.retrieve(repository, requests.numbered(turn + 1))
                downs.append(download(port, tls, wanted) / MIB)
            down_peaks.append(peak[0] - before)
        with ThreadPoolExecutor(1) as pool:
            uploading = pool.submit(lambda: [upload(port, tls, size, 100 + n) for n in range(3)])
            busy = Load(0, [])
            while not uploading.done():
                busy.times += load(port, tls, make, SUCCESS, seconds=1, connections=2, processes=1).times
            uploading.result()
    yield ratio(f"ITI-41, {bench.large} MB", ups, floors, 0.60, "MB/s")
    yield Row(f"ITI-41, {bench.large} MB: memory of a worker above idle", max(peaks) / MIB, None, None, 64, "MB", True)
    late = busy.percentile(0.99)
    yield Row("small queries meanwhile, 99th percentile", late * 1000, idle * 1000, late / idle, 5, "ms", at_most=True)
    yield ratio(f"ITI-43, {bench.large} MB", downs, down_floors, 0.60, "MB/s")
    memory = max(down_peaks) / MIB
    yield Row(f"ITI-43, {bench.large} MB: memory of a worker above idle", memory, None, None, 64, "MB", True)


def fill_patients(folder: Path, bench: Bench) -> None:
    """The thousand patients that submissions are for."""
    import subprocess

    from benchmark.data import patient

    command = [sys.executable, "-m", "xds", "patient", "add", "--config", str(folder / "xds.toml")]
    subprocess.run([*command, *(patient(n) for n in range(1000))], check=True, capture_output=True)


def upload(port: int, tls: dict[str, str], size: int, number: int) -> float:
    """Bytes a second of an ITI-41 with one large document, from the first byte to the answer."""
    head, tail = requests.provide_parts()
    head = head.replace(b"2.999.45.10000000000000.", b"2.999.45.%d." % (10**13 + number + 1))
    block = os.urandom(MIB)
    with connect(port, tls) as link:
        began = time.perf_counter()
        link.sendall(requests.http("/repository", requests.MTOM, len(head) + size + len(tail)) + head)
        for _ in range(size // MIB):
            link.sendall(block)
        link.sendall(tail)
        answer = b""
        while SUCCESS not in answer:
            chunk = link.recv(65536)
            if not chunk:
                raise ValueError(f"the document was not accepted: {answer[-800:]!r}")
            answer += chunk
        return size / (time.perf_counter() - began)


def download(port: int, tls: dict[str, str], request: bytes) -> float:
    """Bytes a second of an answer with one large document."""
    buffer = bytearray(MIB)
    with connect(port, tls) as link:
        began = time.perf_counter()
        link.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(4096)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        left = length - len(head.partition(b"\r\n\r\n")[2])
        while left > 0:
            got = link.recv_into(buffer)
            if not got:
                raise ValueError("the answer was cut off")
            left -= got
        return length / (time.perf_counter() - began)


@contextlib.contextmanager
def watched(pids: list[int]) -> Iterator[list[int]]:
    """The greatest resident memory of these processes while the block runs, in bytes, in a list of one."""
    peak, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.01):
            peak[0] = max(peak[0], resident(pids))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()


ROWS = {
    "queries": queries,
    "guarded": guarded,
    "registration": registration,
    "large": large_documents,
    "growth": growth,
    "size": size_and_start,
    "log": log_pages,
}
