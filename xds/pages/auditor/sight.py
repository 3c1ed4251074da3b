"""What an employee could see of a client at a moment that has passed: the engine asked with what was known then, by the
policy that was in force then.

Source: NEN 7513: 9; Wabvpz 15a.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from xds.audit.events import LET_IN_AGAIN, PARTICIPANT, SUSPENDED
from xds.audit.record import decode
from xds.consent import Policy, read_policy
from xds.consent.engine import Judge
from xds.consent.given import answer_all
from xds.consent.past import facts_at, policy_at
from xds.model.audit import SUCCESS, LogSelection, Record
from xds.model.coded import Coded
from xds.model.consent import ClientFacts, PolicyText
from xds.model.dutch_time import dutch_midnight, dutch_time
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.selection import EntrySelection
from xds.model.stored import StoredEntry
from xds.model.verdict import Checks, Verdict
from xds.pages.ask import Ask, Missing, Seen, View
from xds.pages.auditor.client import Client, client_of
from xds.pages.auditor.log import role, who
from xds.pages.auditor.question import UZI_OID, told
from xds.pages.documents import title_of
from xds.pages.listing import Column, Listing
from xds.pages.period import day_of
from xds.ports import Reader

_PAGE = "Wat kon een medewerker zien"
_EMPTY = "Op dat moment was er van deze cliënt geen document aangemeld."
_DAY = timedelta(days=1)
_MOST = 1000
_SUBMISSIONS = ("ITI-41", "ITI-42")
_EMERGENCY_REASON = "noodgeval"
_STATES = {SUSPENDED: True, LET_IN_AGAIN: False}
_SUSPENDED = Verdict(
    False, "aansluiting", "", "De organisatie was op dat moment geschorst en kon niets opvragen.", Checks(False)
)


class Sight(NamedTuple):
    """A document, whether it could be seen, and why; `registered` is None where the log doesn't say when it was."""

    title: str
    registered: datetime | None
    could: str
    mark: str
    rule: str
    reason: str


_COLUMNS = (
    Column("title", "Document", lambda row: row.title),
    Column("registered", "Aangemeld", lambda row: row.registered),
    Column("could", "Kon zien", lambda row: row.could, mark=lambda row: row.mark),
    Column("rule", "Regel", lambda row: row.rule),
    Column("reason", "Waarom", lambda row: row.reason),
)


class Found(NamedTuple):
    """What the page tells: about which employee, as the log last knew them by then, by which rules, and what could be
    seen. `rules` are None where none were ever kept, `policy` where there were none then.
    """

    client: Client
    employee: Record | None = None
    rules: PolicyText | None = None
    policy: Policy | None = None
    rows: tuple[Sight, ...] = ()


async def sight(ask: Ask) -> View:
    """The documents of a client with what an employee could do, at a time of a day; first asks for the employee."""
    number, moment = ask.query.get("medewerker", "").strip(), _moment(ask)

    def look(reader: Reader) -> Found:
        client = client_of(ask, reader)
        employee = _employee(ask, reader, number, moment) if number and moment is not None else None
        if employee is None or moment is None:
            return Found(client)
        rules = policy_at(reader.consents.policies(), moment)
        if rules is None or not rules.content:
            return Found(client, employee, rules)
        policy = read_policy(rules.content, "policy")
        rows = _sights(policy, reader, ask, client, employee, moment)
        return Found(client, employee, rules, policy, tuple(rows))

    found = await ask.read(look)
    words = () if moment is None else (("medewerker", number), ("moment", moment.isoformat()))
    listing = Listing("kon-zien", _PAGE, _COLUMNS, found.rows, total=len(found.rows), empty=_EMPTY)
    employee = found.employee
    context = {
        "client": found.client,
        "number": number,
        "moment": moment,
        "employee": employee,
        "name": "" if employee is None else f"{who(employee)}, {role(employee)}",
        "rules": found.rules,
        "version": "" if found.policy is None else found.policy.version,
        "today": dutch_time(ask.now).date(),
    }
    return View("auditor/sight.html", Seen(_PAGE, words, (found.client.cx,), "consent-read"), context, listing)


def _moment(ask: Ask) -> datetime | None:
    """The time of a day that is asked for, without one its end; never in the future."""
    day, clock = day_of(ask, "dag"), ask.query.get("tijd", "")
    if day is None:
        return None
    try:
        at = time.fromisoformat(clock) if clock else None
    except ValueError:
        raise Missing from None
    midnight = dutch_midnight(day)
    if at is None:
        moment = dutch_midnight(day + _DAY) - timedelta(seconds=1)
    else:
        offset = dutch_time(midnight + timedelta(hours=at.hour, minutes=at.minute)).utcoffset() or timedelta()
        moment = datetime.combine(day, at.replace(tzinfo=None), UTC) - offset
    return min(moment, ask.now)


