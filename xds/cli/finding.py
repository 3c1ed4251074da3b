"""What `xds doctor` finds."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

SOON = timedelta(days=30)
"""How long before a certificate expires it is time to renew it."""


class Finding(NamedTuple):
    """`verdict` is ok, warn or fail; `advice` says what to do, and is empty when all is well."""

    name: str
    verdict: str
    found: str
    advice: str = ""
