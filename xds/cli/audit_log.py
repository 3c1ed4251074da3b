"""What the commands of `xds audit` share: the log with its keys, what is asked of it, and the note of its use."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from xds.model.affinity_domain import BSN_OID
from xds.model.audit import SUCCESS, Access, Entry, Event, Head, Kept, Leaf, LogSelection, Note, Thing
from xds.model.coded import Coded
from xds.model.dutch_time import dutch_midnight
from xds.model.hl7 import CX, parse_cx

if TYPE_CHECKING:
    from pathlib import Path

    from xds.audit.checkpoint import Signer
    from xds.audit.record import Recorder
    from xds.db import Database
    from xds.settings import Settings

UZI_OID = "2.16.528.1.1007.3.1"
"""Under which UZI numbers of care professionals are given out."""
PAGE = 1000
DAY = click.DateTime(["%Y-%m-%d"])
_PART = Coded("log-part", "xds", "Deel van de logging")


class Asked(NamedTuple):
    """What a command asks of the log. `patient` is the client that it is about, if it is about one."""

    selection: LogSelection
    patient: CX | None
    words: tuple[tuple[str, str], ...]
    """The question as the record of this use has it, without the patient."""


class Opened:
    """The log of a configuration."""

    def __init__(self, settings: Settings, database: Database, recorder: Recorder):
        self.settings = settings
        self.database = database
        self.recorder = recorder

    def asked(self, **words: Any) -> Asked:
        """The question of a command's options."""
        patient = _patient(words.pop("patient"))
        given = {name: value for name, value in words.items() if value not in (None, False)}
        since, until = given.pop("since", None), given.pop("until", None)
        employee = given.get("employee")
        selection = LogSelection(
            started_from=None if since is None else _moment(since),
            started_below=None if until is None else _moment(until + timedelta(days=1)),
            patient=None if patient is None else self.recorder.patient(str(patient)),
            employee=f"{employee}^^^&{UZI_OID}&ISO" if employee and "^" not in employee else employee,
            **{name: value for name, value in given.items() if name != "employee"},
        )
        days = {name: str(day.date()) for name, day in (("from", since), ("until", until)) if day is not None}
        return Asked(selection, patient, tuple({name: str(value) for name, value in (days | given).items()}.items()))

    def find(self, selection: LogSelection, limit: int | None = None) -> Iterator[Kept]:
        """The records that a selection asks for, oldest first."""
        first, left = 0, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.database.read_now(
                lambda reader, first=first, size=size: reader.log.find(selection, first, size)
            )
            yield from page
            if len(page) < size:
                return
            first = page[-1].leaf.seq + 1
            left = None if left is None else left - len(page)

    def lines(self, first: int, below: int) -> Iterator[Kept]:
        """The lines from one seq on and below another."""
        while first < below:
            page = self.database.read_now(lambda reader, first=first: reader.log.lines(first, min(PAGE, below - first)))
            yield from page
            first += len(page)

    def leaves(self, below: int) -> Iterator[Leaf]:
        """The first leaves, below a seq."""
        first = 0
        while first < below:
            page = self.database.read_now(
                lambda reader, first=first: reader.log.leaves(first, min(10 * PAGE, below - first))
            )
            yield from page
            first += len(page)

    def note_use(self, kind: str, asked: Asked, name: str, *things: Thing) -> None:
        """Record that the log is used, before anything of it is given."""
        access = (Access(asked.patient),) if asked.patient is not None else ()
        part = Thing(_PART, "log", name, asked.words)
        event = Event(
            f"cli-{secrets.token_hex(8)}",
            kind,
            datetime.now(UTC),
            SUCCESS,
            operator=operator(),
            accesses=access,
            things=(part, *things),
        )
        self.record(event)

    def record(self, event: Event) -> None:
        entries: list[Entry] = self.recorder.entries(event)
        self.database.write_now(lambda writer: writer.record(entries))

    def delete(self, event: Event, below: int) -> int:
        """Delete what the records below a seq say, and record it; how many."""
        entries = self.recorder.entries(event)

        def change(writer: Any) -> int:
            writer.record(entries)
            return writer.log.delete_payloads(below)

        return self.database.write_now(change)

    def signer(self) -> Signer:
        from xds.atna.keys import read_signer

        return read_signer(self.settings.audit.signing_key, self.settings.audit_origin)

    def seal(self, anchored: bool = False) -> Note | None:
        """Sign a checkpoint of all that is in the log now, and have it anchored when asked to."""
        from xds.atna.seal import Sealer
        from xds.gate.opening import anchors_of

        anchors = anchors_of(self.settings) if anchored else ()
        sealer = Sealer(self.database, self.signer, anchors, lambda: datetime.now(UTC))
        return asyncio.run(sealer.seal())

    def head(self) -> Head:
        return self.database.read_now(lambda reader: reader.log.head())

    def notes(self) -> list[Note]:
        return self.database.read_now(lambda reader: reader.log.notes())


@contextmanager
def opened(config: Path | None) -> Iterator[Opened]:
    """The log, closed afterwards."""
    from xds.config import load
    from xds.db import open_database
    from xds.gate.recording import recorder_of

    settings = load(config)
    database = open_database(settings.database.url)
    try:
        yield Opened(settings, database, recorder_of(settings))
    finally:
        database.close()


def selection_options(command: Callable) -> Callable:
    """What is asked of the log, handed on as `words`."""
    names = ("since", "until", "patient", "employee", "organisation", "action", "outcome", "transaction", "emergency")

    @functools.wraps(command)
    def with_words(*arguments: Any, **given: Any) -> Any:
        words = {name: given.pop(name) for name in names}
        return command(*arguments, words=words, **given)

    outcomes = click.Choice(["0", "4", "8", "12"])
    for option in (
        click.option("--emergency", is_flag=True, help="Only where the glass was broken."),
        click.option("--transaction", metavar="NAME", help="Only this transaction, such as ITI-43, or event of ours."),
        click.option(
            "--outcome",
            type=outcomes,
            callback=lambda ctx, param, value: None if value is None else int(value),
            help="0 done, 4 refused or rejected, 8 not intelligible or not let in, 12 failed.",
        ),
        click.option("--action", type=click.Choice(list("CRUDE")), help="Create, read, update, delete or execute."),
        click.option("--organisation", metavar="URA", help="Only this organisation's."),
        click.option("--employee", metavar="NUMBER", help="Only this person's: a UZI number, or 'number^^^&OID&ISO'."),
        click.option("--patient", metavar="CX", help="Only of this client: a BSN, or 'number^^^&OID&ISO'."),
        click.option("--until", type=DAY, metavar="DATE", help="Until this day, included."),
        click.option("--from", "since", type=DAY, metavar="DATE", help="From this day on, by Dutch clocks."),
    ):
        with_words = option(with_words)
    return with_words


def operator() -> str:
    """The account of who works at the command line."""
    from xds.gate.operator import operator as account

    return account()


def _patient(text: str | None) -> CX | None:
    if text is None:
        return None
    try:
        return CX(text, BSN_OID) if text.isdigit() else parse_cx(text)
    except ValueError as error:
        raise click.UsageError(f"--patient: {error}") from None


def _moment(day: datetime) -> int:
    """When a day begins, in microseconds since 1970."""
    return int(dutch_midnight(day.date()).timestamp() * 1_000_000)
