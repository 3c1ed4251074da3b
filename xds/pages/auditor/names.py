"""Who and which organisation is meant: somebody may type a number or a name, as the log has them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, wraps
from itertools import islice
from typing import NamedTuple

from multidict import MultiDict

from xds.audit.record import decode
from xds.model.audit import LogSelection, Record
from xds.pages.ask import Ask, File, Format, Page, Seen, Unclear, View
from xds.pages.auditor.log import organisation, role, who
from xds.pages.auditor.question import HEADINGS, NONE, UZI_OID, value_of
from xds.ports import Reader

_FACETS = ("employee", "organisation")
_MOST_CHOICES, _MOST_LOOKED_AT = 25, 500
_UZI = f"^^^&{UZI_OID}&ISO"
_SEVERAL = "Deze naam is van meer dan een: kies een nummer."
_TEXTS = {
    "employee": ("Niemand", "Welke medewerker bedoelt u?", "naam of UZI-nummer"),
    "organisation": (
        "Geen organisatie",
        "Welke organisatie bedoelt u?",
        "naam of URA-nummer",
    ),
}


class Choice(NamedTuple):
    """Somebody who may be meant, or an organisation: with what the newest record says of them."""

    number: str
    name: str
    about: str


def by_name(page: Page) -> Page:
    """The page, which then takes a name where its address has a number; where that is nobody's, or that of several, it
    says so.
    """

    @wraps(page)
    async def asked(ask: Ask) -> View | File:
        for facet in _FACETS:
            word = HEADINGS[facet].word
            typed = " ".join(ask.query.get(word, "").split())
            if typed in ("", NONE):
                continue
            choices = await ask.read(partial(_choices, ask=ask, facet=facet, typed=typed))
            if len(choices) == 1:
                query = MultiDict(ask.query)
                query[word] = choices[0].number
                ask = replace(ask, query=query)
            elif ask.format is Format.HTML:
                return _which(ask, facet, typed, choices)
            elif choices or not _is_number(typed):
                raise Unclear(word, _SEVERAL if choices else _nobody(ask, facet))
        return await page(ask)

    return asked


def _choices(reader: Reader, ask: Ask, facet: str, typed: str) -> list[Choice]:
    """Who is meant, of those whom this auditor may read of."""
    exact = _choice(reader, ask, facet, str(value_of(facet, typed)))
    if exact is not None:
        return [exact]
    named = reader.log.named(facet, typed)
    same = [value for value, label in named if label.casefold() == typed.casefold()]
    values = same or [value for value, _ in named]
    found = (_choice(reader, ask, facet, value) for value in values[:_MOST_LOOKED_AT])
    return list(islice(filter(None, found), _MOST_CHOICES + 1))


def _choice(reader: Reader, ask: Ask, facet: str, value: str) -> Choice | None:
    """What is known of a value; None where no record has it."""
    kept = reader.log.newest(ask.scoped(LogSelection()._replace(**{facet: value})), None, 1)
    if not kept or kept[0].payload is None:
        return None
    record = decode(kept[0].payload)
    number = value.removesuffix(_UZI)
    if not number.isdigit():
        number = value
    return Choice(number, *_described(record, facet))


def _described(record: Record, facet: str) -> tuple[str, str]:
    place = organisation(record) or ""
    if facet == "organisation":
        return place, ""
    return who(record), ", ".join(filter(None, (role(record), place)))


def _which(ask: Ask, facet: str, typed: str, choices: list[Choice]) -> View:
    """The page that asks who is meant, or says that it is nobody."""
    heading = HEADINGS[facet]
    _, which, hint = _TEXTS[facet]
    context = {
        "word": heading.word,
        "label": heading.label,
        "hint": hint,
        "typed": typed,
        "said": which if choices else _nobody(ask, facet),
        "choices": [
            (each, ask.url(**{heading.word: each.number, "voor": None, "na": None})) for each in choices[:_MOST_CHOICES]
        ],
        "more": len(choices) > _MOST_CHOICES,
    }
    # What was typed is not recorded: it may be the name, or the number, of a client.
    seen = Seen(f"{heading.label} zoeken", (("gevonden", str(len(context["choices"]))),))
    return View("auditor/names.html", seen, context)


def _nobody(ask: Ask, facet: str) -> str:
    where = "het logboek" if ask.bound is None else "het deel van het logboek dat u mag zien"
    return f"{_TEXTS[facet][0]} met deze naam of dit nummer staat in {where}."


def _is_number(typed: str) -> bool:
    return typed.isdigit() or "^" in typed
