"""One step: its request prepared in the testkit's order, sent, and the answer judged."""

from __future__ import annotations

import copy
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lxml import etree

from testkit import wire
from testkit.ebrim import to_version_3
from testkit.evaluate import check_assertions, check_contents, check_documents, check_exchange, check_status
from testkit.plan import Unsupported
from testkit.prepare import assign, provide, replace_symbols
from testkit.session import Done, Session
from testkit.symbols import Symbols, evaluated


class Transaction(NamedTuple):
    number: str
    action: str
    answer: str
    mtom: bool = False
    specific: frozenset[str] = frozenset()


def _xdsb(year: int, name: str) -> tuple[str, str]:
    return f"urn:ihe:iti:{year}:{name}", f"urn:ihe:iti:{year}:{name}Response"


TRANSACTIONS = {
    "RegisterTransaction": Transaction("ITI-42", *_xdsb(2007, "RegisterDocumentSet-b")),
    "ProvideAndRegisterTransaction": Transaction(
        "ITI-41", *_xdsb(2007, "ProvideAndRegisterDocumentSet-b"), True, frozenset({"Document"})
    ),
    "StoredQueryTransaction": Transaction("ITI-18", *_xdsb(2007, "RegistryStoredQuery")),
    "RetrieveTransaction": Transaction(
        "ITI-43", *_xdsb(2007, "RetrieveDocumentSet"), True, frozenset({"ReferenceDocument", "ReferenceMetadata"})
    ),
    "MPQTransaction": Transaction("ITI-51", *_xdsb(2009, "MultiPatientStoredQuery")),
    "MuTransaction": Transaction("ITI-57", *_xdsb(2010, "UpdateDocumentSet")),
    "RegisterODDETransaction": Transaction("ITI-61", *_xdsb(2010, "RegisterOnDemandDocumentEntry")),
    "RemoveMetadataTransaction": Transaction("ITI-62", *_xdsb(2010, "DeleteDocumentSet")),
    "RdTransaction": Transaction("ITI-86", *_xdsb(2017, "RemoveDocuments")),
}
"""By the element of a plan. XDS Toolkit's element names; the actions of ITI TF-2."""

# InteractionSequence, Goal and Rule only describe; XDSb chooses what is the only choice here.
_EXPECTATIONS = {"ExpectedStatus", "ExpectedErrorCode", "ExpectedErrorMessage", "ExpectedContents"}
_EVERYWHERE = _EXPECTATIONS | {
    *("XDSb", "Goal", "Rule", "InteractionSequence", "MetadataFile", "ParseMetadata", "NoPatientId", "AltPatientId"),
    *("AssignUuids", "NoAssignUids", "UseId", "UseReport", "UseObjectRef", "UseXPath", "Report", "Assertions"),
}
_IN_STEP = _EXPECTATIONS | {"Goal", "Rule", "Note", "AltPatientId"}


