"""Run the sections of tests in order, each after what it depends on, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lxml import etree

from testkit import wire
from testkit.exchange import TRANSACTIONS, Exchange
from testkit.plan import Reference, Unsupported, transaction_of
from testkit.session import Done, Session

_PATIENT_FEED = "PatientIdentityFeedTransaction"


@dataclass(frozen=True)
class Result:
    """One line of the report; `result` is passed, failed or unsupported. The files are there when they are kept."""

    test: str
    section: str
    step: str
    result: str
    reason: str = ""
    request: str | None = None
    response: str | None = None


class Runner:
    """Runs tests of a testkit against one server."""

    def __init__(self, session: Session):
        self.results: list[Result] = []
        self._session = session
        self._testkit = session.testkit

    def run(self, test: str, sections: Iterable[str]) -> None:
        """Run sections of a test."""
        for section in sections:
            self._run_section(test, section)

    def _run_section(self, test: str, section: str) -> None:
        steps = self._session.steps
        if (test, section) in steps:
            return
        steps[test, section] = {}
        try:
            needed = list(self._testkit.references(test, section))
            planned = self._testkit.steps(test, section)
        except (Unsupported, OSError, etree.XMLSyntaxError) as error:
            self.results.append(Result(test, section, "", "unsupported", str(error)))
            return
        bad = self._run_before(test, needed)
        previous = None
        for step in planned:
            done = Done(answer=previous.answer if previous is not None else None)
            steps[test, section][step.get("id", "")] = previous = done
            result = self._judge(test, section, step, done)
            if bad and result.result == "failed":
                result = replace(result, reason=f"{result.reason}; after {', '.join(bad)}, which did not pass")
            self.results.append(result)

    def _run_before(self, test: str, needed: Iterable[Reference]) -> list[str]:
        """Run what a section refers to; return the sections of it that did not pass."""
        places = {(each.test, each.section): None for each in needed}
        for other, section in places:
            # What another test leaves behind is all of it, not only the section that is named.
            if other != test:
                self.run(other, self._testkit.sections(other))
            if self._testkit.has(other, section):
                self._run_section(other, section)
        bad = ((each.test, each.section) for each in self.results if each.result != "passed")
        return sorted({"/".join(each) for each in bad if each in places})

    def _judge(self, test: str, section: str, step: etree._Element, done: Done) -> Result:
        notes: list[str] = []
        try:
            wrong = self._step(test, section, step, done, notes)
            result, reasons = ("failed" if wrong else "passed"), wrong
        except (Unsupported, etree.XMLSyntaxError) as error:
            result, reasons = "unsupported", [str(error)]
        except (OSError, wire.Unreadable) as error:
            result, reasons = "failed", [f"{type(error).__name__}: {error}"]
        return Result(test, section, step.get("id", ""), result, "; ".join((*reasons, *notes)), **done.files)

    def _step(self, test: str, section: str, step: etree._Element, done: Done, notes: list[str]) -> list[str]:
        if step.find("NewPatientId") is not None:
            self._session.feed(test, self._session.new_patient_id())
            return []
        transaction = transaction_of(step)
        if transaction.tag == _PATIENT_FEED:
            return self._feed(test, step, transaction, done)
        exchange = Exchange(self._session, test, section, step, transaction, done)
        if transaction.tag == "NullTransaction":
            return exchange.check_assertions()
        if transaction.tag not in TRANSACTIONS:
            raise Unsupported(transaction.tag)
        return exchange.run(notes)

    def _feed(self, test: str, step: etree._Element, transaction: etree._Element, done: Done) -> list[str]:
        unknown = {each.tag for each in transaction} - {"XDSb", "NoMetadata", "CreateNewPatientId"}
        if unknown or (step.findtext("ExpectedStatus") or "Success").strip() != "Success":
            raise Unsupported(f"{_PATIENT_FEED} with {', '.join(sorted(unknown)) or 'a failure that is expected'}")
        done.reports["$patientid$"] = self._session.feed(test, self._session.new_patient_id())
        return []
