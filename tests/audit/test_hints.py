"""What raises a hint, and what doesn't."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from xds.audit.hint_rules import HintRules, read_hint_rules
from xds.audit.hints import NOTHING_USUAL, Hint, Rule, Usual, hints_of, usual_of
from xds.errors import Misconfigured
from xds.model.conduct import Conduct, EmployeeDay, Insistence, Sweep, Who

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 3, 28)
NURSE = Who("1^^^&1.2&ISO", "C. Smit", "00010990", "De Uiver", "2.9|30.000", "verpleegkundige")
ORDINARY = EmployeeDay(NURSE, DAY, 9, 6, 3, 10, 0, 1, 1, 0, 0, 0)
USUAL = Usual({(NURSE.employee, NURSE.organisation): 5.5}, {NURSE.role: 8}, {})


def raised(usual: Usual = USUAL, **changes: int) -> list[Hint]:
    return hints_of(Conduct(0, (ORDINARY._replace(**changes),), (), ()), usual, HintRules())


@pytest.mark.parametrize(
    ("changes", "rule", "found"),
    [
        ({"emergencies": 1}, Rule.EMERGENCY, "1 regel met de noodknop."),
        ({"refused": 10}, Rule.REFUSALS, "10 keer geweigerd, van 9 regels"),
        ({"unrelated": 3}, Rule.UNRELATED, "Vroeg naar 3 cliënten"),
        ({"hour_patients": 20}, Rule.HOUR, "Vroeg dossiers op van 20 cliënten in één uur, dat om 10:00 begon."),
        (
            {"patients": 17},
            Rule.VOLUME,
            "17 cliënten; gewoonlijk zijn het er 5,5 bij deze medewerker en 8 bij deze rol",
        ),
        ({"night": 3}, Rule.NIGHT, "3 regels in de nacht; op de andere dagen deed deze medewerker dat niet."),
    ],
)
def test_a_day_raises_a_hint_at_its_bound_and_not_below(changes: dict[str, int], rule: Rule, found: str) -> None:
    (hint,) = raised(**changes)

    assert (hint.rule, hint.who, hint.day) == (rule, NURSE, DAY)
    assert found in hint.found and hint.bounds
    assert raised(**{name: value - 1 for name, value in changes.items()}) == []


def test_who_was_refused_did_not_look() -> None:
    some = raised(hour_patients=40, hour_refused=25, patients=41, patients_refused=41)

    assert [hint.found.partition(";")[2].partition(";")[0] for hint in some] == [
        " bij 25 geweigerd.",
        " bij allemaal geweigerd",
    ]


def test_an_hour_is_told_by_the_clock_on_the_day_that_lacks_one() -> None:
    (hint,) = raised(hour_patients=20, day=DAY + timedelta(1))

    assert "dat om 11:00 begon" in hint.found


@pytest.mark.parametrize(
    "usual",
    [
        USUAL._replace(own={(NURSE.employee, NURSE.organisation): 7}),
        USUAL._replace(role={NURSE.role: 10}),
    ],
)
def test_many_patients_are_no_hint_where_that_is_usual(usual: Usual) -> None:
    assert raised(usual, patients=20) == []


def test_nights_are_no_hint_for_who_works_at_night() -> None:
    others = frozenset(DAY - timedelta(ago) for ago in range(1, 4))
    usually = USUAL._replace(nights={(NURSE.employee, NURSE.organisation): (others, 10)})
    seldom = USUAL._replace(nights={(NURSE.employee, NURSE.organisation): (frozenset({DAY}), 2)})

    assert raised(usually, night=20) == []
    assert [hint.rule for hint in raised(seldom, night=20)] == [Rule.NIGHT]


def test_who_is_new_is_measured_by_the_bounds_alone() -> None:
    assert [hint.rule for hint in raised(NOTHING_USUAL, patients=15)] == [Rule.VOLUME]


def test_what_is_usual_is_the_median_of_the_days_that_somebody_worked() -> None:
    other = NURSE._replace(employee="2^^^&1.2&ISO")
    days = [ORDINARY._replace(day=DAY - timedelta(ago), patients=ago, night=ago % 2) for ago in range(1, 6)]
    days += [ORDINARY._replace(who=other, patients=40)]

    usual = usual_of(days, HintRules())

    assert usual.own == {(NURSE.employee, NURSE.organisation): 3}
    at_night = frozenset(DAY - timedelta(ago) for ago in (1, 3, 5))
    assert usual.nights == {(NURSE.employee, NURSE.organisation): (at_night, 5)}
    assert usual.role == {NURSE.role: 3.5}


def test_the_weightiest_hint_of_the_newest_day_comes_first() -> None:
    days = (ORDINARY._replace(day=DAY - timedelta(1), refused=30, emergencies=1), ORDINARY._replace(emergencies=1))
    conduct = Conduct(0, days, (Insistence(NURSE, DAY, "ab" * 16, True, (3, 5, 8)),), (Sweep(NURSE, DAY, 12, 77),))

    hints = hints_of(conduct, USUAL, HintRules())

    assert [(hint.day, hint.rule) for hint in hints] == [
        (DAY, Rule.INSISTING), (DAY, Rule.EMERGENCY), (DAY, Rule.MANY_CLIENTS),
        (DAY - timedelta(1), Rule.EMERGENCY), (DAY - timedelta(1), Rule.REFUSALS),
    ]  # fmt: skip
    assert len({hint.id for hint in hints}) == len(hints)
    assert (hints[0].patient, hints[0].seqs, hints[2].seq) == ("ab" * 16, (3, 5, 8), 77)
    assert "2 keer geweigerd" in hints[0].found and "in de nacht" in hints[0].found


def test_the_example_of_the_rules_has_every_bound_with_its_default() -> None:
    file = ROOT / "fixtures" / "hints" / "geboortezorg.toml"

    assert read_hint_rules(file) == read_hint_rules(None) == HintRules()
    assert tomllib.loads(file.read_text()) == msgspec.to_builtins(HintRules())


@pytest.mark.parametrize("text", ["[nacht]\n", "[night]\nbegin = 24\n", "[night]\nfrom = 3\n", "night ="])
def test_a_file_of_rules_that_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hints.toml"
    file.write_text(text)

    with pytest.raises(Misconfigured, match=r"pages\.hints: .*hints\.toml"):
        read_hint_rules(file)


def test_a_file_of_rules_may_change_some_of_them(tmp_path: Path) -> None:
    file = tmp_path / "hints.toml"
    file.write_text("[hour]\nleast_clients = 5\n")

    rules = read_hint_rules(file)

    assert (rules.hour.least_clients, rules.night) == (5, HintRules().night)
