"""Coded values, authors and display text, shared by all objects."""

from __future__ import annotations

import msgspec


class Coded(msgspec.Struct, frozen=True):
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


class Author(msgspec.Struct, frozen=True):
    """Who made a document or a submission. Source: ITI TF-3: 4.2.3.1.4.

    All are lists of text: `person` XCN, `institution` XON, `telecommunication` XTN.
    """

    person: tuple[str, ...] = ()
    institution: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    specialty: tuple[str, ...] = ()
    telecommunication: tuple[str, ...] = ()


class LocalizedString(msgspec.Struct, frozen=True):
    """One language's text of a Name or Description; `lang` is None for the schema's default, en-US."""

    value: str
    lang: str | None = None


class ExtraClassification(msgspec.Struct, frozen=True):
    """A classification that the standard gives no meaning; kept and returned. `scheme` or `node` is set."""

    scheme: str | None
    node: str | None
    node_representation: str | None
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name: tuple[LocalizedString, ...] = ()


class ExtraIdentifier(msgspec.Struct, frozen=True):
    """An external identifier that the standard gives no meaning; kept and returned."""

    scheme: str
    value: str
    name: tuple[LocalizedString, ...] = ()
