"""`xds init`: make a folder to run a server from."""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xds.errors import Misconfigured
from xds.model.party import NormStatus, Organisation

if TYPE_CHECKING:
    from xds.settings import Settings

ORGANISATIONS = {
    "hospital": Organisation("00010990", "Ziekenhuis De Uiver", "V6"),
    "midwife-practice": Organisation("01234567", "Verloskundigenpraktijk De Ooievaar", "G3"),
    "jgz": Organisation("00054321", "JGZ De Wieg", "JGZ"),
}
"""Who gets a client certificate in a demonstration, and is a participant in it."""
SOURCES = {"hospital": "2.999.7", "midwife-practice": "2.999.30", "jgz": "2.999.40"}
"""The sourceId that each of them submits with."""
NEW_SYSTEM = "new-system"
"""Who gets a client certificate in a demonstration too, and is no participant yet."""
AUDITOR = "auditor"
"""Who gets a client certificate for a browser."""
TEST_ISSUER = "https://issuer.example/test"

_CONFIGURATION = """\
# Settings of xds; `xds config` lists them all. A variable XDS_<SECTION>_<KEY> goes before what is written here.

[server]
host = "127.0.0.1"
port = {port}
{tls}
[registry]
affinity_domain = {affinity_domain}

[repository]
unique_id = "{repository_id}"  # made for this repository; it must never change
documents = "data/documents"

{policy}{identity}
[database]
url = "{database}"

[mllp]
enabled = true
port = {mllp_port}
"""
_TLS = """
[tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"
client_ca = "tls/ca.pem"

[client]
certificate = "tls/hospital.pem"
key = "tls/hospital-key.pem"
ca = "tls/ca.pem"

[pages]
client_ca = "tls/ca.pem"
contact = "Vraagbaak geboortezorg"  # whom clients ask; these are made up
contact_email = "vragen@geboortezorg.example"
contact_phone = "010 000 0000"
"""
_OPEN = """\
[identity]
required = false  # whoever reaches it may do everything: for development, on this machine only
"""
_DEMO = """\
[identity]
required = {required}
issuers = ["tls/issuer.xml"]  # that of `xds token`: only for trying out, on this machine only

[audit]
anchor_paths = ["anchors"]  # in earnest, where whoever keeps the log can't reach it
"""
_REQUIRED = {
    True: "true",
    False: "false  # whoever shows a certificate of tls/ca.pem may do everything; with a policy it would decide",
}
_POLICY = '[consent]\npolicy = "policy.toml"\n\n'
_DATABASE = "sqlite:///data/xds.db"


@click.command
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--demo", is_flag=True, help="Make a certificate authority and certificates too, for trying out.")
@click.option(
    "--affinity-domain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Copy this file with value sets into the folder and use it; may be given several times.",
)
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Copy this file, which says who may see what, into the folder as policy.toml and use it.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Day on which the organisations of --demo were connected; by default today.",
)
@click.option("--repository-id", metavar="OID", help="repositoryUniqueId; by default a new one is made from a UUID.")
@click.option(
    "--database", default=_DATABASE, show_default=True, metavar="URL", help="Database to use; its tables are made."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8443, show_default=True, help="Port of the server.")
