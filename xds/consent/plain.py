"""The rules by which is decided, in plain Dutch (B1), for the client. The only place that has these words.

Source: NEN 7513: 9 (the client's overview is in understandable language).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Plain(NamedTuple):
    """Why a rule permits, and why it refuses; None where it never does. `{client}` is who is spoken to or about."""

    permits: str | None
    refuses: str | None


PLAIN: Mapping[str, Plain] = {
    "own-record": Plain(
        "Het systeem liet dit toe, want het was een document van de eigen organisatie. Daar mag die organisatie zelf "
        "bij.",
        None,
    ),
    "registry": Plain(
        "Het register van deze uitwisseling heeft gekeken of dit mocht. In dat register staat ook waarom.",
        None,
    ),
    "consent": Plain(
        "Het systeem liet dit toe, want de organisatie behandelde {client}, deze functie mag zulke documenten zien, "
        "en er was toestemming.",
        "Er was geen toestemming, of er was gezegd dat dit niet mag. Daarom kreeg deze organisatie niets te zien.",
    ),
    "emergency": Plain(
        "Het systeem liet dit toe, want de zorgverlener gebruikte de noodknop. Dat mag alleen als er gevaar is en "
        "wachten niet kan. Gebruik van de noodknop wordt altijd nagekeken.",
        "De zorgverlener gebruikte de noodknop, maar dat mocht hier niet.",
    ),
    "purpose": Plain(
        None,
        "Wie iets wil zien moet zeggen waarvoor. De reden die werd gegeven is hier niet goed genoeg.",
    ),
    "authorisation": Plain(None, "Iemand met deze functie mag zulke documenten niet zien."),
    "treatment-relation": Plain(
        None,
        "Deze organisatie behandelde {client} op dat moment niet, voor zover bekend. "
        "Wie iemand niet behandelt, mag het dossier niet zien.",
    ),
    "confidentiality": Plain(
        None,
        "Dit document is extra vertrouwelijk. Alleen een kleine groep zorgverleners mag het zien.",
    ),
    "no-policy": Plain(
        None,
        "Er zijn nog geen regels afgesproken over wie wat mag zien. Dan mag niemand iets zien.",
    ),
    "resource-id": Plain(None, "De zorgverlener was aangemeld voor het dossier van iemand anders."),
}
"""By the rule of a verdict."""
