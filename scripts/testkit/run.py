"""Run the sections of a test in order, each with what it depends on, once."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

from testkit import wire
from testkit.evaluate import (
    Unsupported,
    check_assertions,
    check_contents,
    check_documents,
    check_status,
)
from testkit.prepare import Assigned, assign, local, provide, replace_texts, to_version_3

ACTIONS = {
    "RegisterTransaction": ("ITI-42", "urn:ihe:iti:2007:RegisterDocumentSet-b"),
    "ProvideAndRegisterTransaction": ("ITI-41", "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"),
    "StoredQueryTransaction": ("ITI-18", "urn:ihe:iti:2007:RegistryStoredQuery"),
    "RetrieveTransaction": ("ITI-43", "urn:ihe:iti:2007:RetrieveDocumentSet"),
}
KNOWN = {"XDSb", "MetadataFile", "NoPatientId", "AltPatientId", "UseId", "UseReport", "AssignUuids", "NoAssignUids",
         "ExpectedContents", "Report", "Document", "ReferenceDocument", "ReferenceMetadata", "Assertions",
         "NoMetadata", "CreateNewPatientId", "NewPatientId", "ParseMetadata", "Rule", "ExpectedStatus",
         "ExpectedErrorCode", "ExpectedErrorMessage", "Goal", "InteractionSequence"}  # fmt: skip
IN_STEP = {
    "Rule",
    "Goal",
    "ExpectedStatus",
    "ExpectedErrorCode",
    "ExpectedErrorMessage",
    "ExpectedContents",
    "Note",
    "AltPatientId",
}


@dataclass
class Target:
    """The server under test: URLs by transaction number, and the TLS context to reach it with."""

    urls: dict[str, str]
    tls: ssl.SSLContext | None
    authority: str
    home: str = ""


@dataclass
class Result:
    """One line of the report; `result` is passed, failed or unsupported."""

    test: str
    section: str
    step: str
    result: str
    reason: str = ""


@dataclass
class Done:
    """What later steps may refer to."""

    assigned: Assigned = field(default_factory=Assigned)
    reports: dict[str, str] = field(default_factory=dict)
    body: etree._Element | None = None


class Runner:
    """Runs tests of a testkit against one server."""

    def __init__(self, testkit: Path, target: Target, schemas: dict[str, etree.XMLSchema]):
        self.tests = testkit / "tests"
        self.target = target
        self.schemas = schemas
        self.done: dict[tuple[str, str, str], Done] = {}
        self.results: list[Result] = []
        self._ran: set[tuple[str, str]] = set()
        self._number = int(datetime.now(UTC).timestamp() * 1000)
        self._patients: dict[str, str] = {}
        self.second = self.new_patient()

    def new_patient(self, known: bool = True) -> str:
        """A fresh patient id, fed to the registry or not."""
        self._number += 1
        patient = f"T{self._number}^^^&{self.target.authority}&ISO"
        if known and not wire.feed(self.target.urls["ITI-8"], patient, self.target.tls):
            raise OSError("the patient identity feed was not acknowledged")
        return patient

    def sections(self, test: str) -> list[str]:
        index = self.tests / test / "index.idx"
        return index.read_text().split() if index.is_file() else []

    def run(self, test: str, only: str | None = None) -> None:
        """Run a test, or one of its sections, with a patient of its own."""
        if test not in self._patients:
            self._patients[test] = self.new_patient()
        for section in self.sections(test):
            if only is None or section == only:
                self.run_section(test, section)

    def run_section(self, test: str, section: str) -> None:
        """Run the steps of a section, once."""
        if (test, section) in self._ran:
            return
        self._ran.add((test, section))
        plan = self.tests / test / section / "testplan.xml"
        previous: Done | None = None
        for step in etree.parse(plan).getroot().iterfind("TestStep"):
            done = Done(body=previous.body if previous else None)
            self.done[test, section, step.get("id", "")] = previous = done
            try:
                wrong = self._step(test, section, step, done)
                result = Result(test, section, step.get("id", ""), "failed" if wrong else "passed", "; ".join(wrong))
            except Unsupported as error:
                result = Result(test, section, step.get("id", ""), "unsupported", str(error))
            except (OSError, ValueError, etree.LxmlError) as error:
                result = Result(test, section, step.get("id", ""), "failed", f"{type(error).__name__}: {error}")
            self.results.append(result)

    def _step(self, test: str, section: str, step: etree._Element, done: Done) -> list[str]:
        transactions = [each for each in step if local(each).endswith("Transaction")]
        unknown = [
            local(each) for each in step if local(each) and each not in transactions and local(each) not in IN_STEP
        ]
        if len(transactions) != 1 or unknown:
            raise Unsupported(f"step with {', '.join(unknown) or 'no single transaction'}")
        transaction = transactions[0]
        name = local(transaction)
        for each in transaction:
            if local(each) and local(each) not in KNOWN:
                raise Unsupported(f"{name} with {local(each)}")
        if name == "PatientIdentityFeedTransaction":
            done.reports["$patientid$"] = self.new_patient()
            return []
        if name == "NullTransaction":
            return self._assertions(test, section, transaction, done)
        if name not in ACTIONS:
            raise Unsupported(name)
        return self._exchange(test, section, step, transaction, done)

    def _exchange(self, test: str, section: str, step: etree._Element, transaction: etree._Element, done: Done) -> list:
        name = local(transaction)
        folder = self.tests / test / section
        request, parts = self._request(test, section, transaction, folder, done)
        number, action = ACTIONS[name]
        answer = wire.post(self.target.urls[number], action, etree.tostring(request), parts, self.target.tls)
        done.body = answer.body
        wrong = check_status(step, transaction, answer) + self._check_schema(answer)
        for expected in (*step.iterfind("ExpectedContents"), *transaction.iterfind("ExpectedContents")):
            if len(expected):
                wrong += check_contents(expected, answer.body)
        if name == "RetrieveTransaction":
            wrong += self._check_retrieved(test, section, transaction, answer)
        self._report(transaction, request, done)
        for assertions in transaction.iterfind("Assertions"):
            wrong += check_assertions(assertions, answer.body)
        return wrong

    def _request(
        self, test: str, section: str, transaction: etree._Element, folder: Path, done: Done
    ) -> tuple[etree._Element, dict[str, bytes] | None]:
        """The request of a transaction, in the testkit's order of preparation, and its MTOM parts."""
        metadata = folder / (transaction.findtext("MetadataFile") or "").strip()
        if not metadata.is_file():
            metadata = folder.parent / metadata.name
        root = etree.parse(metadata).getroot()
        values = dict(self._used(test, section, transaction))
        now = datetime.now(UTC)
        values |= {"$now$": now.strftime("%Y%m%d%H%M%S"), "$homeCommunityId$": self.target.home,
                   "$lastyear$": (now - timedelta(days=365)).strftime("%Y%m%d%H%M%S")}  # fmt: skip
        values.setdefault("$patientid$", self._patients[test])
        replace_texts(root, values)
        request = to_version_3(root)
        if request is root:
            return root, {} if local(transaction) == "RetrieveTransaction" else None
        alternative = any(each.find("AltPatientId") is not None for each in (transaction, transaction.getparent()))
        patient = self.new_patient(known=False) if alternative else self._patients[test]
        keep = transaction.find("NoPatientId") is not None
        done.assigned = assign(request, transaction, patient, keep)
        replace_texts(request, values)
        done.reports |= {f"{name}_uid": uid for name, uid in done.assigned.uids.items()}
        done.reports |= {f"{name}_uuid": each for name, each in done.assigned.uuids.items()}
        if local(transaction) != "ProvideAndRegisterTransaction":
            return request, None
        documents = {
            each.get("id", ""): (folder / (each.text or "").strip()).read_bytes()
            for each in transaction.iterfind("Document")
        }
        return provide(request, documents)

    def _used(self, test: str, section: str, transaction: etree._Element) -> Iterator[tuple[str, str]]:
        """The symbols that UseReport and UseId give values to; what they refer to is run first."""
        for each in transaction.iterfind("UseReport"):
            other, name = each.get("test", test), each.get("reportName", "")
            source = self._before(other, each.get("section", section), each.get("step", ""))
            if source is None and name == "$patientid$":
                yield each.get("useAs", ""), self.second
            elif source is None or name not in source.reports:
                raise Unsupported(f"UseReport {name} of {other}/{each.get('section')} gave no value")
            else:
                yield each.get("useAs", ""), source.reports[name]
        for each in transaction.iterfind("UseId"):
            path = (Path(test) / section / each.get("testdir", "")).as_posix()
            parts = _normal(path) if each.get("testdir", "..").startswith("..") else [test, each.get("testdir", "")]
            parts = [test, section] if each.get("testdir") is None else parts
            source = self._before(parts[0], parts[1], each.get("step", ""))
            kind = {"AssignedUids": "uids", "AssignedUuids": "uuids", "AssignedPatientId": "patients"}
            if source is None or each.get("section") not in kind:
                raise Unsupported(f"UseId {each.get('testdir')} {each.get('section')}")
            found = getattr(source.assigned, kind[each.get("section", "")])
            if each.get("id", "") not in found:
                raise Unsupported(f"UseId {each.get('id')} of {'/'.join(parts)} was not assigned")
            yield each.get("symbol", ""), found[each.get("id", "")]

    def _before(self, test: str, section: str, step: str) -> Done | None:
        if test not in self._patients:
            self.run(test)
        elif (self.tests / test / section / "testplan.xml").is_file():
            self.run_section(test, section)
        return self.done.get((test, section, step))

    def _assertions(self, test: str, section: str, transaction: etree._Element, done: Done) -> list[str]:
        wrong, values = [], dict(self._used(test, section, transaction))
        if done.body is None:
            raise Unsupported("NullTransaction without an answer before it")
        for assertions in transaction.iterfind("Assertions"):
            prepared = copy.deepcopy(assertions)
            replace_texts(prepared, values)
            wrong += check_assertions(prepared, done.body)
        return wrong

    def _check_retrieved(self, test: str, section: str, transaction: etree._Element, answer: wire.Answer) -> list[str]:
        values = dict(self._used(test, section, transaction))
        expected = {}
        for each in transaction.iterfind("ReferenceDocument"):
            uid = values.get(each.get("uid", ""), each.get("uid", ""))
            expected[uid] = (self.tests / test / (each.text or "").strip()).read_bytes()
        reference = transaction.find("ReferenceMetadata")
        metadata = None
        if reference is not None:
            other = _normal((Path(test) / section / reference.get("testdir", "")).as_posix())
            source = self._before(other[0], other[1], reference.get("step", ""))
            metadata = source.body if source is not None else None
        return check_documents(answer, expected, metadata)

    def _report(self, transaction: etree._Element, request: etree._Element, done: Done) -> None:
        for each in transaction.iterfind("Report"):
            data = request if each.get("section") == "InputMetadata" else done.body
            found = data.getroottree().xpath((each.text or "").strip()) if data is not None else []
            first = found[0] if isinstance(found, list) and found else found
            if first is not None and first != []:
                text = "".join(first.itertext()) if isinstance(first, etree._Element) else str(first)
                done.reports[each.get("name", "")] = text.strip()

    def _check_schema(self, answer: wire.Answer) -> list[str]:
        schema = self.schemas.get(etree.QName(answer.body).namespace or "")
        if schema is None or answer.is_fault:
            return []
        alone = etree.fromstring(etree.tostring(answer.body))
        for include in list(alone.iter(f"{{{wire.XOP}}}Include")):
            include.getparent().remove(include)
        return [] if schema.validate(alone) else [f"the answer is not valid: {schema.error_log.last_error.message}"]


def _normal(path: str) -> list[str]:
    """The test and section that a relative testdir leads to."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return parts[-2:]
