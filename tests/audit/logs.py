"""A log in memory, sealed by the product's own rules, for what verifies and shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from xds.audit.checkpoint import Signer, VerificationKey, new_signing_key
from xds.audit.record import Recorder
from xds.audit.tree import commitment, extended, leaf_hash, link
from xds.model.audit import EMPTY, Access, Document, Entry, Event, Head, Kept, Leaf, Source
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict

BSN = "2.16.840.1.113883.2.4.6.3"
MARIA = CX("999911120", BSN)
SOFIE = CX("999900006", BSN)
START = datetime(2025, 3, 12, 13, 5, tzinfo=UTC)
RECORDER = Recorder(Source("2.999.1", "xds.example"), b"k" * 32)
SIGNER = Signer(new_signing_key(), "xds.example/log")

PRACTICE = Organisation("00001234", "Verloskundigenpraktijk De Kom", "V4")
HOSPITAL = Organisation("00005678", "Ziekenhuis Oost", "V6")
PERMITTED = Verdict(
    True,
    "consent.specific",
    "12",
    "Mag, want de cliënt gaf toestemming aan deze praktijk.",
    Checks(True, True, True),
    Grounds("matrix 3", "sender 7", "consent 12"),
)
REFUSED = PERMITTED._replace(permitted=False, rule="consent.none", reason="Mag niet: er is geen toestemming.")


def requester(organisation: Organisation = PRACTICE, **changes: object) -> Requester:
    role = Coded("01.041", "2.16.840.1.113883.2.4.15.111", "Verloskundige")
    person = Person("123456789", "2.16.528.1.1007.3.1", "J. Jansen", role)
    participant = Participant(1, organisation, "ab" * 32, ("2.999.7",), date(2025, 1, 1))
    purpose = Coded("TREATMENT", "2.16.840.1.113883.3.18.7.1", "Treatment")
    asked = {"participant": participant, "user": person, "organisation": organisation, "purpose": purpose}
    return Requester(**{**asked, "assurance": 4, "issuer": "urn:issuer", "assertion_id": "_1", **changes})


JANSEN = requester()


def event(number: int, *accesses: Access, **changes: object) -> Event:
    """A query by the midwife that found one document of Maria's."""
    found = Document("1.2.3", "urn:uuid:00000000-0000-4000-8000-000000000001", "2.999.5", "N")
    given = {
        "requester": JANSEN,
        "address": "192.0.2.7",
        "accesses": accesses or (Access(MARIA, PERMITTED, (found,)),),
        "query_id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        "query": '<AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"/>',
    }
    started = START + timedelta(seconds=number)
    return Event(**{"request_id": f"r-{number:x}", "transaction": "ITI-18", "started": started, "outcome": 0}
                 | given | changes)  # fmt: skip


class Log:
    """Lines, their heads after each of them, and the checkpoints that were signed."""

    def __init__(self, signer: Signer = SIGNER):
        self.signer = signer
        self.lines: list[Kept] = []
        self.heads: list[Head] = [EMPTY]
        self.notes: list[str] = []
        self.now = START

    @property
    def key(self) -> VerificationKey:
        return self.signer.key

    @property
    def head(self) -> Head:
        return self.heads[-1]

    def add(self, entry: Entry, salt: bytes = b"salt" * 4) -> None:
        self.now += timedelta(seconds=1)
        self.add_leaf(entry.request_id, entry.number, salt, entry.payload)

    def add_leaf(self, request_id: str, number: int, salt: bytes, payload: bytes) -> None:
        time = int(self.now.timestamp() * 1_000_000)
        leaf = Leaf(self.head.size, time, request_id, number, commitment(salt, payload))
        hashed = leaf_hash(leaf)
        chain = link(self.head.chain, hashed)
        self.lines.append(Kept(leaf, chain, salt, payload))
        self.heads.append(extended(self.head, time, chain, [hashed]))

    def grow(self, count: int, every: int = 0, first: int | None = None) -> Log:
        """Add events; sign a checkpoint at every so many records, and at the end."""
        first = self.head.size if first is None else first
        for number in range(first, first + count):
            for entry in RECORDER.entries(event(number)):
                self.add(entry)
            if every and self.head.size % every == 0:
                self.sign()
        self.sign()
        return self

    def sign(self) -> None:
        self.notes.append(self.signer.note(self.head, self.now))

    def cut(self, size: int) -> Log:
        """The same log as it was at an earlier size, as a backup has it; the checkpoints up to then stay."""
        earlier = Log(self.signer)
        earlier.lines, earlier.heads = self.lines[:size], self.heads[: size + 1]
        earlier.notes = [note for note in self.notes if int(note.splitlines()[1]) <= size]
        earlier.now = START + timedelta(seconds=size)
        return earlier


def sizes(notes: Sequence[str]) -> list[int]:
    return [int(note.splitlines()[1]) for note in notes]
