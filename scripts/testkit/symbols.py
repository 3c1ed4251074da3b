"""The symbols that the Use… directives of a step define, with values that earlier steps left."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from testkit.plan import Reference, Unsupported
from testkit.session import Done, Session

_ASSIGNED = {"AssignedUids": "uids", "AssignedUuids": "uuids", "AssignedPatientId": "patients"}


class Symbols:
    """Reads the directives of one transaction."""

    def __init__(self, session: Session, test: str, section: str, transaction: etree._Element):
        self._session = session
        self._test, self._section = test, section
        self._transaction = transaction

    def values(self) -> dict[str, str]:
        """The value of every symbol."""
        return dict((*self._reports(), *self._ids(), *self._refs(), *self._found()))

    def _reports(self) -> Iterator[tuple[str, str]]:
        for use in self._transaction.iterfind("UseReport"):
            yield use.get("useAs", ""), self._reported(use)

    def _ids(self) -> Iterator[tuple[str, str]]:
        for use in self._transaction.iterfind("UseId"):
            found = getattr(self.before(use).assigned, self._assigned_kind(use))
            if use.get("id") not in found:
                raise Unsupported(f"UseId: {use.get('id')} was not assigned in {self._where(use)}")
            yield use.get("symbol", ""), found[use.get("id", "")]

    def _refs(self) -> Iterator[tuple[str, str]]:
        for use in self._transaction.iterfind("UseObjectRef"):
            answer = self.before(use).answer
            refs = [each.get("id", "") for each in answer.iter("{*}ObjectRef")] if answer is not None else []
            number = int(use.get("index", "0"))
            if number >= len(refs):
                raise Unsupported(f"UseObjectRef: {self._where(use)} returned {len(refs)}")
            yield use.get("symbol", ""), refs[number]

    def _found(self) -> Iterator[tuple[str, str]]:
        for use in self._transaction.iterfind("UseXPath"):
            done = self.before(use)
            data = done.request if use.get("section") == "InputMetadata" else done.answer
            value = evaluated(use, data)
            if value is None:
                raise Unsupported(f"UseXPath: nothing found in {self._where(use)}")
            yield use.get("symbol", ""), value

    def _assigned_kind(self, use: etree._Element) -> str:
        if use.get("section") not in _ASSIGNED:
            raise Unsupported(f"UseId of section {use.get('section')}")
        return _ASSIGNED[use.get("section", "")]

    def _reported(self, use: etree._Element) -> str:
        name, place = use.get("reportName", ""), self._place(use)
        if name == "$patientid$" and not self._session.testkit.has(place.test, place.section):
            # The test that feeds a patient isn't in this testkit: the runner's own patient stands in.
            return self._session.patient_id(self._test)
        reports = self.before(use).reports
        if name not in reports:
            raise Unsupported(f"UseReport: {self._where(use)} reported no {name}")
        return reports[name]

    def _place(self, use: etree._Element) -> Reference:
        return self._session.testkit.reference(self._test, self._section, use)

    def _where(self, use: etree._Element) -> str:
        place = self._place(use)
        return f"{place.test}/{place.section} {place.step}".strip()

    def before(self, use: etree._Element) -> Done:
        """What the step that a directive names left behind."""
        done = self._session.before(self._place(use))
        if done is None:
            raise Unsupported(f"{use.tag}: {self._where(use)} is not in this testkit or did not run")
        return done


def evaluated(element: etree._Element, data: etree._Element | None) -> str | None:
    """The first thing that the XPath in an element finds, as text."""
    if data is None:
        return None
    try:
        found = data.xpath((element.text or "").strip())
    except etree.XPathError as error:
        raise Unsupported(f"{element.tag} {element.get('name', '')}: {error}") from None
    if isinstance(found, list):
        if not found:
            return None
        found = found[0]
    return ("".join(found.itertext()) if isinstance(found, etree._Element) else str(found)).strip()
