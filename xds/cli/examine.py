"""What `xds doctor` looks at. Each examination yields findings and never raises."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from xds.cli import examine_trust
from xds.cli.finding import SOON, Finding
from xds.config import load
from xds.errors import XdsError
from xds.settings import Settings

_LIBRARIES = ("aiohttp", "uvloop", "lxml", "xmlsec", "spyne", "sqlalchemy", "alembic", "psycopg", "msgspec", "zeep")
_LEAST_FREE = 1 << 30
_SLOW_FSYNC = 0.1


def examine(config: Path | None) -> Iterator[Finding]:
    """Examine everything; what depends on a configuration that can't be read is left out."""
    yield from installation()
    try:
        settings = load(config)
    except XdsError as error:
        yield Finding("configuration", "fail", str(error), "correct the settings; `xds config` lists them all")
        return
    yield Finding("configuration", "ok", f"read; the server is {settings.base_url}")
    yield from certificates(settings)
    yield from affinity_domain(settings)
    yield from examine_trust.identity(settings)
    yield from examine_trust.policy(settings)
    yield from examine_trust.audit_keys(settings)
    if settings.repository.enabled:
        yield from disk(settings.repository.documents)
    yield from database(settings)
    yield from examine_trust.anchor(settings)
    yield from clock()
    yield from ports(settings)
    yield from contact(settings)
    yield from other_registry(settings)


def installation() -> Iterator[Finding]:
    """Python, the libraries, and that lxml and xmlsec are built on one libxml2."""
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        "python",
        "ok" if supported else "warn",
        sys.version.split()[0],
        "" if supported else "use Python 3.11, 3.12 or 3.13, on which xds is tested",
    )
    missing, found = [], []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding("libraries", "fail", f"missing: {', '.join(missing)}", "install xds again: pip install xds")
        return
    yield Finding("libraries", "ok", ", ".join(found))
    try:
        xmlsec = importlib.import_module("xmlsec")
        etree = importlib.import_module("lxml.etree")
    except ImportError as error:
        yield Finding("libxml2", "fail", str(error), "install the versions of lxml and xmlsec that xds asks for")
        return
    theirs, ours = xmlsec.get_libxml_version(), etree.LIBXML_VERSION
    same = tuple(theirs) == tuple(ours)
    advice = "" if same else "install the versions of lxml and xmlsec that xds asks for: they must share one libxml2"
    yield Finding("libxml2", "ok" if same else "fail", f"lxml has {_dotted(ours)}, xmlsec {_dotted(theirs)}", advice)


def certificates(settings: Settings) -> Iterator[Finding]:
    """Key and certificate belong together, are valid now, and name the server's host; the CAs can be read."""
    tls = settings.tls
    if tls.certificate is None or tls.key is None:
        yield Finding(
            "certificate", "warn", "TLS is off; only this machine can connect", "set [tls] for any use beyond a trial"
        )
        return
    from xds.web.tls import server_context

    try:
        server_context(tls.certificate, tls.key, tls.client_ca)
    except XdsError as error:
        yield Finding("certificate", "fail", str(error), "give a certificate with its own key, both as PEM")
        return
    host = urlsplit(settings.base_url).hostname or ""
    yield _validity("certificate", tls.certificate, host)
    if tls.client_ca is None:
        yield Finding(
            "client certificates", "warn", "none is asked for", "set tls.client_ca, so that only known systems connect"
        )
    else:
        yield _validity("client CA", tls.client_ca, None)
    if settings.repository.registry_certificate is not None:
        yield _validity("certificate for the registry", settings.repository.registry_certificate, None)


def _validity(name: str, file: Path, host: str | None) -> Finding:
    from cryptography import x509

    try:
        first = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError) as error:
        return Finding(name, "fail", f"{file} can't be read: {error}", "give a PEM file with certificates")
    now, until = datetime.now(UTC), first.not_valid_after_utc
    if not first.not_valid_before_utc <= now <= until:
        return Finding(
            name,
            "fail",
            f"{file} is valid from {first.not_valid_before_utc:%F} until {until:%F}",
            "renew it, or set the clock right",
        )
    if host is not None and not _names(first, host):
        return Finding(
            name, "warn", f"{file} does not name {host}", "ask for a certificate with that name, or set server.base_url"
        )
    if until - now < SOON:
        return Finding(name, "warn", f"{file} expires on {until:%F}", "renew it; SIGHUP makes the server read it again")
    return Finding(name, "ok", f"{file} is valid until {until:%F}")


def _names(certificate, host: str) -> bool:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    dns = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return host in dns or host in addresses or f"*.{host.partition('.')[2]}" in dns


def affinity_domain(settings: Settings) -> Iterator[Finding]:
    """The value sets can be read."""
    from xds.affinity import Reloading

    if not settings.registry.enabled:
        return
    try:
        domain = Reloading(settings.registry.affinity_domain)()
    except XdsError as error:
        yield Finding("affinity domain", "fail", str(error), "correct the file that registry.affinity_domain names")
        return
    if not domain.value_sets:
        yield Finding("affinity domain", "warn", "no value sets: no code is checked", "set registry.affinity_domain")
        return
    concepts = sum(map(len, domain.value_sets.values()))
    yield Finding("affinity domain", "ok", f"{len(domain.value_sets)} value sets with {concepts} codes")


