"""Surnames that are made alike, from what HL7 has and from what people write."""

from __future__ import annotations

import pytest

from xds.model.surname import surnames_of_person, surnames_of_xpn


@pytest.mark.parametrize(
    ("xpn", "surnames"),
    [
        ("Vries^Eva^^^", {"vries"}),
        ("de Vries^Eva", {"vries"}),
        ("Van der Berg-de Boer^Noor^^^^^L", {"berg", "boer"}),
        ("van Dijk-Bakker&van&Dijk&&Bakker^Sofie", {"dijk", "bakker"}),
        ("Jansen&&Jansen^Ann~Smit^Ann", {"jansen", "smit"}),
        ("in 't Veld^Ada", {"veld"}),
        ("\u2019t Hart^Ada", {"hart"}),
        ("Müller-Çelik^Ayşe", {"muller", "celik"}),
        ("Sørensen^Liv", {"sorensen"}),
        ("IJSSEL^Jo", {"ijssel"}),
        ("\u0132ssel^Jo", {"ijssel"}),
        ("O'Brien^Mary", {"obrien"}),
        ("García López^Ana", {"garcialopez"}),
        ("Van^Kim", {"van"}),
        ("X^Kim", set()),
        ("^Kim", set()),
        ("", set()),
    ],
)
def test_of_a_name_as_a_source_sends_it(xpn: str, surnames: set[str]) -> None:
    assert surnames_of_xpn(xpn) == surnames


@pytest.mark.parametrize(
    ("name", "surnames"),
    [
        ("Anna Jansen", {"jansen"}),
        ("A.B. van der Berg-de Boer", {"berg", "boer"}),
        ("dr. P.J. de Boer", {"boer"}),
        ("Bakker - Smit, Sofie", {"bakker", "smit"}),
        ("M. Bakker - Smit", {"bakker", "smit"}),
        ("Prof. dr. M. Vink, arts", {"vink"}),
        ("van Dijk, C.", {"dijk"}),
        ("Mirjam de Wit", {"wit"}),
        ("De Wit", {"wit"}),
        ("Jansen", {"jansen"}),
        ("A.", set()),
        ("", set()),
    ],
)
def test_of_a_name_as_people_write_it(name: str, surnames: set[str]) -> None:
    assert surnames_of_person(name) == surnames
