"""`xds token`: assertions for development and tests. NOT FOR PRODUCTION."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.cli.certificates import certificate_der
from xds.cli.init import ORGANISATIONS, TEST_ISSUER
from xds.cli.options import config_option
from xds.errors import Misconfigured

if TYPE_CHECKING:
    from xds.identity.issue import Statement
    from xds.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command
@config_option
@click.option("--organisation", type=click.Choice(list(ORGANISATIONS)), help="Organisation of the demonstration.")
@click.option("--ura", help="URA of the organisation, instead of one of the demonstration.")
@click.option("--user", default="000012345", show_default=True, help="Number of the user in the UZI register.")
@click.option("--name", default="Test Gebruiker", show_default=True, help="Name of the user.")
@click.option("--role", default="01.015", show_default=True, metavar="CODE", help="Role of the user, of RoleCodeNL.")
@click.option("--purpose", default="TREAT", show_default=True, metavar="CODE", help="Purpose of use, of ActReason.")
@click.option("--reason", metavar="TEXT", help="Reason of an emergency: of the purpose ETREAT or BTG.")
@click.option("--patient", metavar="CX", help="Limit the assertion to this patient.")
@click.option("--mandated", metavar="NUMBER", help="Number of the user who acts on behalf of --user.")
@click.option("--holder", type=_FILE, metavar="PEM", help="Bind the assertion to this client certificate.")
@click.option("--minutes", type=click.IntRange(1), default=5, show_default=True, help="How long it is valid.")
@click.option("--audience", help="Whom it is for; by default the server of the configuration.")
@click.option("--issuer", default=TEST_ISSUER, show_default=True, help="entityID of the issuer.")
@click.option("--certificate", type=_FILE, metavar="PEM", help="Its certificate; by default tls/issuer.pem.")
@click.option("--key", type=_FILE, metavar="PEM", help="Its key, marked as one for tests; default tls/issuer-key.pem.")
@click.option("--variant", default="valid", show_default=True, metavar="NAME", help="What is odd about it.")
def command(config: Path | None, variant: str, **options: Any) -> None:
    """Print a SAML assertion for development and tests: NOT FOR PRODUCTION.

    It vouches for whatever you say, so it works only with the issuer that `xds init --demo` made, whose certificate
    and key are marked; and a server that others can reach does not trust that issuer.
    """
    from xds.config import load
    from xds.identity.issue import TestIssuer
    from xds.identity.variants import VARIANTS
    from xds.identity.variants import variant as make

    if variant not in VARIANTS:
        raise click.BadParameter(f"expected one of {', '.join(VARIANTS)}", param_hint="--variant")
    settings = load(config)
    folder = (config or Path("xds.toml")).parent / "tls"
    try:
        certificate = (options["certificate"] or folder / "issuer.pem").read_bytes()
        key = (options["key"] or folder / "issuer-key.pem").read_bytes()
    except OSError as error:
        raise Misconfigured(f"{error.filename} can't be read: {error.strerror}") from None
    issuer = TestIssuer(options["issuer"], certificate, key)
    click.echo(make(issuer, _statement(settings, options), variant).decode())


def _statement(settings: Settings, options: dict[str, Any]) -> Statement:
    from xds.identity.codes import ACT_REASON
    from xds.identity.issue import ROLE_CODES, Statement
    from xds.model.coded import Coded
    from xds.model.hl7 import parse_cx
    from xds.model.party import Organisation

    organisation = ORGANISATIONS[options["organisation"] or "hospital"]
    if options["ura"]:
        organisation = Organisation(options["ura"], f"Organisatie {options['ura']}", "")
    try:
        patient = parse_cx(options["patient"]) if options["patient"] else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--patient") from None
    return Statement(
        audience=options["audience"] or settings.audience,
        ura=organisation.ura,
        organisation=organisation.name,
        user=options["user"],
        name=options["name"],
        role=Coded(options["role"], ROLE_CODES),
        purpose=Coded(options["purpose"], ACT_REASON),
        reason=options["reason"],
        patient=patient,
        mandated=options["mandated"],
        lifetime=timedelta(minutes=options["minutes"]),
        holder=certificate_der(options["holder"]) if options["holder"] else None,
    )
