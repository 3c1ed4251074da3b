"""`xds` with something left out, to measure what that costs: `python -m benchmark.without log,filter serve …`.

"log": no request is recorded. "filter": ITI-18 shows all that it finds, and asks nothing about it.
"""

from __future__ import annotations

import sys

from xds.cli.main import main
from xds.consent.sight import NO_EVIDENCE
from xds.gate import opening
from xds.registry import iti18_registry_stored_query as iti18
from xds.soap.trust import Trust


def _log() -> None:
    opening.Trust = lambda *given: Trust(*given)._replace(log=None)


def _filter() -> None:
    iti18.gather = lambda reader, found: NO_EVIDENCE


if __name__ == "__main__":
    for name in sys.argv.pop(1).split(","):
        {"log": _log, "filter": _filter}[name]()
    main()
