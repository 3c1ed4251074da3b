"""What can be set, and what contradicts what. Every field's description is its line in the manual.

May import: nothing of ours. Read by `xds.config`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")

Port = Annotated[int, Meta(ge=1, le=65535)]
Email = Annotated[str, Meta(pattern="^[^@ ]+@[^@ ]+$")]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Address to listen on; other than loopback needs `[tls]`", min_length=1)] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="TCP port")] = 8443
    base_url: Annotated[str | None, Meta(description="URL under which others reach this server, if not host:port")] = (
        None
    )
    workers: Annotated[int, Meta(description="Number of server processes", ge=1, le=64)] = 1
    home_community_id: Annotated[str | None, Meta(description="homeCommunityId of this community, an OID")] = None


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    certificate: Annotated[Path | None, Meta(description="PEM file: the server's certificate and its chain")] = None
    key: Annotated[Path | None, Meta(description="PEM file: the private key of that certificate")] = None
    client_ca: Annotated[
        Path | None, Meta(description="PEM file: CAs whose client certificates are let in; none else is (mutual TLS)")
    ] = None


class RegistrySettings(msgspec.Struct, frozen=True, kw_only=True):
    enabled: Annotated[bool, Meta(description="Be a Document Registry (ITI-18, ITI-42, ITI-8)")] = True
    affinity_domain: Annotated[
        tuple[Path, ...], Meta(description="Files with the value sets (TOML or codes.xml); none: no code is checked")
    ] = ()
    max_results: Annotated[
        int, Meta(description="Most objects that a query returns as LeafClass; as ObjectRef ten times as many", ge=1)
    ] = 10_000


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True):
    enabled: Annotated[bool, Meta(description="Be a Document Repository (ITI-41, ITI-43)")] = True
    unique_id: Annotated[str | None, Meta(description="repositoryUniqueId, an OID; must never change")] = None
    documents: Annotated[Path, Meta(description="Folder of the documents")] = Path("documents")
    max_document_bytes: Annotated[int, Meta(description="Largest document that is accepted, in bytes", ge=1)] = 2 << 30
    registry_url: Annotated[
        str | None, Meta(description="URL of the registry's ITI-42 and ITI-18, if that has another database")
    ] = None
    registry_ca: Annotated[Path | None, Meta(description="PEM file: CAs that the other registry is trusted by")] = None
    registry_certificate: Annotated[Path | None, Meta(description="PEM file: client certificate shown to it")] = None
    registry_key: Annotated[Path | None, Meta(description="PEM file: the private key of that certificate")] = None


class ConsentSettings(msgspec.Struct, frozen=True, kw_only=True):
    policy: Annotated[
        Path | None, Meta(description="TOML file: what each role may see, the classes of documents, the categories")
    ] = None
    source: Annotated[
        Literal["register", "mitz"], Meta(description="Who says what clients allow: our consent register, or Mitz")
    ] = "register"


class MitzSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: Annotated[str | None, Meta(description="URL of Mitz's closed authorisation question (XACML 3.0)")] = None
    certificate: Annotated[Path | None, Meta(description="PEM file: client certificate shown to it")] = None
    key: Annotated[Path | None, Meta(description="PEM file: the private key of that certificate")] = None
    ca: Annotated[Path | None, Meta(description="PEM file: CAs that it is trusted by; none: the system's")] = None
    timeout_seconds: Annotated[
        float, Meta(description="Longest wait for its answer; without one nothing is permitted", gt=0, le=30)
    ] = 3.0


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    required: Annotated[
        bool, Meta(description="Refuse a request without a known participant and person; only loopback may do without")
    ] = True
    issuers: Annotated[
        tuple[Path, ...], Meta(description="SAML metadata files of the issuers whose assertions count; they are pinned")
    ] = ()
    audience: Annotated[
        str | None, Meta(description="Audience that an assertion must name; none: `server.base_url`")
    ] = None
    clock_skew_seconds: Annotated[int, Meta(description="How far the clocks of issuers may be off", ge=0, le=300)] = 60
    max_lifetime_seconds: Annotated[
        int, Meta(description="Longest time between the NotBefore and NotOnOrAfter of an assertion", ge=1, le=86_400)
    ] = 600
    least_assurance: Annotated[
        int, Meta(description="Least level of authentication: 1 none, 2 low, 3 substantial, 4 high", ge=1, le=4)
    ] = 3


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: Annotated[
        str, Meta(description="`sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST/NAME` (SQLAlchemy's form)")
    ] = "sqlite:///xds.db"


class MllpSettings(msgspec.Struct, frozen=True, kw_only=True):
    enabled: Annotated[bool, Meta(description="Take the patient identity feed (ITI-8)")] = False
    host: Annotated[str, Meta(description="Address to listen on; other than loopback needs `[tls]`", min_length=1)] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="TCP port")] = 2575
    tls: Annotated[bool, Meta(description="Use `[tls]` here too, if it is set; only loopback may go without")] = True


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    registry_url: Annotated[
        str | None, Meta(description="Registry that `xds query` asks; none: the one of this configuration")
    ] = None
    repository_url: Annotated[
        str | None,
        Meta(description="Repository of `xds submit` and `xds retrieve`; none: the one of this configuration"),
    ] = None
    certificate: Annotated[Path | None, Meta(description="PEM file: client certificate that they show")] = None
    key: Annotated[Path | None, Meta(description="PEM file: the private key of that certificate")] = None
    ca: Annotated[Path | None, Meta(description="PEM file: CAs that they trust a server by")] = None


class PagesSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Address on which `xds pages` listens; it needs `[tls]`", min_length=1)] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="TCP port")] = 8444
    base_url: Annotated[str | None, Meta(description="URL under which browsers reach the pages, if not host:port")] = (
        None
    )
    title: Annotated[str, Meta(description="Name of the exchange, as the pages show it", min_length=1)] = (
        "Gegevensuitwisseling geboortezorg"
    )
    theme: Annotated[Path | None, Meta(description="CSS file of the region, which goes over the pages' own")] = None
    contact: Annotated[str | None, Meta(description="Who answers the questions of clients, such as an office")] = None
    contact_email: Annotated[Email | None, Meta(description="E-mail address of that office")] = None
    contact_phone: Annotated[str | None, Meta(description="Telephone number of that office")] = None
    hints: Annotated[
        Path | None, Meta(description="TOML file: when the start page hints at something; none: the defaults")
    ] = None
    client_ca: Annotated[
        Path | None, Meta(description="PEM file: CAs of the auditors' certificates; none: no certificate is asked for")
    ] = None
    oidc_issuer: Annotated[
        str | None,
        Meta(description="Issuer of the OpenID provider where auditors sign in; none: by certificate only"),
    ] = None
    oidc_client_id: Annotated[str | None, Meta(description="How it knows the pages")] = None
    oidc_secret: Annotated[
        Path | None, Meta(description="File with the client's secret; none: a public client, with PKCE alone")
    ] = None
    oidc_acr: Annotated[
        tuple[str, ...],
        Meta(description="Its words for a sign-in with two factors, in acr or acrs; none: amr must have mfa"),
    ] = ()
    oidc_ca: Annotated[Path | None, Meta(description="PEM file: CAs that it is trusted by; none: the system's")] = None
    idle_minutes: Annotated[int, Meta(description="Minutes after which an unused session ends", ge=1, le=120)] = 15
    session_hours: Annotated[int, Meta(description="Hours after which every session ends", ge=1, le=24)] = 8
    export_alone: Annotated[
        int, Meta(description="Most records of the log that an auditor takes away without a second person", ge=0)
    ] = 1000


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True):
    index_key: Annotated[Path, Meta(description="File with the secret by which the log finds patients")] = Path(
        "audit/index-key"
    )
    signing_key: Annotated[Path, Meta(description="PEM file: the Ed25519 key that signs the log's checkpoints")] = Path(
        "audit/signing-key.pem"
    )
    origin: Annotated[
        str | None, Meta(description="Name of the log in its checkpoints; none: the host of `server.base_url` and /log")
    ] = None
    site: Annotated[str | None, Meta(description="Where the log is kept, as its records say it")] = None
    checkpoint_seconds: Annotated[int, Meta(description="Most seconds between checkpoints", ge=1, le=60)] = 60
    checkpoint_records: Annotated[int, Meta(description="Most records between checkpoints", ge=1)] = 1000
    anchor_paths: Annotated[
        tuple[Path, ...],
        Meta(description="Where checkpoints are kept out of reach: folders, or files (they have a suffix)"),
    ] = ()
    anchor_url: Annotated[str | None, Meta(description="URL of a host that keeps checkpoints (POST)")] = None
    anchor_grace_minutes: Annotated[
        int, Meta(description="No data is given when a record is longer than this without an anchor, or a checkpoint")
    ] = 240
    syslog_host: Annotated[str | None, Meta(description="Audit record repository (ITI-20), by syslog over TLS")] = None
    syslog_port: Annotated[Port, Meta(description="TCP port of that repository")] = 6514
    peer_ca: Annotated[Path | None, Meta(description="PEM file: CAs that it and the anchor's host are trusted by")] = (
        None
    )
    peer_certificate: Annotated[Path | None, Meta(description="PEM file: client certificate shown to them")] = None
    peer_key: Annotated[Path | None, Meta(description="PEM file: the private key of that certificate")] = None
    most_years: Annotated[
        int, Meta(description="Years after which `xds audit retention` says that records are kept too long", ge=5)
    ] = 20


class LimitsSettings(msgspec.Struct, frozen=True, kw_only=True):
    max_envelope_bytes: Annotated[
        int, Meta(description="Largest SOAP envelope without its attachments, in bytes", ge=1024, le=32 << 20)
    ] = 8 << 20
    max_parts: Annotated[int, Meta(description="Most MIME parts in one message", ge=1)] = 1000
    request_seconds: Annotated[
        int, Meta(description="Longest time without a byte from a sender before it is cut off", ge=1)
    ] = 60


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least level that is logged")] = (
        "info"
    )
    format: Annotated[Literal["json", "console"], Meta(description="JSON lines, or lines for a person")] = "json"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. OIDs are bare; paths and the URL of a SQLite database are absolute once loaded."""

    server: ServerSettings = ServerSettings()
    tls: TlsSettings = TlsSettings()
    registry: RegistrySettings = RegistrySettings()
    repository: RepositorySettings = RepositorySettings()
    consent: ConsentSettings = ConsentSettings()
    mitz: MitzSettings = MitzSettings()
    identity: IdentitySettings = IdentitySettings()
    database: DatabaseSettings = DatabaseSettings()
    mllp: MllpSettings = MllpSettings()
    client: ClientSettings = ClientSettings()
    pages: PagesSettings = PagesSettings()
    audit: AuditSettings = AuditSettings()
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()

    @property
    def base_url(self) -> str:
        """Where others reach this server, without a slash at the end."""
        if self.server.base_url is not None:
            return self.server.base_url.rstrip("/")
        scheme = "https" if self.tls.certificate else "http"
        return f"{scheme}://{bracketed(self.server.host)}:{self.server.port}"

    @property
    def pages_url(self) -> str:
        """Where browsers reach the pages, without a slash at the end."""
        pages = self.pages
        return (pages.base_url or f"https://{bracketed(pages.host)}:{pages.port}").rstrip("/")

    @property
    def audience(self) -> str:
        """What an assertion for this server names."""
        return self.identity.audience or self.base_url

    @property
    def audit_origin(self) -> str:
        """The name of the log."""
        return self.audit.origin or f"{self.base_url.partition('://')[2].partition('/')[0]}/log"

    @property
    def mllp_tls(self) -> bool:
        return self.mllp.tls and self.tls.certificate is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """The host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def contradictions(settings: Settings) -> Iterator[str]:
    """What is wrong with settings that are each right by themselves, with the keys."""
    server, tls, repository, mllp = settings.server, settings.tls, settings.repository, settings.mllp
    if (tls.certificate is None) != (tls.key is None):
        yield "tls.certificate, tls.key: expected both or neither"
    if tls.client_ca is not None and tls.certificate is None:
        yield "tls.client_ca: needs tls.certificate and tls.key"
    secure = tls.certificate is not None and tls.client_ca is not None
    if not is_loopback(server.host) and not secure:
        yield (
            f"server.host: {server.host!r} can be reached from other machines, which needs tls.certificate, tls.key "
            "and tls.client_ca; expected a loopback address without them"
        )
    if mllp.enabled and not is_loopback(mllp.host) and not (secure and mllp.tls):
        yield (
            f"mllp.host: {mllp.host!r} can be reached from other machines, which needs mllp.tls, tls.certificate, "
            "tls.key and tls.client_ca; expected a loopback address without them"
        )
    if server.base_url is None and server.host in ("0.0.0.0", "::"):
        yield "server.base_url: expected a URL, because server.host is no address that others can use"
    if server.base_url is not None and not re.match(r"https?://[^/]", server.base_url):
        yield f"server.base_url: expected http://… or https://…, found {server.base_url!r}"
    if not settings.registry.enabled and not repository.enabled:
        yield "registry.enabled, repository.enabled: expected at least one to be true"
    if mllp.enabled and not settings.registry.enabled:
        yield "mllp.enabled: the patient identity feed needs registry.enabled"
    yield from _identity_contradictions(settings)
    yield from _repository_contradictions(settings)
    yield from _consent_contradictions(settings)
    yield from _audit_contradictions(settings)
    yield from _pages_contradictions(settings)
    for name, oid in (
        ("server.home_community_id", server.home_community_id),
        ("repository.unique_id", repository.unique_id),
    ):
        if oid is not None and (len(oid) > 64 or not _OID.fullmatch(oid)):
            yield f"{name}: expected an OID such as 1.2.3, found {oid!r}"


def _consent_contradictions(settings: Settings) -> Iterator[str]:
    consent, mitz = settings.consent, settings.mitz
    if consent.source == "mitz" and (consent.policy is None or mitz.url is None):
        yield "consent.source: Mitz needs consent.policy and mitz.url"
    if mitz.url is not None and not re.match(r"https://[^/]", mitz.url):
        yield f"mitz.url: expected https://…, found {mitz.url!r}"
    if mitz.url is not None and (mitz.certificate is None or mitz.key is None):
        yield "mitz.certificate, mitz.key: expected both, because Mitz asks for a client certificate"


def _identity_contradictions(settings: Settings) -> Iterator[str]:
    identity, tls = settings.identity, settings.tls
    if identity.required and not (identity.issuers and tls.client_ca is not None):
        yield (
            "identity.required: needs identity.issuers and tls.client_ca, so that it is known who asks; "
            "expected false to let anybody on this machine do everything, for development"
        )
    reachable = [settings.server.host, *([settings.mllp.host] if settings.mllp.enabled else [])]
    if not identity.required and not all(map(is_loopback, reachable)):
        yield "identity.required: expected true, because this server can be reached from other machines"


def _repository_contradictions(settings: Settings) -> Iterator[str]:
    repository = settings.repository
    if repository.enabled and repository.unique_id is None:
        yield "repository.unique_id: expected an OID, because repository.enabled is true"
    known = (repository.registry_url or "").startswith("https:") and repository.registry_certificate is not None
    if repository.registry_url is not None and settings.identity.required and not known:
        yield (
            "repository.registry_url: expected https://…, with repository.registry_certificate and "
            "repository.registry_key, because identity.required is true: the registry must know who asks"
        )
    if repository.registry_url is not None and settings.registry.enabled:
        yield "repository.registry_url: expected none, because registry.enabled is true"
    if repository.registry_url is not None and not re.match(r"https?://[^/]", repository.registry_url):
        yield f"repository.registry_url: expected http://… or https://…, found {repository.registry_url!r}"
    if (repository.registry_certificate is None) != (repository.registry_key is None):
        yield "repository.registry_certificate, repository.registry_key: expected both or neither"


def _pages_contradictions(settings: Settings) -> Iterator[str]:
    pages = settings.pages
    if pages.base_url is not None and not re.fullmatch(r"https://[^/?#]+/?", pages.base_url):
        yield f"pages.base_url: expected https://… without a path, found {pages.base_url!r}"
    if pages.base_url is None and pages.host in ("0.0.0.0", "::"):
        yield "pages.base_url: expected a URL, because pages.host is no address that others can use"
    if pages.oidc_issuer is not None and not re.match(r"https://[^/]+.*[^/]$", pages.oidc_issuer):
        yield f"pages.oidc_issuer: expected https://… without a slash at the end, found {pages.oidc_issuer!r}"
    if (pages.oidc_issuer is None) != (pages.oidc_client_id is None):
        yield "pages.oidc_issuer, pages.oidc_client_id: expected both or neither"


def _audit_contradictions(settings: Settings) -> Iterator[str]:
    audit = settings.audit
    if (audit.peer_certificate is None) != (audit.peer_key is None):
        yield "audit.peer_certificate, audit.peer_key: expected both or neither"
    if audit.anchor_url is not None and not re.match(r"https://[^/]", audit.anchor_url):
        yield f"audit.anchor_url: expected https://…, found {audit.anchor_url!r}"
    if re.search(r"[\s+]", settings.audit_origin):
        yield f"audit.origin: expected a name without blanks and +, found {audit.origin!r}"
