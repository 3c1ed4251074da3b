"""What happens in the tests of the log's pages, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pages_kit import Pages, served

from xds.atna.keys import read_signer
from xds.atna.seal import Sealer
from xds.model.audit import Access, Document, Event
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict

BSN = "2.16.840.1.113883.2.4.6.3"
SOFIE, MARIA = CX("999911120", BSN), CX("999900006", BSN)
BEGIN = datetime(2025, 3, 10, 8, 0, tzinfo=UTC)
PRACTICE = Organisation("00001234", "Praktijk De Kom", "V4")
HOSPITAL = Organisation("00005678", "Ziekenhuis Oost", "V6")


def requester(organisation: Organisation, number: str, name: str, **changes: object) -> Requester:
    role = Coded("01.041", "2.16.840.1.113883.2.4.15.111", "Verloskundige")
    given = {
        "participant": Participant(1, organisation, "ab" * 32, ("2.999.7",), date(2025, 1, 1)),
        "user": Person(number, "2.16.528.1.1007.3.1", name, role),
        "organisation": organisation,
        "purpose": Coded("TREAT", "2.16.840.1.113883.1.11.20448", "Behandeling"),
    }
    return Requester(**{**given, "assurance": 4, "issuer": "urn:issuer", "assertion_id": "_1", **changes})


JANSEN = requester(PRACTICE, "123456789", "J. Jansen")
BAKKER = requester(HOSPITAL, "900000001", "B. Bakker")
URGENT = requester(HOSPITAL, "900000002", "E. Haast", emergency="Bewusteloos binnengebracht")
PERMITTED = Verdict(True, "consent", "12", "Mag, want er is toestemming.", Checks(True, True, True),
                    Grounds("matrix 3", "sender:7", "consent 12"))  # fmt: skip
REFUSED = Verdict(False, "treatment-relation", "matrix 3", "Geen behandelrelatie.", Checks(True, False), Grounds("m 3"))
DOCUMENT = Document("1.2.3", "urn:uuid:00000000-0000-4000-8000-000000000001", "2.999.5", "N")


def happened(number: int, by: Requester, client: CX, verdict: Verdict = PERMITTED, **changes: object) -> Event:
    given = {"requester": by, "address": "192.0.2.7",
             "accesses": (Access(client, verdict, (DOCUMENT,) if verdict.permitted else ()),)}  # fmt: skip
    started = BEGIN + timedelta(hours=6 * number)
    outcome = 0 if verdict.permitted else 4
    return Event(**{"request_id": f"e-{number}", "transaction": "ITI-18", "started": started, "outcome": outcome}
                 | given | changes)  # fmt: skip


def seal(pages: Pages) -> None:
    signer = read_signer(pages.settings.audit.signing_key, pages.settings.audit_origin)
    asyncio.run(Sealer(pages.database, lambda: signer, (), pages.clock).seal())


@contextmanager
def with_a_log(folder: Path) -> Iterator[Pages]:
    """Pages on a log of sixty looks, a document, a refusal and an emergency, of which forty are indexed."""
    with served(folder) as running:
        running.record(*(happened(number, JANSEN, SOFIE) for number in range(60)))
        running.record(happened(60, BAKKER, MARIA, transaction="ITI-43"), happened(61, BAKKER, MARIA, REFUSED))
        running.record(happened(62, URGENT, MARIA))
        running.database.write_now(lambda writer: writer.log.index(40))
        yield running
