"""`xds launch`: send a client to the pages as a portal does, for development and tests."""

from __future__ import annotations

import html
import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from xds.cli.init import ORGANISATIONS
from xds.cli.options import config_option
from xds.errors import Misconfigured
from xds.model.bsn import is_valid_bsn
from xds.model.coded import Coded

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TOKEN = Coded("launch-token", "xds", "Toegang tot de pagina van een cliënt")
_PAGE = """\
<!doctype html>
<html lang="nl"><meta charset="utf-8"><title>Portaal van de proef</title>
<form method="post" action="{address}"><input type="hidden" name="token" value="{token}">
<button autofocus>Wie heeft mijn dossier ingezien?</button></form></html>
"""


@click.command
@config_option
@click.option("--organisation", type=click.Choice(list(ORGANISATIONS)), default="hospital", show_default=True,
              help="Organisation of the demonstration whose portal it is.")  # fmt: skip
@click.option("--ura", help="URA of the organisation, instead of one of the demonstration.")
@click.option("--certificate", type=_FILE, metavar="PEM", help="Its certificate; by default of that organisation.")
@click.option("--key", type=_FILE, metavar="PEM", help="The private key of that certificate.")
@click.option("--parent", metavar="BSN", help="Who looks, when that is a parent of the client.")
@click.option("--level", type=click.Choice(["low", "substantial", "high"]), default="substantial", show_default=True,
              help="How well the portal knows who looks.")  # fmt: skip
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a page with a button to this file, instead of printing the token.")  # fmt: skip
@click.argument("bsn")
def command(
    config: Path | None,
    organisation: str,
    ura: str | None,
    certificate: Path | None,
    key: Path | None,
    parent: str | None,
    level: str,
    page: Path | None,
    bsn: str,
) -> None:
    """Print the token by which a portal lets the client with this BSN into the pages; it lasts a minute.

    A page that is written with --page has a button that brings a browser in. That the token was made is recorded, with
    the client: she sees that on her page.
    """
    from xds.config import load
    from xds.pages.access.launch import PATH
    from xds.pages.access.launch_token import make

    if not all(map(is_valid_bsn, [bsn, *([] if parent is None else [parent])])):
        raise click.UsageError("expected a BSN")
    settings = load(config)
    folder = (config or Path("xds.toml")).parent / "tls"
    claims = {
        "iss": ura or ORGANISATIONS[organisation].ura,
        "sub": bsn,
        "aud": settings.pages_url,
        "acr": f"http://eidas.europa.eu/LoA/{level}",
        "jti": secrets.token_urlsafe(16),
    }
    if parent is not None:
        claims["act"] = {"sub": parent}
    try:
        leaf = (certificate or folder / f"{organisation}.pem").read_bytes()
        private = (key or folder / f"{organisation}-key.pem").read_bytes()
    except OSError as error:
        raise Misconfigured(f"{error.filename} can't be read: {error.strerror}") from None
    token = make(leaf, private, claims, datetime.now(UTC))
    _record(config, bsn, claims["iss"])
    if page is None:
        click.echo(token)
        return
    address = html.escape(settings.pages_url + PATH)
    page.write_text(_PAGE.format(address=address, token=html.escape(token)), "utf-8")
    click.echo(f"Open {page} in a browser, within a minute.")


def _record(config: Path | None, bsn: str, portal: str) -> None:
    """Have on record who made a token by which one comes in as a client. Source: NEN 7513: 6."""
    from xds.cli.audit_log import opened, operator
    from xds.model.affinity_domain import BSN_OID
    from xds.model.audit import SUCCESS, Access, Event, Thing
    from xds.model.hl7 import CX

    with opened(config) as log:
        log.record(
            Event(
                f"cli-{secrets.token_hex(8)}",
                "launch-token",
                datetime.now(UTC),
                SUCCESS,
                operator=operator(),
                accesses=(Access(CX(bsn, BSN_OID)),),
                things=(Thing(_TOKEN, portal, "made by xds launch"),),
            )
        )
