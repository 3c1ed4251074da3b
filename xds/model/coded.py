"""Coded values, authors and display text, shared by all objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coded:
    """A code within its coding scheme. Source: ITI TF-3: 4.2.3.1.2 and Table 4.2.3.1.7-2 (CE).

    `scheme` is "" when the sender left it out. `display` is the Name's first value.
    """

    code: str
    scheme: str
    display: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(code, scheme): what equality means for queries and value sets."""
        return self.code, self.scheme


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a document or a submission. Source: ITI TF-3: 4.2.3.1.4.

    All are lists of text: `person` XCN, `institution` XON, `telecommunication` XTN.
    """

    person: tuple[str, ...] = ()
    institution: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    specialty: tuple[str, ...] = ()
    telecommunication: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalizedString:
    """One language's text of a Name or Description; `lang` is None for the schema's default, en-US."""

    value: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class ExtraClassification:
    """A classification that the standard gives no meaning; kept and returned. `scheme` or `node` is set."""

    scheme: str | None
    node: str | None
    node_representation: str | None
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name: tuple[LocalizedString, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtraIdentifier:
    """An external identifier that the standard gives no meaning; kept and returned."""

    scheme: str
    value: str
    name: tuple[LocalizedString, ...] = ()
