"""The folders and plans of a testkit: which sections there are, and what a step refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lxml import etree

from testkit.ebrim import elements, local

PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=True)


class Unsupported(Exception):
    """A directive, an assertion or data that this runner does not know what to do with."""


@dataclass(frozen=True)
class Reference:
    """Where a step takes a value from. `step` is empty for the step that comes last."""

    test: str
    section: str
    step: str


class Testkit:
    """A folder with tests/ and codes.xml."""

    def __init__(self, folder: Path):
        self.codes = folder / "codes.xml"
        self.folder = folder / "tests"

    def tests(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir() if (each / "index.idx").is_file())

    def sections(self, test: str) -> list[str]:
        """The sections that count, in order; none for a test that is not there."""
        index = self.folder / test / "index.idx"
        return index.read_text().split() if index.is_file() else []

    def title(self, test: str) -> str:
        """The first line of what a test says of itself; empty when it says nothing."""
        readme = self.folder / test / "readme.txt"
        return readme.read_text(errors="replace").partition("\n")[0] if readme.is_file() else ""

    def collections(self) -> dict[str, list[str]]:
        """The tests by the collections that they are in."""
        found: dict[str, list[str]] = {}
        for test in self.tests():
            listed = self.folder / test / "collections.txt"
            for name in listed.read_text().split() if listed.is_file() else ():
                found.setdefault(name, []).append(test)
        return found

    def named(self, name: str) -> list[tuple[str, list[str]]]:
        """The tests, each with the sections of it, that a collection, NUMBER or NUMBER/SECTION stands for."""
        test, _, section = name.partition("/")
        if not self.sections(test):
            return [(each, self.sections(each)) for each in self.collections().get(name, ())]
        if not section:
            return [(test, self.sections(test))]
        return [(test, [section])] if self.has(test, section) else []

    def has(self, test: str, section: str) -> bool:
        return (self.folder / test / section / "testplan.xml").is_file()

    def steps(self, test: str, section: str) -> list[etree._Element]:
        plan = etree.parse(self.folder / test / section / "testplan.xml", PARSER)
        return list(plan.getroot().iterfind("TestStep"))

    def metadata(self, test: str, section: str, name: str) -> etree._Element:
        return etree.parse(self.file(test, section, name), PARSER).getroot()

    def file(self, test: str, section: str, name: str) -> Path:
        """A file that a plan names, which may be in the folder of the section or of the test."""
        for folder in (self.folder / test / section, self.folder / test):
            if name and (folder / name).is_file():
                return folder / name
        raise Unsupported(f"the testkit has no file {name or '(unnamed)'} for {test}/{section}")

    def reference(self, test: str, section: str, use: etree._Element) -> Reference:
        """Resolve the test, section and step of a Use… directive, or of anything with a testdir."""
        step = use.get("step", "")
        if local(use) == "UseReport":
            return Reference(use.get("test", test), use.get("section", section), step)
        folder = use.get("testdir")
        if folder is None:
            return Reference(test, section, step)
        # "submit" without dots is a section of this test too; "../../12346/x" leads to another test.
        start = PurePosixPath(test, section) if folder.startswith("..") else PurePosixPath(test)
        parts: list[str] = []
        for part in (start / folder).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        if len(parts) != 2:
            raise Unsupported(f"{local(use)} of {folder}")
        return Reference(parts[0], parts[1], step)

    def references(self, test: str, section: str) -> Iterator[Reference]:
        """Every place outside of a section that its steps refer to."""
        for step in self.steps(test, section):
            for use in step.iter("UseReport", "UseId", "UseObjectRef", "UseXPath", "ReferenceMetadata", "DataRef"):
                found = self.reference(test, section, use)
                if (found.test, found.section) != (test, section):
                    yield found

    def patient_owner(self, test: str) -> str:
        """The test whose patient a test uses: that of the objects that it refers to, else its own."""
        uses = (
            (each, use) for each in self.sections(test) for step in self.steps(test, each) for use in step.iter("UseId")
        )
        others = (self.reference(test, section, use).test for section, use in uses)
        return next((other for other in others if other != test), test)


def transaction_of(step: etree._Element) -> etree._Element:
    found = [each for each in elements(step) if local(each).endswith("Transaction")]
    if len(found) != 1:
        raise Unsupported(f"a step with {', '.join(map(local, elements(step))) or 'nothing'}")
    return found[0]
