"""Loading an affinity domain from its files, and again when they change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from xds import reloading
from xds.affinity.codes_xml import read_codes_xml
from xds.affinity.draft import Draft
from xds.affinity.toml import read_toml
from xds.errors import Misconfigured
from xds.model.affinity_domain import AffinityDomain

_LOOK_EVERY = 1.0


def load(paths: Sequence[Path]) -> AffinityDomain:
    """Read the files as one affinity domain; a file that begins with < is codes.xml, another TOML.

    The domain is Dutch when one file says so. Misconfigured names the file and the place that is wrong.
    """
    merged = Draft()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Misconfigured(f"{path}: the affinity domain file can't be read: {error.strerror}") from None
        is_xml = content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
        merged.merge((read_codes_xml if is_xml else read_toml)(content, str(path)), str(path))
    return merged.domain()


class Reloading(reloading.Reloading[AffinityDomain]):
    """The current affinity domain, read again when one of its files has changed.

    Calling it looks at the files at most once a second.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic):
        """Load the files; Misconfigured when that fails. `clock` gives seconds."""
        self._paths = tuple(paths)
        self._clock = clock
        self._looked = clock()
        self._seen = self._look()
        super().__init__("the affinity domain", lambda: load(self._paths))

    def __call__(self) -> AffinityDomain:
        now = self._clock()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            if self._look() != self._seen:
                self.reload()
        return super().__call__()

    def reload(self) -> None:
        """Read the files now, changed or not."""
        self._seen = self._look()
        super().reload()

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_state(path) for path in self._paths)


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
