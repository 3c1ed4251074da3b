"""Where a client goes with a question about what she read."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from xds.audit.record import decode
from xds.model.dutch_time import dutch_day, dutch_time
from xds.pages.ask import Ask, Missing, Seen, View
from xds.pages.client.lines import lines_of
from xds.pages.client.own import Own, own_of
from xds.pages.client.words import Line
from xds.ports import Reader

_PAGE = "Een vraag stellen"


class _About(NamedTuple):
    """What the question is about, and how a message on it begins: without a number or name of the client.

    `organisation` is whom to ask; "" where it was none.
    """

    line: Line
    when: str
    organisation: str

    @property
    def message(self) -> str:
        """The query of a mailto: link. Source: RFC 6068."""
        subject = f"Vraag over regel {self.line.seq} van mijn overzicht"
        body = f"Mijn vraag gaat over regel {self.line.seq}, van {self.when}.\r\n\r\nIk wil graag weten: "
        return f"?subject={quote(subject)}&body={quote(body)}"


async def question(ask: Ask) -> View:
    """Who answers, about one line where the address names one; Missing when that is not the client's."""
    asked = ask.query.get("regel", "")

    def look(reader: Reader) -> tuple[Own, _About | None]:
        own = own_of(ask, reader)
        return own, _about(ask, reader, own, asked) if asked else None

    own, about = await ask.read(look)
    visit = ask.session.visit
    portal = "" if visit is None else visit.organisation_name
    words = (("regel", asked),) if about else ()
    return View("client/question.html", Seen(_PAGE, words, (own.cx,)), {"own": own, "portal": portal, "about": about})


def _about(ask: Ask, reader: Reader, own: Own, asked: str) -> _About:
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Missing
    kept = reader.log.lines(int(asked), 1)
    if not kept or kept[0].leaf.seq != int(asked) or kept[0].payload is None:
        raise Missing
    record = decode(kept[0].payload)
    if record.patient != str(own.cx):
        raise Missing
    (line,) = lines_of(ask, reader, own, kept)
    when = f"{dutch_day(line.moment)} om {dutch_time(line.moment):%H:%M} uur"
    return _About(line, when, line.organisation if record.user.person.organisation and not line.own else "")
