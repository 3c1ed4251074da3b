"""Hold an answer against what a step expects: each function returns what is wrong, one text for each.

An expectation that is not understood raises Unsupported, so that it is never taken for met.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from lxml import etree

from testkit.ebrim import APPROVED, DEPRECATED, SET_NODE, UNIQUE_IDS, elements, identifier, local, slot_values
from testkit.plan import Unsupported
from testkit.prepare import XDSB, XOP
from testkit.wire import Answer


class Contents:
    """The registry objects of an answer."""

    def __init__(self, body: etree._Element):
        found = [child for each in body.iter() if local(each) == "RegistryObjectList" for child in elements(each)]
        packages = [each for each in found if local(each) == "RegistryPackage"]
        self.documents = [each for each in found if local(each) == "ExtrinsicObject"]
        self.sets = [each for each in packages if _is_set(each, found)]
        self.folders = [each for each in packages if not _is_set(each, found)]
        self.associations = [each for each in found if local(each) == "Association"]
        self.refs = [each for each in found if local(each) == "ObjectRef"]

    def has(self, kind: str) -> bool:
        return any(each.get("associationType", "").rpartition(":")[2] == kind for each in self.associations)

    def is_whole(self) -> bool:
        """Whether the submission set has each document and folder as a member."""
        members = {
            each.get("targetObject") for each in self.associations if each.get("sourceObject") == self.sets[0].get("id")
        }
        return members >= {each.get("id") for each in (*self.documents, *self.folders)}

    def shown(self) -> str:
        counts = ((name, len(getattr(self, member))) for name, member in COUNTS.items())
        return ", ".join(f"{count} {name}" for name, count in counts if count) or "nothing"


def _is_set(package: etree._Element, beside: Sequence[etree._Element]) -> bool:
    outside = (each for each in beside if local(each) == "Classification")
    own = (each for each in outside if each.get("classifiedObject") == package.get("id"))
    return any(each.get("classificationNode") == SET_NODE for each in (*elements(package, "Classification"), *own))


def _all(objects: Sequence[etree._Element], status: str) -> bool:
    return bool(objects) and all(each.get("status") == status for each in objects)


def _one(objects: Sequence[etree._Element], status: str) -> bool:
    return [each.get("status") for each in objects].count(status) == 1


def _shape(documents: int, folders: int) -> Callable[[Contents], bool]:
    wanted = (1, documents, folders)
    return lambda c: (len(c.sets), len(c.documents), len(c.folders)) == wanted and c.is_whole()


WORDS: Mapping[str, Callable[[Contents], bool]] = {
    "SSwithOneDoc": _shape(1, 0),
    "SSwithTwoDoc": _shape(2, 0),
    "SSwithOneDocOneFol": _shape(1, 1),
    "SSwithTwoDocOneFol": _shape(2, 1),
    "SSwithOneFol": _shape(0, 1),
    "SSApproved": lambda c: _all(c.sets, APPROVED),
    "DocApp": lambda c: _all(c.documents, APPROVED),
    "DocDep": lambda c: _all(c.documents, DEPRECATED),
    "OneDocDep": lambda c: _one(c.documents, DEPRECATED),
    "OneDocApp": lambda c: _one(c.documents, APPROVED),
    "FolApp": lambda c: _all(c.folders, APPROVED),
    "None": lambda c: c.shown() == "nothing",
    "NoSubmissionSet": lambda c: not c.sets,
    "NoDocument": lambda c: not c.documents,
    "HasRPLC": lambda c: c.has("RPLC"),
    "HasXFRM": lambda c: c.has("XFRM"),
    "HasXFRM_RPLC": lambda c: c.has("XFRM_RPLC"),
    "HasAPND": lambda c: c.has("APND"),
}
COUNTS = {
    "SubmissionSets": "sets",
    "Documents": "documents",
    "Folders": "folders",
    "Associations": "associations",
    "ObjectRefs": "refs",
}


def check_contents(expected: etree._Element, body: etree._Element) -> list[str]:
    contents, wrong = Contents(body), []
    for word in elements(expected):
        name, count = local(word), word.get("count")
        if name in COUNTS and count is not None and count.isdigit() and set(word.keys()) == {"count"}:
            if len(getattr(contents, COUNTS[name])) != int(count):
                wrong.append(f"expected {count} {name}, found {contents.shown()}")
        elif name in WORDS and not word.keys():
            if not WORDS[name](contents):
                wrong.append(f"{name} does not hold: found {contents.shown()}")
        else:
            raise Unsupported(f"ExpectedContents {etree.tostring(word, with_tail=False).decode()}")
    return wrong


def check_exchange(answer: Answer, action: str, message_id: str, mtom: bool) -> list[str]:
    """Whether the answer is packed and addressed as one to this request. Source: ITI TF-2: Appendix V.3."""
    if answer.is_fault:
        return []
    wrong = [] if answer.status == 200 else [f"HTTP status {answer.status}"]
    if mtom != answer.received.content_type.lower().startswith("multipart/related"):
        wrong.append(f"the answer to {'an MTOM' if mtom else 'a plain'} request is {answer.received.content_type}")
    if answer.addressing("Action") != action:
        wrong.append(f"wsa:Action of the answer is {answer.addressing('Action')}")
    if answer.addressing("RelatesTo") != message_id:
        wrong.append("wsa:RelatesTo of the answer is not the MessageID of the request")
    return wrong


def status_of(answer: Answer) -> str:
    """Success, Failure, PartialSuccess or Fault."""
    if answer.is_fault:
        return "Fault"
    found = (each.get("status", "") for each in answer.body.iter() if local(each))
    return next((each.rpartition(":")[2] for each in found if "ResponseStatusType:" in each), "(none)")


def check_status(step: etree._Element, transaction: etree._Element, answer: Answer) -> list[str]:
    """Whether status and errors are as ExpectedStatus (Success by default), ExpectedErrorCode and -Message say."""
    wrong, status = [], status_of(answer)
    errors = [each for each in answer.body.iter() if local(each) == "RegistryError"]
    shown = "; ".join(f"{each.get('errorCode')}: {each.get('codeContext')}" for each in errors) or "no error"
    if answer.is_fault:
        shown = " ".join("".join(answer.body.itertext()).split())
    wanted = [_text(each) for each in _expected(step, transaction, "ExpectedStatus")] or ["Success"]
    wrong += [f"expected {text}, got {status} ({shown})" for text in wanted if status not in _listed(text)]
    if status == "Success" and any("Error" in each.get("severity", "").rpartition(":")[2] for each in errors):
        wrong.append(f"Success with an error: {shown}")
    for code in map(_text, _expected(step, transaction, "ExpectedErrorCode")):
        if not set(_listed(code)) & {each.get("errorCode") for each in errors}:
            wrong.append(f"expected error code {code}, got {shown}")
    for text in filter(None, map(_text, _expected(step, transaction, "ExpectedErrorMessage"))):
        if not any(text in each.get(name, "") for each in errors for name in ("codeContext", "errorCode")):
            wrong.append(f"expected an error with {text!r}, got {shown}")
    return wrong


def _expected(step: etree._Element, transaction: etree._Element, name: str) -> Iterator[etree._Element]:
    yield from elements(step, name)
    yield from elements(transaction, name)


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


def check_documents(
    request: etree._Element, answer: Answer, expected: Mapping[str, bytes], metadata: etree._Element | None
) -> list[str]:
    """Whether an ITI-43 answer has what was asked for: as it was submitted, and as `metadata` describes it."""
    wrong, seen = [], []
    asked = [each.findtext(f"{{{XDSB}}}DocumentUniqueId", "") for each in request.iter(f"{{{XDSB}}}DocumentRequest")]
    for response in answer.body.iter(f"{{{XDSB}}}DocumentResponse"):
        unique_id = response.findtext(f"{{{XDSB}}}DocumentUniqueId", "")
        seen.append(unique_id)
        include = response.find(f"{{{XDSB}}}Document/{{{XOP}}}Include")
        name = unquote(include.get("href", "").removeprefix("cid:")) if include is not None else ""
        content = answer.parts.get(name)
        if content is None:
            wrong.append(f"document {unique_id} has no MTOM part")
            continue
        if unique_id in expected and content != expected[unique_id]:
            wrong.append(f"document {unique_id} is not the one that was submitted")
        if metadata is not None:
            wrong += _check_metadata(response, unique_id, content, metadata)
    wrong += [f"document {each} was not asked for" for each in seen if each not in asked]
    return wrong + [f"document {each} is missing" for each in expected if seen.count(each) != 1]


def _check_metadata(
    response: etree._Element, unique_id: str, content: bytes, metadata: etree._Element
) -> Iterator[str]:
    entries = (each for each in metadata.iter() if local(each) == "ExtrinsicObject")
    entry = next((each for each in entries if identifier(each, UNIQUE_IDS) == unique_id), None)
    if entry is None:
        yield f"the metadata has no entry {unique_id}"
        return
    slots = slot_values(entry)
    pairs = (
        ("size", slots.get("size", ""), str(len(content))),
        ("hash", slots.get("hash", "").lower(), hashlib.sha1(content, usedforsecurity=False).hexdigest()),
        ("mimeType", entry.get("mimeType", ""), response.findtext(f"{{{XDSB}}}mimeType", "")),
        ("repositoryUniqueId", slots.get("repositoryUniqueId"), response.findtext(f"{{{XDSB}}}RepositoryUniqueId", "")),
    )
    yield from (
        f"{name} of {unique_id} is {said} in its metadata, but {found}" for name, said, found in pairs if said != found
    )


def check_assertions(assertions: etree._Element, answer: etree._Element) -> list[str]:
    """The XPath assertions that don't hold for an answer."""
    wrong, asserted = [], 0
    for element in elements(assertions):
        if local(element) == "DataRef":
            continue
        if local(element) != "Assert" or set(element.keys()) - {"id"} or len(element):
            raise Unsupported(f"assertion {etree.tostring(element, with_tail=False).decode()}")
        asserted += 1
        try:
            holds = answer.xpath(f"boolean({_text(element)})")
        except etree.XPathError as error:
            raise Unsupported(f"Assert {element.get('id')}: {error}") from None
        if not holds:
            wrong.append(f"assertion {element.get('id')} does not hold")
    if not asserted:
        raise Unsupported("Assertions without an Assert")
    return wrong