@click.option(
    "--mllp-port", type=click.IntRange(1, 65535), default=2575, show_default=True, help="Port of the identity feed."
)
def command(
    folder: Path,
    demo: bool,
    affinity_domain: tuple[Path, ...],
    policy: Path | None,
    since: datetime | None,
    repository_id: str | None,
    database: str,
    port: int,
    mllp_port: int,
) -> None:
    """Make FOLDER with a configuration, the documents folder and the database.

    A configuration that is there already is kept, and its database is brought up to date; so it also upgrades.
    With --demo the folder has client certificates of a hospital, a midwife practice and a JGZ organisation, which are
    its participants, one of a system that is none yet and one of an auditor, for a browser, and an issuer of assertions
    for tests. With --policy as well the server wants to know who asks, shows what the policy and the clients allow, and
    keeps the log; without one whoever has a certificate may do everything, as suits clients that send no assertion yet.
    """
    from xds.config import load

    file = folder / "xds.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").mkdir(mode=0o700, exist_ok=True)
        kept = file.exists()
        if kept:
            click.echo(f"{file} is kept as it is.")
        else:
            if demo:
                make_certificates(folder / "tls")
                _make_issuer(folder / "tls")
            text = _CONFIGURATION.format(
                port=port,
                mllp_port=mllp_port,
                tls=_TLS if demo else "",
                identity=_DEMO.format(required=_REQUIRED[policy is not None]) if demo else _OPEN,
                affinity_domain=_copied(affinity_domain, folder),
                policy=_copied_policy(policy, folder),
                repository_id=repository_id or f"2.25.{uuid.uuid4().int}",
                database=database,
            )
            _write(file, text.encode())
    except OSError as error:
        raise Misconfigured(f"{folder} can't be made: {error.strerror}") from None
    try:
        settings = load(file)
    except Misconfigured:
        if not kept:
            file.unlink()
        raise
    _prepare(settings)
    if demo and not kept:
        _add_participants(file, folder / "tls", (since or datetime.now(UTC)).date())
    click.echo(f"Ready. Start it with: xds serve --config {file}")


def _prepare(settings: Settings) -> None:
    """Make the keys, the tables and the documents folder."""
    from xds.atna.keys import make_keys
    from xds.db import open_database
    from xds.store.files import FileDocuments

    make_keys(settings.audit.index_key, settings.audit.signing_key)
    open_database(settings.database.url, create=True).close()
    if settings.repository.enabled:
        FileDocuments(settings.repository.documents).close()


def make_certificates(folder: Path) -> None:
    """Make a local CA, a certificate for a server on this machine, one for each organisation and two more."""
    import trustme

    folder.mkdir(mode=0o700, exist_ok=True)
    authority = trustme.CA(organization_name="xds demonstration", key_type=trustme.KeyType.ECDSA)
    _write(folder / "ca.pem", authority.cert_pem.bytes())
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", key_type=trustme.KeyType.ECDSA)
    _write_certificate(folder, "server", server)
    for organisation in (*ORGANISATIONS, NEW_SYSTEM, AUDITOR):
        client = authority.issue_cert(
            f"{organisation}.example", organization_name=organisation, key_type=trustme.KeyType.ECDSA
        )
        _write_certificate(folder, organisation, client)
    _write_for_browser(folder, AUDITOR)


def _make_issuer(folder: Path) -> None:
    from xds.identity.issue import make_issuer

    certificate, key, metadata = make_issuer(TEST_ISSUER)
    for name, content in (("issuer.pem", certificate), ("issuer-key.pem", key), ("issuer.xml", metadata)):
        _write(folder / name, content)


def _add_participants(config: Path, certificates: Path, since: date) -> None:
    """Register each organisation with its certificate, recorded in the log as by `xds participant add`."""
    from xds.cli.participant import register

    for name, organisation in ORGANISATIONS.items():
        register(config, certificates / f"{name}.pem", organisation, (SOURCES[name],), since, NormStatus())


def _write_certificate(folder: Path, name: str, certificate) -> None:
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    _write(folder / f"{name}.pem", chain)
    _write(folder / f"{name}-key.pem", certificate.private_key_pem.bytes())


def _write_for_browser(folder: Path, name: str) -> None:
    """Write a certificate with its key as browsers take them in, under no password."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12

    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = load_pem_private_key((folder / f"{name}-key.pem").read_bytes(), None)
    packed = pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, None, NoEncryption())
    _write(folder / f"{name}.p12", packed)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _copied_policy(policy: Path | None, folder: Path) -> str:
    """The configuration's section for a policy, which is copied into the folder; "" without one."""
    if policy is None:
        return ""
    if policy.resolve() != (folder / "policy.toml").resolve():
        shutil.copyfile(policy, folder / "policy.toml")
    return _POLICY


def _copied(files: tuple[Path, ...], folder: Path) -> str:
    for file in files:
        if file.resolve() != (folder / file.name).resolve():
            shutil.copyfile(file, folder / file.name)
    return "[" + ", ".join(f'"{file.name}"' for file in files) + "]"
