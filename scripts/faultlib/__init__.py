"""Scenarios of scripts/faults: a server on loopback, submitters, and the question what survived.

They use the product's encoder, and the samples and the PostgreSQL of the tests, from the checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
