"""Records as XML with the fields of NEN 7513, each with its number in chapter 7. Source: NEN 7513: 7, 8.6.

`FIELDS` is the table of the norm: a field's number, name and obligation, and where it is in a record. The schema of the
XML is wsdl/nen7513.xsd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from xds.audit.events import EMERGENCY
from xds.audit.objects import NO_PROTOCOL, PERSON, Object, objects
from xds.model.audit import Person, Record
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.visible import in_xml

NAMESPACE = "urn:xds:nen7513:1"

_CATEGORIES = {1: "Cliënt", 3: "Document", 13: "Beveiliging", 20: "Opdracht", 24: "Zoekvraag"}
_CLASSES = {1: "persoon", 2: "systeemobject"}
_LIFE_CYCLES = {1: "vastgelegd", 3: "gewijzigd", 6: "gebruikt", 11: "verstrekt", 14: "verwijderd"}
_OUTCOMES = {0: "geslaagd", 4: "geweigerd", 8: "niet verwerkt", 12: "storing"}


class Field(NamedTuple):
    """A field of the norm. `obligation` is M (mandatory), C (conditional) or O (optional).

    `value` is asked for the record, or the object; it is text, a code, or None where the field does not apply.
    """

    number: str
    name: str
    obligation: str
    value: Callable[[Any], str | Coded | None]


def account(person: Person) -> str:
    return str(CX(person.number, person.authority)) if person.authority else person.number


def _responsible(record: Record) -> Person:
    return record.user.responsible or record.user.person


def _outcome(record: Record) -> str:
    text = _OUTCOMES.get(record.outcome, str(record.outcome))
    return f"{text}: {record.outcome_text}" if record.outcome_text else text


EVENT = (
    Field("7.2.1", "gebeurteniscode", "M", lambda record: record.event),
    Field("7.2.2", "actiecode", "M", lambda record: record.action),
    Field("7.2.3", "datumEnTijd", "M", lambda record: record.started.isoformat().replace("+00:00", "Z")),
    Field("7.2.4", "aard", "O", lambda record: EMERGENCY if EMERGENCY in record.kinds else record.kinds[0]),
    Field("7.2.5", "resultaat", "O", _outcome),
    Field("7.2.6", "controles", "C", lambda record: record.checks),
)
USER = (
    Field("7.3.1", "gebruikersId", "M", lambda record: account(record.user.person)),
    Field("7.3.2", "lokaleGebruikersId", "O", lambda record: record.user.local_id),
    Field("7.3.3", "naam", "O", lambda record: record.user.person.name),
    Field("7.3.4", "gebruikersrol", "M", lambda record: record.user.person.role),
    Field("7.3.5", "isInitiator", "O", lambda record: "true"),
    Field(
        "7.3.6",
        "verantwoordelijkeGebruikersId",
        "C",
        lambda record: f"{account(_responsible(record))}@{_responsible(record).organisation}",
    ),
    Field("7.3.7", "verantwoordelijkeNaam", "O", lambda record: _responsible(record).name),
    Field("7.3.8", "verantwoordelijkeRol", "C", lambda record: _responsible(record).role),
    Field("7.3.9", "typeToegangspunt", "O", lambda record: "2" if record.user.access_point else None),
    Field("7.3.10", "toegangspunt", "O", lambda record: record.user.access_point or None),
)
OBJECT = (
    Field("7.4.1", "identificatortype", "M", lambda pair: pair[1].kind),
    Field("7.4.2", "klasse", "O", lambda pair: _CLASSES[pair[1].classification]),
    Field("7.4.3", "identificator", "M", lambda pair: pair[1].id),
    Field("7.4.4", "naam", "O", lambda pair: pair[1].name),
    Field("7.4.5", "details", "O", lambda pair: "; ".join(map(": ".join, pair[1].details)) or None),
    Field("7.4.6", "autorisatieprotocol", "M", lambda pair: pair[0].authorisation or NO_PROTOCOL),
    Field("7.4.7", "behandelrelatieprotocol", "C", lambda pair: pair[0].treatment_relation or NO_PROTOCOL),
    Field("7.4.8", "toestemmingsprofiel", "C", lambda pair: pair[0].consent or NO_PROTOCOL),
    Field("7.4.9", "gevoeligheid", "O", lambda pair: pair[1].sensitivity or None),
    Field("7.4.10", "categorie", "O", lambda pair: _CATEGORIES[pair[1].role]),
    Field("7.4.11", "stadium", "O", lambda pair: _LIFE_CYCLES[pair[1].life_cycle]),
    Field("7.4.12", "zoekvraag", "O", lambda pair: pair[1].query or None),
)
LOG = (
    Field("7.5.1", "locatie", "O", lambda record: record.source.site),
    Field("7.5.2", "bron", "M", lambda record: record.source.id),
    Field("7.5.3", "typeBron", "O", lambda record: record.source.kind),
)
EXTRA = (
    Field("", "organisatie", "", lambda record: record.user.person.organisation or None),
    Field("", "organisatienaam", "", lambda record: record.user.person.organisation_name or None),
    Field("", "doel", "", lambda record: record.purpose),
    Field("", "noodreden", "", lambda record: record.emergency),
    Field("", "motivering", "", lambda record: record.reason or None),
    Field("", "regel", "", lambda record: f"{record.rule} {record.version}".strip() or None),
    Field("", "dossierhouders", "", lambda record: ", ".join(record.holders) or None),
)
"""What we keep besides, which the edition of 2024 or the overviews ask for; numbered none, because 2018 has none."""

FIELDS = (*EVENT, *USER, *OBJECT, *LOG)


def fields(record: Record) -> Iterator[tuple[Field, str | Coded]]:
    """Every field of a record that has a value, in the order of the norm; those of an object for each object."""
    for group in (EVENT, USER):
        yield from _filled(group, record)
    for each in objects(record):
        yield from _filled(OBJECT, (record, each))
    yield from _filled(LOG, record)


def document(records: Iterable[tuple[int, Record]]) -> Iterator[bytes]:
    """The XML of these records with their seqs, in pieces."""
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<logboek xmlns="{NAMESPACE}">\n'.encode()
    for seq, record in records:
        yield in_xml(_entry(seq, record)).encode()
    yield b"</logboek>\n"


def _entry(seq: int, record: Record) -> str:
    parts = [f"<logregel volgnummer={quoteattr(str(seq))} verzoek={quoteattr(clean(record.request_id))}>"]
    parts += _group("gebeurtenis", "7.2", EVENT, record)
    parts += _group("gebruiker", "7.3", USER, record)
    for each in objects(record):
        parts += _group("object", "7.4", OBJECT, (record, each))
    parts += _group("loggegevens", "7.5", LOG, record)
    parts += _group("aanvulling", "", EXTRA, record)
    return "\n".join([*parts, "</logregel>\n"])


def _group(name: str, number: str, group: Iterable[Field], asked: Any) -> list[str]:
    return [f"<{name}{_numbered(number)}>", *(_element(field, value) for field, value in _filled(group, asked)),
            f"</{name}>"]  # fmt: skip


def _filled(group: Iterable[Field], asked: Record | tuple[Record, Object]) -> Iterator[tuple[Field, str | Coded]]:
    for field in group:
        if _applies(field, asked) and (value := field.value(asked)) is not None:
            yield field, value


def _applies(field: Field, asked: Record | tuple[Record, Object]) -> bool:
    """The consent profile is the patient's, and the treatment relation the patient's too."""
    if isinstance(asked, tuple) and field.number in ("7.4.7", "7.4.8"):
        return asked[0].patient is not None or asked[1].classification == PERSON
    return True


def _element(field: Field, value: str | Coded) -> str:
    number = _numbered(field.number)
    if isinstance(value, Coded):
        display = f" weergave={quoteattr(clean(value.display))}" if value.display else ""
        code, scheme = quoteattr(clean(value.code)), quoteattr(clean(value.scheme))
        return f"<{field.name}{number} code={code} stelsel={scheme}{display}/>"
    return f"<{field.name}{number}>{escape(clean(value))}</{field.name}>"


def _numbered(number: str) -> str:
    return f' nen="{number}"' if number else ""


def clean(text: str) -> str:
    """Text as XML can hold it: control characters, which only a hostile sender has, become U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        each if each in "\t\n\r" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" or each > "\uffff" else "�"
        for each in text
    )