def _employee(ask: Ask, reader: Reader, number: str, moment: datetime) -> Record | None:
    """The newest record of an employee by then: it says their role and organisation."""
    employee = f"{number}^^^&{UZI_OID}&ISO" if number.isdigit() else number
    asked = LogSelection(started_below=_after(moment), employee=employee, organisation=ask.bound)
    kept = reader.log.newest(asked, None, 1)
    record = decode(kept[0].payload) if kept and kept[0].payload is not None else None
    return record if record is not None and record.purpose is not None else None


def _after(moment: datetime) -> int:
    """The second after it, in microseconds since 1970, as the log has it."""
    return (int(moment.timestamp()) + 1) * 1_000_000


def _facts(reader: Reader, client: Client, moment: datetime) -> ClientFacts:
    register = reader.consents
    return facts_at(client.facts, register.versions(client.number), register.relation_versions(client.number), moment)


def _sights(
    policy: Policy, reader: Reader, ask: Ask, client: Client, employee: Record, moment: datetime
) -> list[Sight]:
    registered = _registered(reader, ask, client)
    entries = [
        each
        for each in reader.entries(EntrySelection(patient=str(client.cx)), _MOST)
        if registered.get(each.unique_id, moment) <= moment
    ]
    if _was_suspended(reader, employee.user.person.organisation, moment):
        plain = urgent = [_SUSPENDED] * len(entries)
    else:
        facts = _facts(reader, client, moment)
        asking = (_requester(policy, employee, moment, urgent=urgent) for urgent in (False, True))
        plain, urgent = (_verdicts(policy, reader, each, facts, entries, moment) for each in asking)
    return [
        _sight(entry, registered.get(entry.unique_id), verdict, in_need)
        for entry, verdict, in_need in zip(entries, plain, urgent, strict=True)
    ]


def _was_suspended(reader: Reader, ura: str, moment: datetime) -> bool:
    """Whether every system of an organisation was suspended then, as the log has it."""
    states: dict[str, bool] = {}
    asked = LogSelection(started_below=_after(moment), transaction="participant-change")
    for kept in reader.log.newest(asked, None, _MOST):
        for thing in () if kept.payload is None else decode(kept.payload).things:
            if thing.kind == PARTICIPANT and thing.name in _STATES:
                states.setdefault(thing.id, _STATES[thing.name])
    systems = {str(each.id) for each in reader.participants() if each.organisation.ura == ura}
    return bool(systems) and all(states.get(number, False) for number in systems)


def _registered(reader: Reader, ask: Ask, client: Client) -> dict[str, datetime]:
    """When each of the client's documents was registered first, by its uniqueId, as the log has it."""
    key, found = ask.sources.patient_key(str(client.cx)), dict[str, datetime]()
    for transaction in _SUBMISSIONS:
        for kept in reader.log.find(LogSelection(patient=key, transaction=transaction, outcome=SUCCESS), 0, _MOST):
            record = None if kept.payload is None else decode(kept.payload)
            for document in () if record is None else record.documents:
                found[document.unique_id] = min(record.started, found.get(document.unique_id, record.started))
    return found


def _requester(policy: Policy, employee: Record, moment: datetime, *, urgent: bool = False) -> Requester:
    """The employee as somebody who asks in order to treat the client."""
    person = employee.user.person
    organisation = Organisation(person.organisation, person.organisation_name, person.organisation_kind)
    purposes = policy.emergency_purposes if urgent else policy.treatment_purposes
    return Requester(
        Participant(0, organisation, employee.system.certificate, (), moment.date()),
        Person(person.number, person.authority, person.name, person.role),
        organisation,
        Coded(min(purposes, default=""), ""),
        employee.user.assurance,
        employee.user.issuer,
        "",
        emergency=_EMERGENCY_REASON if urgent else None,
    )


def _verdicts(
    policy: Policy,
    reader: Reader,
    requester: Requester,
    facts: ClientFacts,
    entries: list[StoredEntry],
    moment: datetime,
) -> list[Verdict]:
    judge = Judge(policy, requester, facts, moment, reader.consents.candidates(entries))
    return judge.verdicts(answer_all(policy, requester, facts, judge.questions(), moment))


def _sight(entry: StoredEntry, registered: datetime | None, verdict: Verdict, urgent: Verdict) -> Sight:
    if verdict.permitted:
        could, mark = "ja", "good"
    elif urgent.permitted:
        could, mark = "alleen met de noodknop", "bad"
    else:
        could, mark = "nee", "notice"
    return Sight(title_of(entry), registered, could, mark, told("rule", verdict.rule), verdict.reason)
