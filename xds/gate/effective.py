"""The settings that a server runs with, as the log has them. Source: NEN 7513: 6 (changes of the configuration)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from xds.model.audit import Record, Thing
from xds.model.coded import Coded
from xds.settings import Settings

_CONFIGURATION = Coded("configuration", "xds", "Instellingen waarmee de server werkt")
_SETTING = Coded("setting", "xds", "Instelling")
_READ = ("certificate", "ca", "policy", "issuers", "affinity_domain")
"""Ends of the keys whose files say who is trusted and what is allowed: their contents are part of the settings."""


def effective(settings: Settings) -> dict[str, str]:
    """Every setting that is set, by its key, as text: no secret, and of a file that decides also the SHA-256.

    Of a URL there is no user, password or query.
    """
    found = {}
    for section, keys in msgspec.structs.asdict(settings).items():
        for key, value in msgspec.structs.asdict(keys).items():
            if value is not None and value != ():
                found[f"{section}.{key}"] = " ".join(_shown(key, value))
    return found


def configuration(settings: Mapping[str, str]) -> Thing:
    """All of it, under the SHA-256 of it."""
    canonical = msgspec.json.encode(dict(sorted(settings.items())))
    return Thing(_CONFIGURATION, hashlib.sha256(canonical).hexdigest(), details=tuple(sorted(settings.items())))


def settings_in(record: Record) -> dict[str, str]:
    """The settings that a record holds as a `configuration`; none when it holds no such thing."""
    return next((dict(thing.details) for thing in record.things if thing.kind == _CONFIGURATION), {})


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Thing]:
    """The settings that differ."""
    return [
        Thing(_SETTING, key, details=(("before", before.get(key, "-")), ("after", after.get(key, "-"))))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _shown(key: str, value: Any) -> Iterator[str]:
    for each in value if isinstance(value, tuple) else (value,):
        text = str(each)
        if key.endswith("url"):
            text = re.sub(r"(?<=://)[^/]*@", "", text).partition("?")[0]
        yield text
        if isinstance(each, Path) and key.endswith(_READ):
            yield f"sha256:{_digest(each)}"


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
