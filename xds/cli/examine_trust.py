"""What `xds doctor` looks at of identity, consent and the log. Each examination yields findings and never raises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from xds.cli.finding import SOON, Finding
from xds.errors import XdsError
from xds.settings import Settings, is_loopback

if TYPE_CHECKING:
    from xds.identity import Issuer


def identity(settings: Settings) -> Iterator[Finding]:
    """It is known who asks: the issuers can be read, and each has a certificate that is valid now and a while yet."""
    from xds.identity import load_issuers

    if not settings.identity.required:
        yield Finding(
            "identity",
            "warn",
            "not required: whoever reaches the server may do everything, and no log is kept",
            "set identity.required to true for any use beyond development",
        )
        return
    try:
        issuers = load_issuers(settings.identity.issuers, for_tests=is_loopback(settings.server.host))
    except XdsError as error:
        yield Finding("issuers", "fail", str(error), "correct the file that identity.issuers names")
        return
    for issuer in issuers.values():
        yield _issuer(issuer, datetime.now(UTC))


def _issuer(issuer: Issuer, now: datetime) -> Finding:
    valid = [pinned.ends for pinned in issuer.pinned if pinned.begins <= now <= pinned.ends]
    renew = "ask the issuer for its new metadata and name that file in identity.issuers; SIGHUP reads it again"
    if not valid:
        return Finding("issuer", "fail", f"{issuer.name} has no certificate that is valid now", renew)
    found = f"{issuer.name}: {len(issuer.pinned)} pinned, the last is valid until {max(valid):%F}"
    if max(valid) - now < SOON:
        return Finding("issuer", "warn", found, renew)
    return Finding("issuer", "ok", found)


def policy(settings: Settings) -> Iterator[Finding]:
    """The policy can be read."""
    from xds.consent import load_policy

    if settings.identity.required and settings.repository.registry_url is not None:
        yield Finding("policy", "ok", "the registry decides who may see what, by its own")
        return
    if settings.consent.policy is None:
        yield Finding("policy", "warn", "no policy: nothing says who may see what", "set consent.policy")
        return
    try:
        found = load_policy(settings.consent.policy)
    except XdsError as error:
        yield Finding("policy", "fail", str(error), "correct the file that consent.policy names")
        return
    yield Finding("policy", "ok", f"version {found.version}, {found.form} consent, {len(found.roles)} roles")


def audit_keys(settings: Settings) -> Iterator[Finding]:
    """The log's keys are there, can be used, and only their owner can read them."""
    from xds.atna.keys import read_index_key, read_signer

    if not settings.identity.required:
        return
    try:
        read_index_key(settings.audit.index_key)
        read_signer(settings.audit.signing_key, settings.audit_origin)
    except XdsError as error:
        yield Finding(
            "audit keys",
            "fail",
            str(error),
            "put them back from a backup; `xds init` makes new ones, which don't fit a log that is there already",
        )
        return
    open_to_others = [
        path for path in (settings.audit.index_key, settings.audit.signing_key) if path.stat().st_mode & 0o077
    ]
    if open_to_others:
        names = " ".join(map(str, open_to_others))
        yield Finding("audit keys", "fail", f"others can read {names}", f"chmod 600 {names}")
        return
    yield Finding("audit keys", "ok", "both can be used, and only their owner can read them")


def anchor(settings: Settings) -> Iterator[Finding]:
    """Checkpoints are kept elsewhere, they keep up, and the log is the one that they are of."""
    from xds.db import open_database
    from xds.gate.opening import watch_of

    if not settings.identity.required:
        return
    try:
        database = open_database(settings.database.url)
    except XdsError:
        return  # what is wrong with it is a finding already
    try:
        watch = watch_of(settings, database)
        asyncio.run(watch.look())
    except XdsError as error:
        yield Finding("anchor", "fail", str(error), "look at the settings audit.anchor_*")
        return
    finally:
        database.close()
    anchored = bool(settings.audit.anchor_paths) or settings.audit.anchor_url is not None
    grace = timedelta(minutes=settings.audit.anchor_grace_minutes)
    age = f"the oldest record without one is {watch.age.total_seconds() / 60:.0f} minutes old"
    if watch.refusal is not None:
        advice = "no data is given: `xds audit anchor` says what fails; if a backup was put back, put back a newer one"
        yield Finding("anchor", "fail", watch.refusal, advice)
    elif not anchored:
        advice = "set audit.anchor_paths or audit.anchor_url: without them nobody sees that an old backup was put back"
        yield Finding("anchor", "warn", "checkpoints are kept nowhere else", advice)
    elif watch.age > grace / 2:
        yield Finding("anchor", "warn", age, "see that the server runs and reaches its anchors, or `xds audit anchor`")
    else:
        yield Finding("anchor", "ok", "every record has one" if not watch.age else age)
