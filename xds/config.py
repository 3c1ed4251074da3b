"""The settings: one TOML file, and environment variables that go before it.

May import: settings, errors. The only reader of the environment and of files that set behaviour. Every key of a
section is also the variable XDS_<SECTION>_<KEY>; a list in a variable is separated like PATH. Relative paths start at
the folder of the file. All mistakes are reported at once, each with its key.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from xds.errors import Misconfigured
from xds.settings import Settings, contradictions

DEFAULT_FILE = "xds.toml"
FILE_VARIABLE = "XDS_CONFIG"
_SECRET = frozenset({"database.url"})


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
        mistakes = list(contradictions(settings))
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
