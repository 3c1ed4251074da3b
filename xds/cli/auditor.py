"""`xds auditor`: who may sign in to the pages."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xds.cli.certificates import fingerprint
from xds.cli.options import config_option, json_option
from xds.model.coded import Coded
from xds.model.viewer import Auditor, Role

if TYPE_CHECKING:
    from xds.db.writer import Writer
    from xds.settings import Settings

_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)
_AUDITOR = Coded("auditor", "xds", "Account voor de pagina's")
_account = click.argument("account")


@click.group
def command() -> None:
    """Register who may see the pages: auditors, privacy officers and administrators."""


@command.command
@config_option
@click.option("--name", required=True, help="Name of the person.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), required=True, help="What the account is for."
)
@click.option("--organisation", metavar="URA", help="Sees only what concerns this organisation; none: everything.")
@click.option("--certificate", type=_PEM, metavar="PEM", help="Client certificate by which the person signs in.")
@click.option(
    "--subject", metavar="'ISSUER SUBJECT'", help="Instead: the person at the OpenID provider, its issuer and subject."
)
@_account
def add(
    config: Path | None,
    name: str,
    role: str,
    organisation: str | None,
    certificate: Path | None,
    subject: str | None,
    account: str,
) -> None:
    """Register ACCOUNT; for a certificate, print once what an authenticator app reads as second factor.

    Exit status 1 when the account, certificate or subject is registered already.
    """
    from xds.cli.main import Failed
    from xds.pages.access.totp import encrypted, new_secret, uri

    if (certificate is None) == (subject is None):
        raise click.UsageError("expected either --certificate or --subject")
    if organisation is not None and not (len(organisation) == 8 and organisation.isascii() and organisation.isdigit()):
        raise click.BadParameter("expected eight digits", param_hint="--organisation")
    known_by = None if certificate is None else fingerprint(certificate)
    secret = new_secret()

    def change(writer: Writer, key: bytes) -> bool:
        kept = None if known_by is None else encrypted(secret, key)
        new = Auditor(0, account, name.strip(), Role(role), organisation, known_by, subject, kept)
        try:
            writer.viewers.add_auditor(new)
        except ValueError:
            raise Failed("the account, the certificate or the subject is registered already", 1) from None
        return True

    what = f"added as {role} of {organisation or 'the whole exchange'}"
    settings = _changed(config, account, what, change)
    click.echo(f"{account} may sign in at {settings.pages_url}/aanmelden")
    if known_by is not None:
        click.echo(uri(secret, account, settings.pages.title))


@command.command(name="list")
@config_option
@json_option
def list_auditors(config: Path | None, as_json: bool) -> None:
    """List the accounts."""
    from xds.cli.audit_log import opened

    with opened(config) as log:
        found = log.database.read_now(lambda reader: reader.viewers.auditors())
    listed = [
        {
            "account": each.account,
            "name": each.name,
            "role": each.role.value,
            "organisation": each.organisation,
            "certificate": each.certificate,
            "subject": each.subject,
            "suspended": each.suspended,
        }
        for each in found
    ]
    if as_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for each in listed:
        state = "suspended" if each["suspended"] else "may sign in"
        click.echo(
            f"{each['account']}  {each['name']}, {each['role']}, {each['organisation'] or 'everything'}: {state}"
        )


@command.command
@config_option
@_account
def suspend(config: Path | None, account: str) -> None:
    """Let an account sign in no more, and end its sessions."""

    def change(writer: Writer, key: bytes) -> bool:
        number = _number(writer, account)
        writer.viewers.end_sessions_of(number)
        return writer.viewers.suspend_auditor(number, True)

    _changed(config, account, "suspended", change)


@command.command
@config_option
@_account
def resume(config: Path | None, account: str) -> None:
    """Let a suspended account sign in again."""
    _changed(
        config,
        account,
        "let in again",
        lambda writer, key: writer.viewers.suspend_auditor(_number(writer, account), False),
    )


@command.command
@config_option
@_account
def factor(config: Path | None, account: str) -> None:
    """Give an account another second factor, for a phone that was lost; print it once."""
    from xds.pages.access.totp import encrypted, new_secret, uri

    secret = new_secret()

    def change(writer: Writer, key: bytes) -> bool:
        number = _number(writer, account)
        writer.viewers.end_sessions_of(number)
        return writer.viewers.set_secret(number, encrypted(secret, key))

    settings = _changed(config, account, "another second factor", change)
    click.echo(uri(secret, account, settings.pages.title))


@command.command
@config_option
@_account
@click.argument("pem", type=_PEM, metavar="PEM")
def certificate(config: Path | None, account: str, pem: Path) -> None:
    """Know an account by another certificate, before the one that it has expires. The second factor stays.

    Exit status 1 when it is another account's.
    """
    from xds.cli.main import Failed

    known_by = fingerprint(pem)

    def change(writer: Writer, key: bytes) -> bool:
        found = [each for each in writer.viewers.auditors() if each.account == account]
        if found and found[0].secret is None:
            raise Failed("the account signs in at an OpenID provider", 1)
        number = _number(writer, account)
        writer.viewers.end_sessions_of(number)
        try:
            return writer.viewers.set_certificate(number, known_by)
        except ValueError:
            raise Failed("the certificate is another account's", 1) from None

    _changed(config, account, f"known by the certificate {known_by}", change)


def _number(writer: Writer, account: str) -> int:
    return next((each.id for each in writer.viewers.auditors() if each.account == account), 0)


def _changed(config: Path | None, account: str, what: str, change: Callable[[Writer, bytes], bool]) -> Settings:
    """Make a change of an account, recorded in the log with it. Source: NEN 7513: 6 (changes of authorisation)."""
    from xds.atna.keys import read_index_key
    from xds.cli.audit_log import opened, operator
    from xds.cli.main import Failed
    from xds.model.audit import SUCCESS, Event, Thing

    with opened(config) as log:
        key = read_index_key(log.settings.audit.index_key)
        thing = Thing(_AUDITOR, account, what)
        request_id = f"cli-{secrets.token_hex(8)}"
        event = Event(request_id, "auditor-change", datetime.now(UTC), SUCCESS, operator=operator(), things=(thing,))

        def change_and_record(writer: Writer) -> None:
            if not change(writer, key):
                raise Failed("there is no such account", 1)
            writer.record(log.recorder.entries(event))

        log.database.write_now(change_and_record)
        return log.settings
