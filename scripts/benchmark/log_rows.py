"""Rows of the table about the log: how long an auditor waits for a page."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from benchmark.data import patient
from benchmark.load import Load
from benchmark.log_data import BEGIN, RECORDER, SECONDS, ensure_log
from benchmark.measure import Bench, Row
from xds.audit.hint_rules import HintRules
from xds.db import open_database
from xds.model.audit import LogSelection
from xds.pages.auditor.lookout import Lookout
from xds.pages.auditor.start import sealing_of
from xds.pages.auditor.timeline import edges

_DAY = 86_400_000_000
_ROWS, _VALUES = 50, 8
_LEAST = 20
_VALUE = {
    "employee": lambda draw: f"{draw.randrange(1500):09}^^^&2.16.528.1.1007.3.1&ISO",
    "organisation": lambda draw: f"{draw.randrange(60):08}",
    "patient": lambda draw: RECORDER.patient(patient(draw.randrange(5000))),
    "action": lambda draw: draw.choice("ERC"),
    "outcome": lambda draw: draw.choice((0, 4)),
    "transaction": lambda draw: draw.choice(("ITI-18", "ITI-43")),
    "emergency": lambda draw: draw.random() < 0.5,
    "rule": lambda draw: draw.choice(("consent", "emergency")),
    "role": lambda draw: f"2.16.840.1.113883.2.4.15.111|01.04{draw.randrange(8)}",
    "purpose": lambda draw: "2.16.840.1.113883.1.11.20448|TREAT",
}


def log_pages(bench: Bench) -> Iterator[Row]:
    """What the page of the log reads, and the next page of its list, under any filters; and what the start page does.

    Of the start page the days that are over were looked at before, as the pages do it by themselves.
    """
    database = open_database(f"sqlite:///{ensure_log(bench.data, bench.documents)}", create=True)
    draw = random.Random(1)
    try:
        for name, question in (
            ("the log: a page with facets and timeline, 95th percentile", _first_page),
            ("the log: a following page, 95th percentile", _following(bench.documents)),
            ("the log: the start page with its hints, 95th percentile", _start_page()),
        ):
            question(LogSelection())(database)
            times, until = [], time.perf_counter() + bench.seconds * bench.repeats
            while len(times) < _LEAST or time.perf_counter() < until:
                ask, began = question(_selection(draw)), time.perf_counter()
                ask(database)
                times.append(time.perf_counter() - began)
            yield Row(name, Load(0, times).percentile(0.95) * 1000, None, None, 300, "ms", at_most=True)
    finally:
        database.close()


def _first_page(selection: LogSelection) -> Callable[[Any], object]:
    return lambda database: database.read_now(
        lambda reader: (
            reader.log.newest(selection, None, _ROWS),
            reader.log.survey(selection, edges, _VALUES),
        )
    )


def _following(records: int) -> Callable[[LogSelection], Callable[[Any], object]]:
    return lambda selection: (
        lambda database: database.read_now(lambda reader: reader.log.newest(selection, records // 2, _ROWS))
    )


def _start_page() -> Callable[[LogSelection], Callable[[Any], object]]:
    """The page has no filters."""
    rules = HintRules()
    lookout, now = Lookout(lambda: rules, RECORDER.surname), BEGIN + timedelta(seconds=SECONDS)
    return lambda selection: (
        lambda database: database.read_now(lambda reader: (lookout.hints(reader, now), sealing_of(reader, rules, now)))
    )


def _selection(draw: random.Random) -> LogSelection:
    """Half of the questions ask for a period, and each heading is asked in one of five."""
    asked = {name: value(draw) for name, value in _VALUE.items() if draw.random() < 0.2}
    if draw.random() < 0.5:
        since = int(BEGIN.timestamp() * 1_000_000) + draw.randrange(365) * _DAY
        asked |= {"started_from": since, "started_below": since + draw.choice((1, 7, 31, 90)) * _DAY}
    return LogSelection(**asked)
