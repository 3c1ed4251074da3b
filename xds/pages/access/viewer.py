"""Who looks at a page, in the words of the log. Source: NEN 7513: 7.3."""

from __future__ import annotations

from xds.audit.events import OWN
from xds.model.audit import Person, User
from xds.model.coded import Coded
from xds.model.viewer import Auditor, Relation, Role, Session, Visit

ROLES = {
    Role.AUDITOR: "Auditor",
    Role.PRIVACY_OFFICER: "Privacyfunctionaris",
    Role.ADMINISTRATOR: "Beheerder",
    Relation.CLIENT: "Cliënt",
    Relation.PARENT: "Ouder met gezag",
}
"""By what somebody looks as, in Dutch."""


def capacity(session: Session) -> Role | Relation:
    """As what somebody looks."""
    if session.auditor is not None:
        return session.auditor.role
    assert session.visit is not None
    return session.visit.relation


def user_of(session: Session, address: str) -> User:
    """The user of a record; a client is known there by the log's keyed hash, because a record is found by its user."""
    if session.auditor is not None:
        return auditor_user(session.auditor, address, session.assurance)
    assert session.visit is not None
    return client_user(session.visit, address, session.assurance)


def auditor_user(auditor: Auditor, address: str, assurance: int = 0) -> User:
    person = Person(auditor.account, "", _role(auditor.role), auditor.organisation or "", name=auditor.name)
    return User(person, address, local_id=auditor.account, assurance=assurance)


def client_user(visit: Visit, address: str, assurance: int) -> User:
    person = Person(
        f"client-{visit.actor.hex()}", "", _role(visit.relation), visit.organisation, visit.organisation_name
    )
    return User(person, address, assurance=assurance)


def _role(capacity: Role | Relation) -> Coded:
    return Coded(capacity.value, OWN, ROLES[capacity])
