"""SAML assertions for the messages of a run (IHE XUA), printed by a command that is given the name of a variant."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from lxml import etree

from testkit.plan import PARSER

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_FRESH_SECONDS = 60.0
_ONCE = "one-time"
_NAMES = {
    "expired": "expired",
    "notyetvalid": "not-yet-valid",
    "unsigned": "unsigned",
    "invalidsignature": "invalid-signature",
    "unknownaudience": "unknown-audience",
    "untrustedissuer": "untrusted-issuer",
    "authzconsent": "with-authz-consent",
    "secondrole": "second-role",
    "secondpurpose": "second-purpose",
    "secondpou": "second-purpose",
    "onetime": _ONCE,
    "lowassurance": "low-assurance",
    "valid": "valid",
}
"""The variants, by what the name of a step, section or test, or what it says of itself, has in it."""


def variant_of(*names: str) -> str:
    """The variant that the first of these names speaks of; "valid" when none does."""
    for name in names:
        letters = re.sub("[^a-z]", "", name.lower())
        for part, variant in _NAMES.items():
            if part in letters:
                return variant
    return "valid"


class Assertions:
    """Runs `command` with a variant as its last word; what it prints serves for a minute, unless it is for one use."""

    def __init__(self, command: str):
        self._command = shlex.split(command)
        self._printed: dict[str, tuple[float, bytes]] = {}

    def security_header(self, *names: str) -> etree._Element:
        """A wsse:Security header with the assertion for a step: the variant is as `variant_of` its names."""
        variant = variant_of(*names)
        at, assertion = self._printed.get(variant, (-_FRESH_SECONDS, b""))
        if time.monotonic() - at >= _FRESH_SECONDS:
            assertion = _printed([*self._command, variant])
            if variant != _ONCE:
                self._printed[variant] = time.monotonic(), assertion
        security = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
        security.append(etree.fromstring(assertion, PARSER))
        return security


def _printed(command: Sequence[str]) -> bytes:
    """What the command prints. Ends the run where it can't be run: no server fails a test by that."""
    try:
        done = subprocess.run(command, capture_output=True)
    except OSError as error:
        sys.exit(f"{shlex.join(command)} can't be run: {error.strerror}")
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.strip()
