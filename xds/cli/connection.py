"""What `xds submit`, `xds query` and `xds retrieve` share: how to connect, and how to tell what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.cli.options import config_option
from xds.errors import Fault, Issue, Severity
from xds.model.visible import in_line

if TYPE_CHECKING:
    from xds.client import Client
    from xds.settings import Settings

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)


def connection_options(actor: str) -> Callable[[Callable], Callable]:
    """The options that say where the registry or repository is, and with which certificates it is reached."""

    def decorate(command: Callable) -> Callable:
        for option in (
            click.option(
                "--timeout", type=click.FloatRange(1), default=60, show_default=True, help="Seconds of silence."
            ),
            click.option("--ca", type=_FILE, metavar="PEM", help="CAs that the server is trusted by."),
            click.option("--key", type=_FILE, metavar="PEM", help="Private key of the certificate."),
            click.option("--certificate", type=_FILE, metavar="PEM", help="Client certificate to show."),
            click.option("--assertion", type=_FILE, metavar="FILE", help="SAML assertion that says who asks."),
            config_option,
            click.option(
                f"--{actor}-url",
                "url",
                metavar="URL",
                help=f"The {actor}. With it nothing is read from a configuration, unless --config names one.",
            ),
        ):
            command = option(command)
        return command

    return decorate


@contextmanager
def connected(
    actor: str,
    *,
    url: str | None,
    config: Path | None,
    certificate: Path | None,
    key: Path | None,
    ca: Path | None,
    timeout: float,
    assertion: Path | None,
) -> Iterator[tuple[Client, Settings | None]]:
    """A client as the options and the configuration say; a SOAP fault ends the command with status 1."""
    from xds.cli.main import Failed
    from xds.client import Client
    from xds.config import load

    settings = load(config) if url is None or config is not None else None
    urls = {actor: url}
    if settings is not None:
        own = settings.client
        urls[actor] = url or getattr(own, f"{actor}_url") or f"{settings.base_url}/{actor}"
        certificate = certificate or own.certificate
        key = key or own.key
        ca = ca or own.ca
    client = Client(
        registry_url=urls.get("registry"),
        repository_url=urls.get("repository"),
        certificate=certificate,
        key=key,
        ca=ca,
        timeout=timeout,
        assertion=assertion.read_bytes if assertion is not None else None,
    )
    try:
        with client:
            yield client, settings
    except Fault as fault:
        subcode = f" ({fault.subcode})" if fault.subcode else ""
        raise Failed(f"SOAP fault {fault.code}{subcode}: {fault.reason}", 1) from None
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}" if error.filename else str(error), 2) from None


@contextmanager
def progress(label: str, length: int | None) -> Iterator[Callable[[int], object]]:
    """Show on the terminal how many bytes went over the line; nothing when stderr is no terminal.

    `length` is how many there will be; None when that is not known.
    """
    if not sys.stderr.isatty():
        yield lambda size: None
    elif length is not None:
        with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
            yield bar.update
    else:
        total = 0

        def count(size: int) -> None:
            nonlocal total
            total += size
            click.echo(f"\r{label}  {total / 1e6:.1f} MB", err=True, nl=False)

        yield count
        click.echo(err=True)


def show_issues(issues: Sequence[Issue]) -> None:
    """Tell a person what is wrong, on stderr."""
    for issue in issues:
        word = "error" if issue.severity is Severity.ERROR else "warning"
        where = f" ({issue.location})" if issue.location else ""
        click.echo(in_line(f"{word} {issue.code}: {issue.context}{where}"), err=True)


def issues_json(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    """The issues for a script."""
    return [
        {
            "code": issue.code,
            "severity": issue.severity.rpartition(":")[2],
            "context": issue.context,
            "location": issue.location,
        }
        for issue in issues
    ]
