"""What a run knows: the server, the testkit, the patients, and what the steps so far left behind."""

from __future__ import annotations

import itertools
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from testkit import wire
from testkit.assertions import Assertions
from testkit.plan import Reference, Testkit, Unsupported
from testkit.prepare import Assigned
from testkit.schemas import Schemas

_numbers = itertools.count(time.time_ns())


@dataclass(frozen=True)
class Target:
    """The server under test: URLs by transaction number, the TLS context to reach it with, and its patients' OID.

    `permit` lets the sender see the documents of a new patient, where that is not so by itself.
    """

    urls: Mapping[str, str]
    tls: ssl.SSLContext | None
    authority: str
    home_community_id: str = ""
    permit: Callable[[str], None] | None = None


@dataclass
class Done:
    """What later steps may refer to. `files` are the kept messages by kind: request, response."""

    assigned: Assigned = field(default_factory=Assigned)
    reports: dict[str, str] = field(default_factory=dict)
    request: etree._Element | None = None
    answer: etree._Element | None = None
    files: dict[str, str] = field(default_factory=dict)


class Session:
    """One run against one server."""

    def __init__(
        self,
        testkit: Testkit,
        target: Target,
        schemas: Schemas,
        keep: Path | None = None,
        assertions: Assertions | None = None,
    ):
        self.testkit = testkit
        self.target = target
        self.schemas = schemas
        self.assertions = assertions
        self.steps: dict[tuple[str, str], dict[str, Done]] = {}
        self._keep = keep
        self._patients: dict[str, str] = {}

    def before(self, reference: Reference) -> Done | None:
        """What a step that ran before left, or None."""
        steps = self.steps.get((reference.test, reference.section), {})
        return steps.get(reference.step) if reference.step else next(reversed(steps.values()), None)

    def new_patient_id(self) -> str:
        """A patient id that the server has never heard of."""
        return f"T{next(_numbers)}^^^&{self.target.authority}&ISO"

    def patient_id(self, test: str) -> str:
        """The patient of a test, known to the server. No two tests share one, so that their counts hold."""
        owner = self.testkit.patient_owner(test)
        return self._patients[owner] if owner in self._patients else self.feed(owner, self.new_patient_id())

    def feed(self, test: str, patient_id: str) -> str:
        """Register the patient of a test with the server; OSError when the server doesn't accept it."""
        if "ITI-8" not in self.target.urls:
            raise Unsupported("the server does not offer ITI-8")
        acknowledged = wire.feed(self.target.urls["ITI-8"], patient_id, self.target.tls)
        if acknowledged != "AA":
            raise OSError(f"the patient identity feed was acknowledged with {acknowledged or 'nothing'}")
        if self.target.permit is not None:
            self.target.permit(patient_id)
        self._patients[test] = patient_id
        return patient_id

    def keep(self, test: str, section: str, step: str, kind: str, message: wire.Message) -> dict[str, str]:
        """Write a message to the folder of kept ones; return the path by its kind."""
        if self._keep is None:
            return {}
        suffix = "mtom" if message.content_type.lower().startswith("multipart/") else "xml"
        path = self._keep / test / section / f"{step or 'step'}.{kind}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message.content)
        return {kind: str(path)}