def disk(folder: Path) -> Iterator[Finding]:
    """There is room for documents, and what is written can be made durable."""
    try:
        free = shutil.disk_usage(folder).free
        began = time.monotonic()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        took = time.monotonic() - began
    except OSError as error:
        yield Finding("disk", "fail", f"{folder}: {error.strerror}", "`xds init` makes the folder; look at its rights")
        return
    found = f"{folder}: {free / (1 << 30):.1f} GiB free, written and made durable in {took * 1000:.1f} ms"
    if free < _LEAST_FREE:
        yield Finding("disk", "fail", found, "make room: submissions are refused when the disk is full")
    elif took > _SLOW_FSYNC:
        yield Finding("disk", "warn", found, "use a faster disk: every submission waits for this")
    else:
        yield Finding("disk", "ok", found)


def database(settings: Settings) -> Iterator[Finding]:
    """The database answers, has this version's schema, can be written, and keeps what it acknowledged."""
    from xds.db import open_database

    try:
        opened = open_database(settings.database.url)
        try:
            opened.check_now()
            size, wrong = opened.size(), opened.not_durable()
        finally:
            opened.close()
    except XdsError as error:
        yield Finding("database", "fail", str(error), "look at database.url, and whether the server of it runs")
        return
    yield Finding("database", "ok", f"answers, can be written, {size / (1 << 20):.1f} MiB")
    if wrong:
        yield Finding("durability", "fail", ", ".join(wrong), "set it right: an acknowledged document could be lost")
    else:
        yield Finding("durability", "ok", "commits are durable before they are acknowledged")


def clock() -> Iterator[Finding]:
    """The clock is not behind what this machine has already seen, and is kept right."""
    seen = max(Path(__file__).stat().st_mtime, Path(tempfile.gettempdir()).stat().st_mtime)
    now = time.time()
    if now < seen - 60:
        yield Finding("clock", "fail", f"{datetime.now(UTC):%F %T} UTC is before files that exist", "set the clock")
        return
    yield (
        Finding("clock", "ok", f"{datetime.now(UTC):%F %T} UTC")
        if _synchronised()
        else Finding(
            "clock", "warn", f"{datetime.now(UTC):%F %T} UTC, not known to be kept right", "run an NTP client (ITI-1)"
        )
    )


def _synchronised() -> bool:
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        told = subprocess.run(
            ["timedatectl", "show", "-p", "NTPSynchronized", "--value"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.stdout.strip() == "yes"


def ports(settings: Settings) -> Iterator[Finding]:
    """The ports can be listened on."""
    wanted = [("port", settings.server.host, settings.server.port)]
    if settings.mllp.enabled:
        wanted.append(("mllp port", settings.mllp.host, settings.mllp.port))
    for name, host, port in wanted:
        try:
            socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
        except OSError as error:
            yield Finding(
                name,
                "warn",
                f"{host}:{port}: {error.strerror}",
                "nothing to do if xds runs already; else end what uses it, or choose another",
            )
        else:
            yield Finding(name, "ok", f"{host}:{port} is free")


def contact(settings: Settings) -> Iterator[Finding]:
    """Where there are pages, clients are told whom to ask."""
    pages = settings.pages
    if pages.client_ca is None and pages.oidc_issuer is None:
        return
    found = [each for each in (pages.contact, pages.contact_phone, pages.contact_email) if each]
    if pages.contact_phone or pages.contact_email:
        yield Finding("contact", "ok", f"clients with a question are sent to {', '.join(found)}")
        return
    advice = "set pages.contact, and pages.contact_email or pages.contact_phone"
    yield Finding(
        "contact", "warn", "clients with a question find no address or telephone number on their page", advice
    )


def other_registry(settings: Settings) -> Iterator[Finding]:
    """The registry, where it is another server, can be reached and trusts us."""
    repository = settings.repository
    if repository.registry_url is None:
        return
    from xds.web.tls import client_context

    url = urlsplit(repository.registry_url)
    address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    try:
        with socket.create_connection(address, timeout=5) as plain:
            if url.scheme == "https":
                context = client_context(
                    repository.registry_ca, repository.registry_certificate, repository.registry_key
                )
                with context.wrap_socket(plain, server_hostname=url.hostname):
                    pass
    except (OSError, ssl.SSLError, XdsError) as error:
        yield Finding(
            "registry", "fail", f"{repository.registry_url}: {error}", "look at the settings repository.registry_*"
        )
        return
    yield Finding("registry", "ok", f"{repository.registry_url} can be reached")
    if settings.identity.required and settings.identity.audience is None:
        yield Finding(
            "audience",
            "warn",
            f"assertions must name {settings.audience}, and what the registry wants besides: they are passed on to it",
            "set identity.audience to one name for both servers",
        )


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))
