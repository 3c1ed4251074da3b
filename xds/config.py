"""The settings: one TOML file, and environment variables that go before it.

May import: errors. The only reader of the environment and of files that set behaviour. Every key of a section is
also the variable XDS_<SECTION>_<KEY>; a list in a variable is separated like PATH. Relative paths start at the
folder of the file. All mistakes are reported at once, each with its key.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from xds.errors import Misconfigured

DEFAULT_FILE = "xds.toml"
FILE_VARIABLE = "XDS_CONFIG"
_SECRET = frozenset({"database.url"})
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")

Port = Annotated[int, Meta(ge=1, le=65535)]


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
        str | None, Meta(description="URL of the registry's ITI-42, when that is another server")
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
    def audience(self) -> str:
        """What an assertion for this server names."""
        return self.identity.audience or self.base_url

    @property
    def mllp_tls(self) -> bool:
        return self.mllp.tls and self.tls.certificate is not None


class Key(NamedTuple):
    """One setting, as the manual shows it."""

    name: str
    variable: str
    default: str
    meaning: str


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings: from `path`, else the file that XDS_CONFIG names, else ./xds.toml if there is one.

    Misconfigured lists every mistake with its key, what was found (never a secret) and what is expected.
    """
    named = path or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    file = named or Path(DEFAULT_FILE)
    table: dict[str, Any] = {}
    if named is not None or file.exists():
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise Misconfigured(f"the configuration file {file} can't be read: {error.strerror}") from None
        except ValueError as error:
            raise Misconfigured(f"the configuration file {file} is not TOML: {error}") from None
    return _settings(table, environment, file.absolute().parent)


def keys() -> list[Key]:
    """Every setting, in order."""
    found = []
    for section, kind in get_type_hints(Settings).items():
        for key, hint in get_type_hints(kind, include_extras=True).items():
            name = f"{section}.{key}"
            default = getattr(kind(), key)
            found.append(Key(name, _variable(section, key), _shown(default), _meaning(hint)))
    return found


def markdown_table() -> str:
    """The settings as a table for the manual."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key.name}` | {key.default} | {key.meaning} |" for key in keys()]
    return "\n".join(lines) + "\n"


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


def _settings(table: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Settings:
    sections = get_type_hints(Settings)
    mistakes = [f"{name}: no such section{_nearest(name, sections)}" for name in table if name not in sections]
    unknown = {name for name in environment if name.startswith("XDS_")} - {FILE_VARIABLE}
    values: dict[str, Any] = {}
    for section, kind in sections.items():
        found = table.get(section, {})
        if not isinstance(found, dict):
            mistakes.append(f"{section}: expected a section, [{section}], found {found!r}")
            continue
        hints = get_type_hints(kind, include_extras=True)
        mistakes += [f"{section}.{key}: no such key{_nearest(key, hints)}" for key in found if key not in hints]
        fields = {}
        for key, hint in hints.items():
            variable = _variable(section, key)
            unknown.discard(variable)
            try:
                if variable in environment:
                    fields[key] = _from_text(environment[variable], hint, folder)
                elif key in found:
                    fields[key] = _converted(found[key], hint, folder, strict=True)
                elif isinstance(default := getattr(kind(), key), Path):
                    fields[key] = folder / default
            except msgspec.ValidationError as error:
                source = f" (in the variable {variable})" if variable in environment else ""
                value = (
                    "a value that is not shown"
                    if f"{section}.{key}" in _SECRET
                    else repr(environment.get(variable, found.get(key)))
                )
                mistakes.append(f"{section}.{key}{source}: {_sentence(error, hint)}, found {value}")
        values[section] = kind(**fields)
    mistakes += [f"{name}: this environment variable is no setting" for name in sorted(unknown)]
    if not mistakes:
        settings = _completed(Settings(**values), folder)
        mistakes = list(_contradictions(settings))
    if mistakes:
        raise Misconfigured("\n".join(mistakes))
    return settings


def _completed(settings: Settings, folder: Path) -> Settings:
    """Make OIDs bare and the path of a SQLite database absolute."""
    replace = msgspec.structs.replace
    server = replace(settings.server, home_community_id=_bare(settings.server.home_community_id))
    repository = replace(settings.repository, unique_id=_bare(settings.repository.unique_id))
    database = settings.database
    if database.url.startswith("sqlite:///"):
        path = folder / database.url.removeprefix("sqlite:///")
        database = replace(database, url=f"sqlite:///{path}")
    return replace(settings, server=server, repository=repository, database=database)


def _bare(oid: str | None) -> str | None:
    return oid.removeprefix("urn:oid:") if oid else None


def _contradictions(settings: Settings) -> Iterator[str]:
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
    if repository.enabled and not settings.registry.enabled and repository.registry_url is None:
        yield "repository.registry_url: expected the URL of the registry, because registry.enabled is false"
    if repository.registry_url is not None and settings.registry.enabled:
        yield "repository.registry_url: expected none, because registry.enabled is true"
    if repository.registry_url is not None and not re.match(r"https?://[^/]", repository.registry_url):
        yield f"repository.registry_url: expected http://… or https://…, found {repository.registry_url!r}"
    if (repository.registry_certificate is None) != (repository.registry_key is None):
        yield "repository.registry_certificate, repository.registry_key: expected both or neither"


def _from_text(text: str, hint: Any, folder: Path) -> Any:
    many = get_origin(get_args(hint)[0]) is tuple
    value = [part for part in text.split(os.pathsep) if part] if many else text
    return _converted(value, hint, folder, strict=False)


def _converted(value: Any, hint: Any, folder: Path, *, strict: bool) -> Any:
    # msgspec doesn't know paths: they are read as text first.
    kinds = get_args(get_args(hint)[0]) or (get_args(hint)[0],)
    if Path not in kinds:
        return msgspec.convert(value, hint, strict=strict)
    if Ellipsis in kinds:
        return tuple(folder / text for text in msgspec.convert(value, list[str]))
    return folder / Path(msgspec.convert(value, Annotated[str, Meta(min_length=1)])).expanduser()


def _sentence(error: msgspec.ValidationError, hint: Any) -> str:
    text = str(error).split(" - at `$")[0].replace("`", "")
    if text.startswith("Invalid enum value"):
        text = f"Expected one of {', '.join(get_args(get_args(hint)[0]))}"
    return text[0].lower() + text[1:].split(", got ")[0]


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; expected one of {', '.join(known)}"


def _variable(section: str, key: str) -> str:
    return f"XDS_{section}_{key}".upper()


def _meaning(hint: Any) -> str:
    (description,) = (meta.description for meta in hint.__metadata__ if meta.description)
    return description


def _shown(default: Any) -> str:
    if default is None or default == ():
        return "—"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
