"""Everything that is wrong with a captured message, found by the rules that the server applies.

Source: ITI TF-2: 3.18, 3.41, 3.42, 3.43 and Appendix V.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import NamedTuple, cast

from aiohttp import web
from lxml.etree import QName, _Element

from xds import xmlio
from xds.cli.captured import Captured
from xds.ebrim.response import FAILURE, status_of
from xds.ebrim.retrieve import decode_retrieve_document_set
from xds.ebrim.submit import decode_provide_and_register, decode_submit_objects
from xds.errors import Fault, Issue
from xds.model.affinity_domain import AffinityDomain
from xds.ports import Staged
from xds.registry.iti18_registry_stored_query import read_request
from xds.registry.rules import check_submission
from xds.repository.contents import INCLUDE, stage_contents
from xds.repository.receipt import Provided, each_once, pair, seen_here
from xds.soap import Limits
from xds.soap.content_type import parse_content_type
from xds.soap.envelope import open_envelope
from xds.soap.fault import WSA, action_not_supported, wrong_action
from xds.soap.receive import Received, check_request, receive, resolve_includes
from xds.soap.trust import SECURITY
from xds.store.files import FileDocuments
from xds.transaction import Transaction, discover

_MIME = "ITI TF-2: Appendix V.3.6; RFC 2387"
_XML = "SOAP 1.2 Part 1: 5; XML 1.0"
_ENVELOPE = "ITI TF-2: Appendix V.3; SOAP 1.2 Part 1: 5"
_ADDRESSING = "ITI TF-2: Appendix V.3.2; WS-Addressing 1.0 SOAP Binding: 6"
# Stands for the repository that a captured message was sent to, whose id the message need not tell.
_REPOSITORY = "2.999"


class Finding(NamedTuple):
    """One mistake. `code` is an XDS error code or the local name of a SOAP fault code.

    `location` is the id of the object at fault, or "". `element` is its name and `line` its line in the XML; "" and
    None where there is no such element.
    """

    code: str
    severity: str
    context: str
    location: str
    element: str
    line: int | None
    section: str


class Judgement(NamedTuple):
    """What a message is, and what is wrong with it. `transaction` is None when that can't be told."""

    transaction: Transaction | None
    findings: list[Finding]


async def judge(captured: Captured, domain: AffinityDomain, today: date) -> Judgement:
    """Find everything that is wrong with a message."""
    with (
        tempfile.TemporaryDirectory(prefix="xds-validate-") as folder,
        closing(FileDocuments(Path(folder))) as documents,
    ):
        return await _Message(captured, documents).judge(domain, today)


class _Capture:
    """A captured message in the place of a request from the network: its headers, and its body as a stream."""

    def __init__(self, captured: Captured):
        self.headers = captured.headers
        self.content = self
        self._body = captured.body

    def is_eof(self) -> bool:
        return True

    def read_nowait(self) -> bytes:
        body, self._body = self._body, b""
        return body


