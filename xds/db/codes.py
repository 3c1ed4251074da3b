"""The numbers that stand for (code, scheme) pairs.

A code keeps its number for good, so every process remembers those that were committed. Numbers only grow, in the
order in which they are committed, so what a process does not know yet is above the largest that it knows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from xds.db.compile import Statements
from xds.db.session import Session
from xds.db.values import known_texts
from xds.model.consent import Candidate

Key = tuple[str, str]


class Remembered:
    """What consent worked out of rows: of traits, and when which kind joined. For good, when they are committed."""

    def __init__(self) -> None:
        self.candidates: dict[tuple[Any, ...], Candidate] = {}
        self.joined: dict[str, datetime] = {}


class CommittedCodes:
    """The numbers that this process knows to be committed, shared by its threads."""

    def __init__(self) -> None:
        self.numbers: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.remembered = Remembered()
        self.newest = 0
        self._lock = threading.Lock()

    def publish(self, numbers: Mapping[Key, int]) -> None:
        """Take committed numbers; there must be no unknown one below the largest of them."""
        if numbers:
            with self._lock:
                self.numbers.update(numbers)
                self.keys.update((number, key) for key, number in numbers.items())
                self.newest = max(self.newest, *numbers.values())

    def forget(self) -> None:
        """Know nothing any more: a connection was lost, and what answers next may not have the last commits."""
        with self._lock:
            self.numbers, self.keys, self.newest = {}, {}, 0
            self.remembered.candidates.clear()
            self.remembered.joined = {}


def _newer(session: Session, statements: Statements, committed: CommittedCodes) -> dict[Key, int]:
    rows = session.rows(statements.codes_after, (committed.newest,))
    return {(code, scheme): number for number, code, scheme in rows}


class ReadCodes:
    """The numbers as a snapshot has them."""

    def __init__(self, session: Session, statements: Statements, committed: CommittedCodes):
        self._session = session
        self._statements = statements
        self._committed = committed
        self.remembered = committed.remembered

    def find(self, keys: Iterable[Key]) -> list[int]:
        """The numbers of those codes that have one; an unknown code costs a SELECT of what is new."""
        if not all(key in self._committed.numbers for key in keys):
            self._committed.publish(_newer(self._session, self._statements, self._committed))
        known = self._committed.numbers
        return [known[key] for key in keys if key in known]

    def key(self, number: int) -> Key:
        """The code of a number that is in the tables."""
        if number not in self._committed.keys:
            self._committed.publish(_newer(self._session, self._statements, self._committed))
        return self._committed.keys[number]


class WriteCodes:
    """The numbers inside a write transaction: those that it gives out are published when it is committed."""

    def __init__(self, session: Session, statements: Statements, committed: CommittedCodes):
        self._session = session
        self._statements = statements
        self._committed = committed
        self.remembered = Remembered()
        self._fresh: dict[Key, int] = {}
        self._complete = False

    def find(self, keys: Iterable[Key]) -> list[int]:
        return [number for number in map(self._number, keys) if number is not None]

    def intern(self, key: Key) -> int:
        """The number of a code, given out now when it has none."""
        number = self._number(key)
        if number is None:
            ((number,),) = self._session.rows(self._statements.add_code, key)
            self._fresh[key] = number
        return number

    def key(self, number: int) -> Key:
        """The code of a number that is in the tables, or was given out in this transaction."""
        key = self._committed.keys.get(number)
        if key is None:
            self._learn()
            key = next(key for key, fresh in self._fresh.items() if fresh == number)
        return key

    def mark(self) -> int:
        return len(self._fresh)

    def undo(self, mark: int) -> None:
        """Forget what was learnt since `mark`: the change that gave it out was rolled back."""
        while len(self._fresh) > mark:
            self._fresh.popitem()
            self._complete = False
        self.remembered = Remembered()

    def committed(self) -> None:
        self._committed.publish(self._fresh)
        self.forget()

    def forget(self) -> None:
        self._fresh = {}
        self.remembered = Remembered()
        self._complete = False

    def _number(self, key: Key) -> int | None:
        number = self._committed.numbers.get(key) or self._fresh.get(key)
        if number is None and known_texts(key) == list(key):
            self._learn()
            number = self._fresh.get(key)
        return number

    def _learn(self) -> None:
        """Take what is committed and not known yet."""
        if not self._complete:
            self._fresh.update(_newer(self._session, self._statements, self._committed))
            self._complete = True