class Exchange:
    """A step that sends a request, or only asserts something of an earlier answer."""

    def __init__(
        self, session: Session, test: str, section: str, step: etree._Element, transaction: etree._Element, done: Done
    ):
        self.session = session
        self.test, self.section = test, section
        self.step, self.transaction = step, transaction
        self.done = done
        self.symbols = Symbols(session, test, section, transaction)
        unknown = {each.tag for each in step} - _IN_STEP - {transaction.tag}
        kind = TRANSACTIONS.get(transaction.tag)
        unknown |= {each.tag for each in transaction} - _EVERYWHERE - (kind.specific if kind else frozenset())
        if unknown:
            raise Unsupported(f"{transaction.tag} with {', '.join(sorted(unknown))}")

    def run(self, notes: list[str]) -> list[str]:
        """Send the request; return what is wrong with the answer, and add what is odd about the request to `notes`."""
        kind, target = TRANSACTIONS[self.transaction.tag], self.session.target
        if kind.number not in target.urls:
            raise Unsupported(f"the server does not offer {kind.number}")
        request, parts = self._request()
        odd = self.session.schemas.complaint(request, parts)
        if odd:
            notes.append(f"note: the request is not valid: {odd}")
        self.done.request = request
        self._report("InputMetadata", request)
        message_id = f"urn:uuid:{uuid.uuid4()}"
        security = self._security()
        root = wire.envelope(kind.action, target.urls[kind.number], message_id, copy.deepcopy(request), security)
        message = wire.multipart(root, parts, kind.action) if kind.mtom else wire.plain(root, kind.action)
        self._keep("request", message)
        try:
            answer = wire.post(target.urls[kind.number], message, target.tls)
        except wire.Unreadable as error:
            self._keep("response", error.received)
            raise
        self._keep("response", answer.received)
        self.done.answer = answer.body
        self._report("Result", answer.body)
        wrong = check_exchange(answer, kind.answer, message_id, kind.mtom)
        return wrong + self._judge(request, answer)

    def _security(self) -> etree._Element | None:
        assertions = self.session.assertions
        if assertions is None:
            return None
        goals = (each.text or "" for each in self.step.iter("Goal"))
        title = self.session.testkit.title(self.test)
        return assertions.security_header(self.step.get("id", ""), self.section, self.test, *goals, title)

    def _judge(self, request: etree._Element, answer: wire.Answer) -> list[str]:
        wrong = check_status(self.step, self.transaction, answer)
        invalid = self.session.schemas.complaint(answer.body, answer.parts) if not answer.is_fault else None
        if invalid:
            wrong.append(f"the answer is not valid: {invalid}")
        for expected in (*self.step.iterfind("ExpectedContents"), *self.transaction.iterfind("ExpectedContents")):
            wrong += check_contents(expected, answer.body)
        if self.transaction.tag == "RetrieveTransaction" and not wrong:
            wrong += self._check_documents(request, answer)
        if self.transaction.find("Assertions") is not None:
            wrong += self.check_assertions()
        return wrong

    def _keep(self, kind: str, message: wire.Message) -> None:
        self.done.files |= self.session.keep(self.test, self.section, self.step.get("id", ""), kind, message)

    def _request(self) -> tuple[etree._Element, dict[str, bytes]]:
        """The request and its MTOM parts. An ITI-42 must not be MTOM, an ITI-43 must be."""
        root = self.session.testkit.metadata(self.test, self.section, self._value("MetadataFile"))
        now = datetime.now(UTC)
        values = {
            "$now$": f"{now:%Y%m%d%H%M%S}",
            "$lastyear$": f"{now - timedelta(days=365):%Y%m%d%H%M%S}",
            "$homeCommunityId$": self.session.target.home_community_id,
            **self.symbols.values(),
        }
        alternative = any(each.find("AltPatientId") is not None for each in (self.step, self.transaction))
        patient = self.session.new_patient_id() if alternative else self.session.patient_id(self.test)
        values.setdefault("$patientid$", patient)
        replace_symbols(root, values)
        request = to_version_3(root) if self._value("ParseMetadata").lower() != "false" else None
        if request is None:
            return root, {}
        keep = self.transaction.find("NoPatientId") is not None
        assigned = self.done.assigned = assign(request, self.transaction, None if keep else patient)
        # Once more: an assigned id may have brought a symbol in.
        replace_symbols(request, values)
        self.done.reports |= {f"{name}_uid": each for name, each in assigned.uids.items()}
        self.done.reports |= {f"{name}_uuid": each for name, each in assigned.uuids.items()}
        if self.transaction.tag != "ProvideAndRegisterTransaction":
            return request, {}
        documents = {each.get("id", ""): self._file(each) for each in self.transaction.iterfind("Document")}
        return provide(request, documents, assigned.uuids)

    def _value(self, name: str) -> str:
        return (self.transaction.findtext(name) or "").strip()

    def _file(self, element: etree._Element) -> bytes:
        return self.session.testkit.file(self.test, self.section, (element.text or "").strip()).read_bytes()

    def _report(self, section: str, data: etree._Element) -> None:
        for report in self.transaction.iterfind("Report"):
            if report.get("section") == section:
                value = evaluated(report, data)
                if value is not None:
                    self.done.reports[report.get("name", "")] = value
            elif report.get("section") not in ("InputMetadata", "Result"):
                raise Unsupported(f"Report of section {report.get('section')}")

    def _check_documents(self, request: etree._Element, answer: wire.Answer) -> list[str]:
        values = self.symbols.values()
        expected = {}
        for each in self.transaction.iterfind("ReferenceDocument"):
            unique_id = each.get("uid", "")
            expected[values.get(unique_id, unique_id)] = self._file(each)
        reference = self.transaction.find("ReferenceMetadata")
        metadata = self.symbols.before(reference).answer if reference is not None else None
        return check_documents(request, answer, expected, metadata)

    def check_assertions(self) -> list[str]:
        """The XPath assertions of the step that don't hold."""
        wrong = []
        values = self.symbols.values()
        found = self.transaction.findall("Assertions")
        if not found:
            raise Unsupported(f"{self.transaction.tag} without Assertions")
        for assertions in found:
            prepared = copy.deepcopy(assertions)
            replace_symbols(prepared, values)
            wrong += check_assertions(prepared, self._asserted(assertions))
        return wrong

    def _asserted(self, assertions: etree._Element) -> etree._Element:
        """The answer that Assertions are about: THIS is the one that came last in the section."""
        references = assertions.findall("DataRef")
        if len(references) != 1:
            raise Unsupported(f"Assertions with {len(references)} DataRef")
        reference = references[0]
        if reference.get("file") == "THIS":
            answer = self.done.answer
        elif reference.get("testdir") is not None or reference.get("step") is not None:
            answer = self.symbols.before(reference).answer
        else:
            raise Unsupported(f"DataRef {reference.get('file')}")
        if answer is None:
            raise Unsupported("Assertions without an answer")
        return answer
