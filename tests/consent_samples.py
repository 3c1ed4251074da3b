"""Synthetic requesters, clients and documents for what is decided about consent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from xds.consent import Policy, read_policy
from xds.consent.engine import Judge
from xds.consent.given import answer_all
from xds.model.coded import Coded
from xds.model.consent import (
    ANYONE,
    Candidate,
    Channel,
    ClientFacts,
    Consent,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
    Subject,
    TreatmentRelation,
)
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Verdict

ROOT = Path(__file__).parents[1]
POLICY_FILE = ROOT / "fixtures" / "policies" / "geboortezorg.toml"
POLICY: Policy = read_policy(POLICY_FILE.read_bytes(), str(POLICY_FILE))

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
RECENTLY = NOW - timedelta(days=30)
ROLES = "2.16.840.1.113883.2.4.15.111"
LOINC = "2.16.840.1.113883.6.1"
LOCAL = "2.999.10.1"
CONFIDENTIALITY = "2.16.840.1.113883.5.25"

HOLDER = "00000001"
"""The hospital whose documents are asked for."""
PRACTICE = Organisation("00000002", "Verloskundigenpraktijk De Ooievaar", "G3")
HOSPITAL = Organisation("00000003", "Ziekenhuis De Linde", "V6")
GP = Organisation("00000004", "Huisartspraktijk Zuid", "Z3")
YOUTH = Organisation("00000005", "JGZ Noord", "JGZ")
MATERNITY = Organisation("00000006", "Kraamzorg De Wieg", "K4")

DOSSIER = ("57055-6", LOINC)
RESULT = ("11525-3", LOINC)
MEDICATION = ("56445-0", LOINC)
HANDOVER = ("eoverdracht-jgz", LOCAL)

_numbers = itertools.count(1)


def requester(organisation: Organisation, role: str, purpose: str = "TREAT", **changes: Any) -> Requester:
    """A person of an organisation, with a role of the UZI-register."""
    given: dict[str, Any] = {
        "participant": Participant(1, organisation, "0" * 64, (), date(2025, 1, 1)),
        "user": Person("900000001", "2.16.528.1.1007.3.1", "A. Jansen", Coded(role, ROLES)),
        "organisation": organisation,
        "purpose": Coded(purpose, "2.16.840.1.113883.1.11.20448"),
        "assurance": 3,
        "issuer": "https://idp.example",
        "assertion_id": "_1",
    }
    return Requester(**{**given, **changes})


def organisation(ura: str) -> Scope:
    return Scope(ScopeKind.ORGANISATION, ura)


def category(code: str) -> Scope:
    return Scope(ScopeKind.CATEGORY, code)


def consent(
    decision: Decision,
    consumer: Scope = ANYONE,
    category: str | None = None,
    holder: Scope = ANYONE,
    **changes: Any,
) -> Consent:
    """A consent that an adult gave a month ago, for ever."""
    given: dict[str, Any] = {
        "since": RECENTLY,
        "until": None,
        "given_by": frozenset({Giver.CLIENT}),
        "channel": Channel.PORTAL,
        "recorded_by": "portal",
        "recorded_at": RECENTLY,
    }
    return Consent(next(_numbers), Subject(holder, category, consumer), decision, **{**given, **changes})


def permit(*about: Any, **changes: Any) -> Consent:
    return consent(Decision.PERMIT, *about, **changes)


def deny(*about: Any, **changes: Any) -> Consent:
    return consent(Decision.DENY, *about, **changes)


def relation(organisation: Organisation, **changes: Any) -> TreatmentRelation:
    given = {"since": LONG_AGO, "until": None, "ground": Ground.REGISTERED}
    return TreatmentRelation(next(_numbers), organisation.ura, **{**given, **changes})


def client(*consents: Consent, **changes: Any) -> ClientFacts:
    """An adult whom every organisation treats; each kind of organisation joined before any consent."""
    given: dict[str, Any] = {
        "patient_id": "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO",
        "consents": consents,
        "relations": tuple(map(relation, (PRACTICE, HOSPITAL, GP, YOUTH, MATERNITY))),
        "joined": dict.fromkeys(("G3", "V6", "Z3", "JGZ", "K4"), LONG_AGO),
    }
    return ClientFacts(**{**given, **changes})


def document(type_code: tuple[str, str] = DOSSIER, confidentiality: str = "N", **changes: Any) -> Candidate:
    """A document of the holder, a hospital."""
    made = Candidate((HOLDER,), "V6", None, type_code, (), ((confidentiality, CONFIDENTIALITY),))
    return made._replace(**changes)


def decide(
    asking: Requester, facts: ClientFacts, *documents: Candidate, policy: Policy = POLICY, now: datetime = NOW
) -> list[Verdict]:
    """What the engine decides with the client's own consents."""
    judge = Judge(policy, asking, facts, now, documents)
    return judge.verdicts(answer_all(policy, asking, facts, judge.questions(), now))


def sees(asking: Requester, facts: ClientFacts, *documents: Candidate, **how: Any) -> Sequence[bool]:
    return [verdict.permitted for verdict in decide(asking, facts, *documents, **how)]