class _Message:
    """A message on its way through the stages of the server, each of which is passed even when one finds mistakes."""

    def __init__(self, captured: Captured, documents: FileDocuments):
        self._captured = captured
        self._documents = documents
        self._received = Received()
        self._transactions = discover("xds.registry", "xds.repository")
        self._findings: list[Finding] = []

    async def judge(self, domain: AffinityDomain, today: date) -> Judgement:
        await self._receive()
        if not self._received.envelope:
            return Judgement(None, self._findings)
        try:
            root = xmlio.parse(self._received.envelope, max_bytes=Limits().envelope)
        except xmlio.Malformed as malformed:
            self._fault(Fault(str(malformed)), _XML)
            return Judgement(None, self._findings)
        message = self._open(root)
        transaction = self._find(message) if message is not None else None
        if message is None or transaction is None:
            return Judgement(None, self._findings)
        if transaction.actor == "registry" and self._received.attachments:
            self._fault(Fault("this transaction takes no attachments"), _MIME)
        issues = await self._issues(message, transaction, domain, today)
        elements = _by_name(root)
        self._findings += [_finding(issue, elements, transaction) for issue in issues]
        return Judgement(transaction, self._findings)

    async def _receive(self) -> None:
        """Headers and MIME."""
        captured, received = self._captured, self._received
        if not captured.headers:
            received.envelope = captured.body
            return
        request = cast(web.Request, _Capture(captured))
        try:
            content_type = check_request(request)
        except Fault as fault:
            self._fault(fault, _MIME)
            content_type = parse_content_type(captured.headers.get("Content-Type", ""))
            if captured.multipart:
                return
        try:
            await receive(request, content_type, self._documents, Limits(), received)
        except Fault as fault:
            self._fault(fault, _MIME)

    def _open(self, root: _Element) -> _Element | None:
        """The message in an envelope, or without one; what it says of its action is judged too."""
        known = [transaction.request for transaction in self._transactions]
        if root.tag in known:
            return root
        if QName(root).localname != "Envelope":
            reason = f"{root.tag[:256]} is neither a SOAP envelope nor the message of a transaction that is offered"
            self._fault(action_not_supported(""), _ENVELOPE, reason)
            return None
        try:
            envelope = open_envelope(root, frozenset((SECURITY,)))
        except Fault as fault:
            self._fault(fault, _ENVELOPE)
            return next(root.iter(*known), None)
        if envelope.addressing.action:
            self._received.actions.append(envelope.addressing.action)
        return envelope.message

    def _find(self, message: _Element) -> Transaction | None:
        candidates = [transaction for transaction in self._transactions if transaction.request == message.tag]
        actions = self._received.actions
        if not candidates:
            self._fault(action_not_supported(actions[-1] if actions else ""), _ADDRESSING)
            return None
        for transaction in candidates:
            if all(action == transaction.action for action in actions):
                return transaction
        self._fault(wrong_action(actions, candidates[0].action), _ADDRESSING)
        return candidates[0]

    async def _issues(
        self, message: _Element, transaction: Transaction, domain: AffinityDomain, today: date
    ) -> list[Issue]:
        if transaction.number == "ITI-18":
            return read_request(message, None)[-1]
        if transaction.number == "ITI-43":
            return decode_retrieve_document_set(message)[1]
        if transaction.number == "ITI-42":
            submission, issues = decode_submit_objects(message)
            return [*issues, *check_submission(submission, domain, today)]
        return await self._provided(message, domain, today)

    async def _provided(self, message: _Element, domain: AffinityDomain, today: date) -> list[Issue]:
        submission, elements, mistakes = decode_provide_and_register(message)
        # Without the MIME parts, nothing can be said of the documents that are in them.
        absent = [] if self._captured.multipart else [each for each in elements if each.find(INCLUDE) is not None]
        here = [each for each in elements if each not in absent]
        inline: list[Staged] = []
        provided, broken = await stage_contents(here, self._attachments(message), self._documents, inline)
        provided += [Provided(each.get("id", ""), None) for each in absent]
        self._documents.discard([*inline, *self._received.attachments.values()])
        receipt = pair(submission, provided, _REPOSITORY)
        issues = [*seen_here(mistakes), *broken, *receipt.issues]
        complete = status_of(issues) != FAILURE and not absent
        found = check_submission(receipt.submission, domain, today, at_registry=complete)
        return each_once([*issues, *found])

    def _attachments(self, message: _Element) -> Mapping[str, Staged]:
        if not self._captured.multipart:
            return {}
        try:
            return resolve_includes(message, self._received.attachments)
        except Fault as fault:
            self._fault(fault, _MIME)
            return self._received.attachments

    def _fault(self, fault: Fault, section: str, reason: str | None = None) -> None:
        inner = getattr(fault, "inner", None) or fault.subcode or fault.code
        if (fault.subcode or "").startswith(f"{{{WSA}}}"):
            section = _ADDRESSING
        self._findings.append(Finding(inner.rpartition("}")[2], "Error", reason or fault.reason, "", "", None, section))


def _by_name(root: _Element) -> dict[str, _Element]:
    """The elements that an issue can be about: by id, or by name where they are slots; the first of each."""
    found: dict[str, _Element] = {}
    for attribute in ("name", "id"):
        backwards = reversed(list(root.iter()))
        found |= {element.get(attribute, "").strip().lower(): element for element in backwards}
    found.pop("", None)
    return found


def _finding(issue: Issue, elements: Mapping[str, _Element], transaction: Transaction) -> Finding:
    element = elements.get(issue.location.lower())
    return Finding(
        issue.code,
        issue.severity.rpartition(":")[2],
        issue.context,
        issue.location,
        QName(element).localname if element is not None else "",
        element.sourceline if element is not None else None,
        issue.section or f"ITI TF-2: 3.{transaction.number.removeprefix('ITI-')}",
    )


def errors(findings: Sequence[Finding]) -> int:
    """How many of the findings make a server refuse the message."""
    return sum(finding.severity == "Error" for finding in findings)
