"""What a browser is told when there is no page to show, by HTTP status."""

from __future__ import annotations

_WORDS: dict[int, str] = {
    400: "Dit verzoek is niet te begrijpen.",
    401: "Meld u eerst aan.",
    403: "Dit formulier hoort niet bij deze sessie, of is te oud. Ga terug, vernieuw de pagina en probeer het opnieuw.",
    404: "Deze pagina bestaat niet, of u mag haar niet zien.",
    405: "Dit kan hier niet.",
    413: "Dit verzoek is te groot.",
    422: "Een dag in dit adres is niet te begrijpen. Schrijf een dag zo: 2026-11-25.",
    421: "Dit adres hoort niet bij deze website.",
    500: "Er ging iets mis. Het is vastgelegd; probeer het later nog eens.",
    503: "Dit is even niet beschikbaar. Er is niets getoond of veranderd; probeer het later nog eens.",
}


def words(status: int) -> str:
    """A sentence that repeats nothing of what was asked."""
    return _WORDS.get(status, _WORDS[400])
