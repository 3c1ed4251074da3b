"""What is read from files, and again while the server runs.

May import: errors.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from xds.errors import Misconfigured

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Reloading(Generic[T]):
    """The value that was read last. Calling it gives that.

    A file that became wrong changes nothing: the value read before stays, and `error` says what is wrong until a
    reload succeeds (None when all is well).
    """

    def __init__(self, name: str, load: Callable[[], T]):
        """Load it; Misconfigured when that fails. `name` is for the log."""
        self.error: str | None = None
        self._name = name
        self._load = load
        self._value = load()

    def __call__(self) -> T:
        return self._value

    def reload(self) -> None:
        """Read it again now."""
        try:
            self._value = self._load()
        except Misconfigured as error:
            self.error = str(error)
            _log.error("%s was not reloaded, the one read before stays: %s", self._name, error)
        else:
            self.error = None
            _log.info("%s was reloaded", self._name)
