"""The documents of the month before the story: what each sort is, and a PDF/A of it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from demonstration.staff import UZI, Employee
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.consent import ORGANISATION_KINDS, URA_OID
from xds.model.objects import DocumentEntry

_TEMPLATE = Path(__file__).with_name("document.typ")
_LOINC, _LOCAL = "2.16.840.1.113883.6.1", "2.999.10.1"
_CLASSES, _CONTENTS, _SNOMED = "1.3.6.1.4.1.19376.1.2.6.1", "2.999.10.4", "2.16.840.1.113883.6.96"
_NORMAL = Coded("N", "2.16.840.1.113883.5.25", "Normaal")
_PDF_A = Coded("pdf-a", "2.999.10.2", "PDF/A")
_SUMMARY, _REPORT = Coded("SUMMARIES", _CLASSES, "Samenvattingen"), Coded("REPORTS", _CLASSES, "Verslagen")
_PREGNANCY = Coded("zwangerschap", _CONTENTS, "Zorg tijdens de zwangerschap")
_HANDOVER = Coded("overdracht", _CONTENTS, "Overdracht van zorg")
_SETTINGS = {
    "midwife-practice": Coded("eerstelijns-verloskunde", "2.999.10.3", "Eerstelijns verloskunde"),
    "hospital": Coded("394585009", _SNOMED, "Verloskunde en gynaecologie"),
    "jgz": Coded("jeugdgezondheidszorg", "2.999.10.3", "Jeugdgezondheidszorg"),
}
_FACILITIES = {"V6": "Algemeen ziekenhuis", "G3": "Verloskundigenpraktijk", "JGZ": "Jeugdgezondheidszorg"}


class Sort(NamedTuple):
    """A sort of document. `content` is the contentTypeCode of its submission."""

    title: str
    type: Coded
    kind: Coded
    content: Coded
    text: str
    events: tuple[Coded, ...] = ()

    def entry(self, author: Employee) -> DocumentEntry:
        """What is known of such a document by this author, but for when it was made and its content."""
        organisation = author.at
        return DocumentEntry(
            entry_uuid="",
            names=(LocalizedString(self.title, "nl-NL"),),
            authors=(author_of(author),),
            class_code=self.kind,
            type_code=self.type,
            confidentiality_code=(_NORMAL,),
            event_code_list=self.events,
            format_code=_PDF_A,
            healthcare_facility_type_code=Coded(organisation.kind, ORGANISATION_KINDS, _FACILITIES[organisation.kind]),
            practice_setting_code=_SETTINGS[author.organisation],
            language_code="nl-NL",
            mime_type="application/pdf",
        )


CARD = Sort(
    "Zwangerschapskaart",
    Coded("zwangerschapskaart", _LOCAL, "Integrale zwangerschapskaart"),
    _SUMMARY,
    _PREGNANCY,
    "Anamnese, obstetrische voorgeschiedenis, laboratorium, risicoselectie en zorgpad, met de à terme datum.",
)
DATING_SCAN = Sort(
    "Termijnecho",
    Coded("11525-3", _LOINC, "Echoscopisch onderzoek zwangerschap"),
    _REPORT,
    _PREGNANCY,
    "Eenling, hartactie positief. Kop-stuitlengte past bij 10 weken en 4 dagen; de à terme datum is daarop gesteld.",
    (Coded("US", "1.2.840.10008.2.16.4", "Echografie"),),
)
ANOMALY_SCAN = Sort(
    "Tweede-trimesterecho (20 weken)",
    DATING_SCAN.type,
    _REPORT,
    _PREGNANCY,
    "Structureel onderzoek zonder afwijkingen. Placenta op de achterwand, ruim van het ostium.",
    DATING_SCAN.events,
)
CHECK = Sort(
    "Zwangerschapscontrole",
    Coded("57059-8", _LOINC, "Samenvatting zwangerschapscontrole"),
    _SUMMARY,
    _PREGNANCY,
    "Bloeddruk 112/68, fundus naar verwachting, cortonen positief, hoofdligging. Volgende controle over twee weken.",
)
BIRTH = Sort(
    "Partusverslag",
    Coded("partusverslag", _LOCAL, "Partusverslag"),
    _REPORT,
    Coded("bevalling", _CONTENTS, "Zorg rond de bevalling"),
    "Spontane partus na een ontsluiting van zeven uur. Apgarscore 9 na 1 en 10 na 5 minuten. Bloedverlies 300 ml.",
)
MATERNITY = Sort(
    "Overdracht kraamzorg",
    Coded("overdracht-kraamzorg", _LOCAL, "Overdracht kraamzorg"),
    _SUMMARY,
    Coded("kraambed", _CONTENTS, "Zorg in het kraambed"),
    "Moeder en kind maken het goed. Borstvoeding op verzoek, gewicht van het kind dagelijks noteren.",
)
YOUTH = Sort(
    "eOverdracht geboortezorg naar JGZ",
    Coded("eoverdracht-jgz", _LOCAL, "eOverdracht geboortezorg naar jeugdgezondheidszorg"),
    _SUMMARY,
    _HANDOVER,
    "Beloop van zwangerschap, bevalling en kraambed, hielprik en gehoorscreening, en de aandachtspunten voor de JGZ.",
)
SORTS = (CARD, DATING_SCAN, ANOMALY_SCAN, CHECK, BIRTH, MATERNITY, YOUTH)


def author_of(employee: Employee) -> Author:
    person, organisation = employee.requester.user, employee.at
    given, _, surname = (person.name or "").partition(" ")
    return Author(
        person=(f"{person.number}^{surname}^{given}^^^^^^&{UZI}&ISO",),
        institution=(f"{organisation.name}^^^^^&{URA_OID}&ISO^^^^{organisation.ura}",),
        role=(person.role.code,),
    )


def pdf_of(sort: Sort) -> bytes:
    """The document itself: the same for every client."""
    import typst  # takes long to load

    about = {"title": sort.title, "text": sort.text}
    return typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        pdf_standards=["a-2a"],
        font_paths=_fonts(),
        sys_inputs={"about": json.dumps(about)},
    )


@lru_cache(1)
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False)
