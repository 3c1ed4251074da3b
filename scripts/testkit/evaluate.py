"""Hold an answer against what a step expects. An expectation that is not understood raises Unsupported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import unquote

from lxml import etree

from testkit.prepare import local
from testkit.wire import XDSB, Answer

SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"


class Unsupported(Exception):
    """A directive or an assertion that this runner does not know."""


class Contents:
    """The registry objects of an answer."""

    def __init__(self, body: etree._Element):
        objects = [child for each in body.iter() if local(each) == "RegistryObjectList" for child in each]
        packages = [each for each in objects if local(each) == "RegistryPackage"]
        self.documents = [each for each in objects if local(each) == "ExtrinsicObject"]
        self.sets = [each for each in packages if _classified(each, SET_NODE)]
        self.folders = [each for each in packages if not _classified(each, SET_NODE)]
        self.associations = [each for each in objects if local(each) == "Association"]
        self.refs = [each for each in objects if local(each) == "ObjectRef"]

    def has(self, kind: str) -> bool:
        return any(each.get("associationType", "").endswith(f":{kind}") for each in self.associations)


def _classified(element: etree._Element, node: str) -> bool:
    return any(child.get("classificationNode") == node for child in element if local(child) == "Classification")


def _statuses(objects: list, status: str, count: int | None = None) -> bool:
    found = [each for each in objects if each.get("status") == status]
    return len(found) == count if count is not None else bool(objects) and len(found) == len(objects)


def _shape(sets: int, documents: int, folders: int) -> Callable[[Contents], bool]:
    return lambda c: (len(c.sets), len(c.documents), len(c.folders)) == (sets, documents, folders)


WORDS: dict[str, Callable[[Contents], bool]] = {
    "SSwithOneDoc": _shape(1, 1, 0),
    "SSwithTwoDoc": _shape(1, 2, 0),
    "SSwithOneDocOneFol": _shape(1, 1, 1),
    "SSwithTwoDocOneFol": _shape(1, 2, 1),
    "SSwithOneFol": _shape(1, 0, 1),
    "SSApproved": lambda c: _statuses(c.sets, APPROVED),
    "DocApp": lambda c: _statuses(c.documents, APPROVED),
    "DocDep": lambda c: _statuses(c.documents, DEPRECATED),
    "OneDocDep": lambda c: _statuses(c.documents, DEPRECATED, 1),
    "OneDocApp": lambda c: _statuses(c.documents, APPROVED, 1),
    "FolApp": lambda c: _statuses(c.folders, APPROVED),
    "None": lambda c: not (c.documents or c.sets or c.folders or c.associations or c.refs),
    "NoSubmissionSet": lambda c: not c.sets,
    "NoDocument": lambda c: not c.documents,
    "HasRPLC": lambda c: c.has("RPLC"),
    "HasXFRM": lambda c: c.has("XFRM"),
    "HasXFRM_RPLC": lambda c: c.has("XFRM_RPLC"),
    "HasAPND": lambda c: c.has("APND"),
}
COUNTS = {"ObjectRefs": "refs", "Documents": "documents", "Folders": "folders", "SubmissionSets": "sets",
          "Associations": "associations"}  # fmt: skip


def check_contents(expected: etree._Element, body: etree._Element) -> list[str]:
    """What is not as ExpectedContents says."""
    contents, wrong = Contents(body), []
    for word in (each for each in expected if local(each)):
        name = local(word)
        if name in COUNTS and word.get("count") is not None:
            found = len(getattr(contents, COUNTS[name]))
            if found != int(word.get("count", "")):
                wrong.append(f"expected {word.get('count')} {name}, found {found}")
        elif name in WORDS:
            if not WORDS[name](contents):
                shape = (len(contents.sets), len(contents.documents), len(contents.folders), len(contents.refs))
                wrong.append(f"{name} does not hold; sets, documents, folders, refs: {shape}")
        else:
            raise Unsupported(f"ExpectedContents {name}")
    return wrong


def check_status(step: etree._Element, transaction: etree._Element, answer: Answer) -> list[str]:
    """What is not as ExpectedStatus, ExpectedErrorCode and ExpectedErrorMessage say."""
    wrong = []
    status = "Fault" if answer.is_fault else _status(answer.body)
    errors = [each for each in answer.body.iter() if local(each) == "RegistryError"]
    shown = "; ".join(f"{each.get('errorCode')}: {each.get('codeContext')}" for each in errors)
    for element in (*step, *transaction):
        text = (element.text or "").strip()
        if local(element) == "ExpectedStatus":
            if status not in [each.strip() for each in text.split(",")]:
                reason = "".join(answer.body.itertext()).strip() if answer.is_fault else shown
                wrong.append(f"expected status {text}, got {status} ({reason})")
        elif local(element) == "ExpectedErrorCode":
            expected = {each.strip() for each in text.split(",")}
            if not expected & {each.get("errorCode") for each in errors}:
                wrong.append(f"expected error code {text}, got {shown or 'none'}")
        elif local(element) == "ExpectedErrorMessage" and text not in shown:
            wrong.append(f"expected a message with {text!r}, got {shown or 'none'}")
    return wrong


def _status(body: etree._Element) -> str:
    element = next((each for each in body.iter() if each.get("status", "").find("ResponseStatusType:") > 0), body)
    return element.get("status", "").rpartition(":")[2]


def check_documents(answer: Answer, expected: dict[str, bytes], metadata: etree._Element | None) -> list[str]:
    """Whether the documents of an ITI-43 answer are those that were submitted, and agree with their metadata."""
    wrong, seen = [], set()
    for response in answer.body.iter(f"{{{XDSB}}}DocumentResponse"):
        unique_id = response.findtext(f"{{{XDSB}}}DocumentUniqueId", "")
        include = next((each for each in response.iter() if local(each) == "Include"), None)
        href = include.get("href", "") if include is not None else ""
        content = answer.parts.get(unquote(href.removeprefix("cid:")))
        if content is None:
            wrong.append(f"document {unique_id} has no MTOM part")
            continue
        seen.add(unique_id)
        if unique_id in expected and content != expected[unique_id]:
            wrong.append(f"document {unique_id} is not the one that was submitted")
        wrong += _check_metadata(unique_id, content, metadata)
    return wrong + [f"document {unique_id} is missing" for unique_id in expected.keys() - seen]


def _check_metadata(unique_id: str, content: bytes, metadata: etree._Element | None) -> list[str]:
    if metadata is None:
        return []
    wanted = f"//*[local-name()='ExtrinsicObject'][*[local-name()='ExternalIdentifier'][@value='{unique_id}']]"
    for entry in metadata.xpath(wanted):
        slots = {each.get("name"): "".join(each.itertext()).strip() for each in entry if local(each) == "Slot"}
        actual = {"size": str(len(content)), "hash": hashlib.sha1(content).hexdigest()}
        return [f"{name} of {unique_id} is {slots.get(name)}, but the document's is {value}"
                for name, value in actual.items() if (slots.get(name) or "").lower() != value]  # fmt: skip
    return [f"the metadata has no entry {unique_id}"]


def check_assertions(assertions: etree._Element, data: etree._Element) -> list[str]:
    """The XPath assertions that don't hold for an answer."""
    wrong = []
    for element in assertions:
        if local(element) == "Assert":
            expression = (element.text or "").strip()
            try:
                holds = data.getroottree().xpath(f"boolean({expression})")
            except etree.XPathError as error:
                raise Unsupported(f"Assert {element.get('id')}: {error}") from None
            if not holds:
                wrong.append(f"assertion {element.get('id')} does not hold")
        elif local(element) == "DataRef" and element.get("file") != "THIS":
            raise Unsupported(f"DataRef {element.get('file')}")
    return wrong
