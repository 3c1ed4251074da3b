"""What a client reads of her own dossier: who looked, why that was allowed, and what she chose."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pages_kit import Pages, served
from pypdf import PdfReader
from samples import OTHER_PATIENT, PATIENT, entry

from xds.audit.events import KINDS
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.audit import Access, Document, Event
from xds.model.coded import Coded, LocalizedString
from xds.model.consent import ANYONE, Channel, Consent, Decision, Giver, Scope, ScopeKind, Subject
from xds.model.hl7 import CX, parse_cx
from xds.model.objects import Status
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict
from xds.model.viewer import Relation
from xds.pages.client.words import DEEDS
from xds.ports import Writer

EVA, OTHER = parse_cx(PATIENT), parse_cx(OTHER_PATIENT)
BORIS = CX("999990019", "2.16.840.1.113883.2.4.6.3")
BEGIN = datetime(2026, 3, 10, 8, 5, tzinfo=UTC)
PRACTICE = Organisation("01234567", "Praktijk De Kom", "G3")
HOSPITAL = Organisation("00005678", "Ziekenhuis <b>Oost</b>", "V6")
MIDWIFE = Coded("03.000", "2.16.840.1.113883.2.4.15.111", "Verloskundige")
BY_CONSENT = Verdict(
    True, "consent", "12", "De cliënt heeft op 1 maart 2026 toestemming gegeven.", Checks(True, True, True),
    Grounds("2026-01", "registered:1", "12"),
)  # fmt: skip
UNRELATED = Verdict(False, "treatment-relation", "2026-01", "Geen behandelrelatie.", Checks(True, False))
IN_EMERGENCY = Verdict(True, "emergency", "2026-01", "Noodknop.", Checks(True, False, None, True))


def requester(organisation: Organisation, name: str, **changes: Any) -> Requester:
    participant = Participant(1, organisation, "ab" * 32, ("2.999.7",), date(2025, 1, 1))
    person = Person("123456789", "2.16.528.1.1007.3.1", name, MIDWIFE)
    purpose = Coded("TREAT", "2.16.840.1.113883.1.11.20448", "Behandeling")
    return Requester(participant, person, organisation, purpose, 4, "urn:issuer", "_1", **changes)


JANSEN, BAKKER = requester(PRACTICE, "J. Jansen"), requester(HOSPITAL, "B. Bakker")
URGENT = requester(HOSPITAL, "E. Haast", emergency='=HYPERLINK("x") <script>alert(1)</script>\u202e\x1b[31m\r\nbinnen')


def happened(
    name: str,
    by: Requester | None,
    verdict: Verdict | None,
    hours: float,
    **changes: Any,
) -> Event:
    documents = (Document("2.999.100.4711"),) if verdict is not None and verdict.permitted else ()
    given = {
        "requester": by,
        "address": "192.0.2.7",
        "accesses": (Access(EVA, verdict, documents),),
    }
    started = BEGIN + timedelta(hours=hours)
    return Event(
        **{
            "request_id": name,
            "transaction": "ITI-43",
            "started": started,
            "outcome": 0,
        }
        | given
        | changes
    )


def register(writer: Writer) -> None:
    """A document with a title that would be a tag, if it were not escaped."""
    known = entry(
        "urn:uuid:00000000-0000-4000-8000-000000004711",
        unique_id="2.999.100.4711",
        logical_id="urn:uuid:00000000-0000-4000-8000-000000004711",
        version="1",
        availability_status=Status.APPROVED,
        names=(LocalizedString("Kaart <img src=x onerror=alert(1)>"),),
    )
    writer.add_patient(PATIENT)
    patient = writer.patient(PATIENT)
    assert patient is not None
    writer.insert([(known, pack(encode(known)))], patient)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("client-pages")) as running:
        running.database.write_now(register)
        running.record(*(happened(f"zelfde-{hour}", JANSEN, BY_CONSENT, hour) for hour in range(3)))
        running.record(
            happened("nood", URGENT, IN_EMERGENCY, 24),
            happened("weigering", BAKKER, UNRELATED, 25),
            happened(
                "systeem",
                None,
                None,
                48,
                transaction="ITI-42",
                participant=JANSEN.participant,
            ),
            happened(
                "ander",
                requester(PRACTICE, "X"),
                BY_CONSENT,
                50,
                accesses=(Access(OTHER, BY_CONSENT, ()),),
            ),
            happened(
                "oud",
                JANSEN,
                BY_CONSENT,
                -2000,
                accesses=(Access(EVA, BY_CONSENT, (Document("2.999.1.9"),)),),
            ),
        )
        yield running


def test_she_reads_who_looked_when_at_what_and_why(pages: Pages) -> None:
    answer = pages.visiting().get("/mijn?van=2026-03-10&tot=2026-03-12")

    assert answer.status == 200
    text = answer.text
    assert text.index("12 maart 2026") < text.index("11 maart 2026") < text.index("10 maart 2026")
    assert "Praktijk De Kom" in text and "verloskundige" in text
    assert "Kaart &lt;img src=x onerror=alert(1)&gt; (zwangerschapskaart)" in text
    assert "en nog 2 keer" in text and "om 11:05, 10:05, 09:05 uur" in text
    assert "toegestaan" in text and "er was toestemming" in text
    assert "De cliënt heeft op 1 maart 2026 toestemming gegeven." in text
    assert "Deze organisatie behandelde u op dat moment niet" in text
    assert "Dit deed een computersysteem vanzelf" in text


def test_a_name_is_told_where_the_emergency_procedure_was_used_only(
    pages: Pages,
) -> None:
    text = pages.visiting().get("/mijn").text

    assert "E. Haast" in text and "noodknop gebruikt" in text
    assert "J. Jansen" not in text and "B. Bakker" not in text


def test_nothing_of_metadata_or_log_is_read_as_markup(pages: Pages) -> None:
    text = pages.visiting().get("/mijn").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script>alert" not in text
    assert "Ziekenhuis &lt;b&gt;Oost&lt;/b&gt;" in text and "<img" not in text
    assert not [sign for sign in "\u202e\x1b\r" if sign in text]


def test_a_period_has_its_days_and_no_others(pages: Pages) -> None:
    rows = pages.visiting().get("/mijn.json?van=2026-03-11&tot=2026-03-11").json()["rows"]

    assert [(row["moment"], row["outcome"]) for row in rows] == [
        ("2026-03-11T09:05:00Z", "geweigerd"),
        ("2026-03-11T08:05:00Z", "noodknop gebruikt"),
    ]
    for path in ("/mijn?van=gisteren", "/mijn.pdf?tot=31-02-2026", "/mijn?van=2026-03-02&tot=2026-03-01"):
        answer = pages.visiting().get(path)
        assert (answer.status, "Verbeter de dag." in answer.text) == (422, True), path
        assert 'aria-invalid="true"' in answer.text and "Praktijk" not in answer.text
    assert pages.visiting().get("/mijn.json?van=gisteren").status == 422


def test_a_document_that_is_gone_has_words_too(pages: Pages) -> None:
    rows = pages.visiting().get("/mijn.json?tot=2026-01-01").json()["rows"]

    assert [row["documents"] for row in rows] == [["een document dat niet meer is aangemeld"]]


def test_the_download_has_every_line_and_no_formula(pages: Pages) -> None:
    answer = pages.visiting().get("/mijn.csv?van=2026-03-10&tot=2026-03-12")

    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = answer.body.decode("utf-8-sig").splitlines()
    assert len(lines) == 7
    assert lines[0].startswith('"Wanneer";"Organisatie";"Functie"')
    assert len([line for line in lines if ';"\'=HYPERLINK(""x"")' in line]) == 1 and ';"=' not in answer.text


def test_she_takes_it_along_as_a_document_to_keep(pages: Pages) -> None:
    answer = pages.visiting().get("/mijn.pdf?van=2026-03-10&tot=2026-03-12")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert "wie-heeft-mijn-dossier-ingezien.pdf" in answer.headers["Content-Disposition"]
    assert answer.body.startswith(b"%PDF-") and b"<pdfaid:part>2</pdfaid:part>" in answer.body
    text = " ".join(PdfReader(io.BytesIO(answer.body)).pages[0].extract_text().split())
    assert "Dit is het overzicht van het dossier van wie op " in text and "via Ziekenhuis De Uiver." in text
    assert "Periode: van 10-03-2026 tot en met 12-03-2026." in text and "Aantal regels: " in text
    assert "bladzijde 1 van 1" in text and "gemaakt op " in text
    assert PATIENT.partition("^")[0] not in text


def test_those_who_work_for_no_organisation_are_named_by_what_they_do(pages: Pages) -> None:
    keeper = Event("beheer", "consent-read", BEGIN, 0, operator="root", accesses=(Access(BORIS),))
    pages.record(keeper)
    pages.signed_in("van-de-uitwisseling").get(f"/toezicht/log?client={pages.recorder.patient(str(BORIS)).hex()}")
    hospital = pages.signed_in("van-het-ziekenhuis", organisation="00010990")
    hospital.get("/toezicht/client")
    hospital.post("/toezicht/client", {"nummer": BORIS.number})
    rows = pages.visiting(str(BORIS)).get("/mijn.json").json()["rows"]
    assert [(row["organisation"], row["role"]) for row in rows if "Via" not in row["organisation"]] == [
        ("Ziekenhuis De Uiver", "privacyfunctionaris (kijkt na of inzage mocht)"),
        ("Toezicht op deze uitwisseling", "privacyfunctionaris (kijkt na of inzage mocht)"),
        ("Beheer van deze uitwisseling", "beheerder van het systeem"),
    ]


def test_many_documents_of_one_line_are_folded(pages: Pages) -> None:
    client = "999900043^^^&2.16.840.1.113883.2.4.6.3&ISO"

    def known(writer: Writer) -> None:
        writer.add_patient(client)
        number = writer.patient(client)
        assert number is not None
        for each in range(5):
            uuid = f"urn:uuid:00000000-0000-4000-8000-{each:012}"
            made = entry(uuid, unique_id=f"2.999.7.{each}", logical_id=uuid, version="1", patient_id=client,
                         availability_status=Status.APPROVED, names=(LocalizedString(f"Brief {each}"),))  # fmt: skip
            writer.insert([(made, pack(encode(made)))], number)

    pages.database.write_now(known)
    found = tuple(Document(f"2.999.7.{each}") for each in range(5))
    pages.record(happened("vijf", JANSEN, BY_CONSENT, 0, accesses=(Access(parse_cx(client), BY_CONSENT, found),)))

    text = pages.visiting(client).get("/mijn").text
    assert "<summary>5 documenten</summary>" in text and "Brief 4 (zwangerschapskaart)" in text


def test_nobody_else_has_a_line_on_her_page_and_her_page_shows_nothing_elsewhere(
    pages: Pages,
) -> None:
    mine = pages.visiting().get("/mijn.json").json()["rows"]
    others = pages.visiting(OTHER_PATIENT).get("/mijn.json?van=2026-03-10&tot=2026-03-13").json()["rows"]
    unknown = pages.visiting("999900018^^^&2.16.840.1.113883.2.4.6.3&ISO").get("/mijn?van=2026-03-10&tot=2026-03-13")

    assert not [row for row in mine if row["moment"] == "2026-03-12T10:05:00Z"]
    assert [row["organisation"] for row in others] == ["Praktijk De Kom"]
    assert unknown.status == 200 and "In deze periode is er niets vastgelegd." in unknown.text


def test_that_she_looked_is_on_record_as_hers(pages: Pages) -> None:
    browser = pages.visiting()
    key = pages.recorder.patient(PATIENT)
    before = len(pages.records(patient=key, transaction="log-read"))
    browser.get("/mijn?van=2026-03-10")
    looked = pages.records(patient=key, transaction="log-read")

    assert len(looked) == before + 1
    assert looked[-1].things[0].details == (("van", "10-03-2026"),)
    newest = browser.get("/mijn.json").json()["rows"][0]
    assert (newest["organisation"], newest["role"]) == ("Via Ziekenhuis De Uiver", "u zelf")


@pytest.mark.parametrize(
    ("years", "relation", "status"),
    [
        (11, Relation.PARENT, 200), (11, Relation.CLIENT, 404),
        (12, Relation.PARENT, 200), (12, Relation.CLIENT, 200), (15, Relation.PARENT, 200),
        (16, Relation.PARENT, 404), (16, Relation.CLIENT, 200),
    ],
)  # fmt: skip
def test_a_parent_looks_until_the_child_is_16_and_the_child_from_12(
    pages: Pages, years: int, relation: Relation, status: int
) -> None:
    child = f"9{years:08}^^^&2.16.840.1.113883.2.4.6.3&ISO"
    born = pages.now.date().replace(day=1, year=pages.now.year - years)

    def known(writer: Writer) -> None:
        writer.add_patient(child)
        number = writer.patient(child)
        assert number is not None
        writer.consents.set_birth_date(number, born)

    pages.database.write_now(known)
    answer = pages.visiting(child, relation).get("/mijn")

    assert answer.status == status
    assert ("uw kind" in answer.text) is (status == 200 and relation is Relation.PARENT)


def said(decision: Decision, days: int, **changes: Any) -> Consent:
    """A word of the client about her results, days after the beginning."""
    at = BEGIN + timedelta(days=days)
    subject = Subject(Scope(ScopeKind.ORGANISATION, "00010990"), "GGC012", Scope(ScopeKind.CATEGORY, "verloskunde"))
    given = {"until": None, "given_by": frozenset({Giver.CLIENT}), "channel": Channel.PORTAL}
    return Consent(**{"number": 0, "subject": subject, "decision": decision, "since": at} | given
                   | {"recorded_by": "Balie <b>", "recorded_at": at} | changes)  # fmt: skip


def test_she_reads_what_she_allows_and_how_that_changed(pages: Pages) -> None:
    client = "999900031^^^&2.16.840.1.113883.2.4.6.3&ISO"
    words = [
        said(Decision.PERMIT, 0),
        said(Decision.DENY, 2, in_emergency=True, channel=Channel.SPOKEN),
        said(Decision.PERMIT, 3, subject=Subject(ANYONE, None, Scope(ScopeKind.CATEGORY, "jgz")),
             until=BEGIN + timedelta(days=5)),
    ]  # fmt: skip

    def known(writer: Writer) -> None:
        writer.add_patient(client)
        number = writer.patient(client)
        assert number is not None
        for word in words:
            writer.consents.add_consent(number, word)

    browser = pages.visiting(client)
    pages.database.write_now(known)
    text = browser.get("/mijn/toestemming").text
    rows = browser.get("/mijn/toestemming.json").json()["rows"]

    results = "verloskundigenpraktijken en geboortecentra", "uitslagen", "Ziekenhuis De Uiver"
    assert [(row["decision"], row["consumer"], row["what"], row["holder"], row["state"]) for row in rows] == [
        ("toestemming", "jeugdgezondheidszorg", "alle gegevens", "alle zorgaanbieders die meedoen",
         "gold tot 15 maart 2026"),
        ("bezwaar", *results, "geldt nu"),
        ("toestemming", *results, "vervangen op 12 maart 2026"),
    ]  # fmt: skip
    assert "Dit mag niet: uitslagen zien van Ziekenhuis De Uiver." in text
    assert "Gekozen door u, in een gesprek, op" in text and "Ook als er gevaar is mag niemand kijken" in text
    assert "Ingevoerd door Balie &lt;b&gt;." in text and "<b>" not in text
    (looked, *_) = pages.records(patient=pages.recorder.patient(client), transaction="consent-read")
    assert looked.things[0].name == "Toestemming"


def test_she_reads_that_who_joined_since_sees_nothing_yet(pages: Pages) -> None:
    client = "999900055^^^&2.16.840.1.113883.2.4.6.3&ISO"
    word = said(Decision.PERMIT, 0, subject=Subject(ANYONE, None, Scope(ScopeKind.CATEGORY, "kraamzorg")))
    general = said(Decision.PERMIT, 0, subject=Subject(ANYONE, None, ANYONE))

    def known(writer: Writer) -> None:
        writer.add_patient(client)
        number = writer.patient(client)
        assert number is not None
        writer.consents.add_consent(number, word)
        writer.consents.add_consent(number, general)
        writer.consents.join("K4", BEGIN + timedelta(days=1))

    pages.database.write_now(known)
    browser = pages.visiting(client)
    text = browser.get("/mijn/toestemming").text
    assert "Er zijn nieuwe organisaties aangesloten:" in text and "kraamzorgorganisaties. Zij zien nog niets." in text
    states = [row["state"] for row in browser.get("/mijn/toestemming.json").json()["rows"]]
    assert states == ["telt niet, want er staat niet bij wie het mag zien", "geldt nu"]


def test_without_a_choice_she_reads_what_that_means(pages: Pages) -> None:
    assert "Er geldt nu geen toestemming" in pages.visiting().get("/mijn/toestemming").text


def test_nothing_is_shown_that_is_not_on_record(pages: Pages) -> None:
    browser = pages.visiting()
    with pages.out_of_order():
        answer = browser.get("/mijn/toestemming")

    assert answer.status == 500 and "Er geldt nu" not in answer.text


def test_she_is_told_whom_to_ask(pages: Pages, tmp_path: Path) -> None:
    office = {"contact": "Bureau Geboortezorg", "contact_email": "vraag@bureau.example", "contact_phone": "030 123"}
    with served(tmp_path, **office) as named:
        text = named.visiting().get("/mijn/vraag").text

    assert (
        "Bureau Geboortezorg" in text and 'href="mailto:vraag@bureau.example"' in text and 'href="tel:030123"' in text
    )
    assert "U kwam hier via Ziekenhuis De Uiver" in pages.visiting().get("/mijn/vraag").text


def test_whatever_can_happen_has_words() -> None:
    assert DEEDS.keys() == KINDS.keys()
