"""The story of scripts/demo, told by the public client library over HTTPS with client certificates."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from xds.client import Client, DocumentToSubmit, compose
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import AssociationType, DocumentEntry, Status, SubmissionSet

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"
DOCUMENTS = ROOT / "fixtures" / "demo"
EVA = "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"
NOOR = "999900006^^^&2.16.840.1.113883.2.4.6.3&ISO"
MIDWIFE = Author(
    person=("00000001^Jansen^Anna^^^^^^&2.16.528.1.1007.3.1&ISO",),
    institution=("Verloskundigenpraktijk De Ooievaar^^^^^&2.16.528.1.1007.3.3&ISO^^^^00000001",),
    role=("03.000",),
)
COMMON = DocumentEntry(
    entry_uuid="",
    authors=(MIDWIFE,),
    class_code=Coded("SUMMARIES", "1.3.6.1.4.1.19376.1.2.6.1", "Samenvattingen"),
    confidentiality_code=(Coded("N", "2.16.840.1.113883.5.25", "Normaal"),),
    healthcare_facility_type_code=Coded("G3", "2.16.840.1.113883.2.4.15.1060", "Verloskundigenpraktijk"),
    language_code="nl-NL",
    practice_setting_code=Coded("394585009", "2.16.840.1.113883.6.96", "Verloskunde en gynaecologie"),
    type_code=Coded("57055-6", "2.16.840.1.113883.6.1", "Samenvatting zwangerschap (antepartum)"),
)


@dataclass(frozen=True)
class Region:
    """A server to try with: its folder and its ports."""

    folder: Path
    http: int
    mllp: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.http}"

    @property
    def config(self) -> Path:
        return self.folder / "xds.toml"

    def tls(self, organisation: str) -> dict[str, Path]:
        """The files with which an organisation connects."""
        folder = self.folder / "tls"
        return {
            "certificate": folder / f"{organisation}.pem",
            "key": folder / f"{organisation}-key.pem",
            "ca": folder / "ca.pem",
        }

    def client(self, organisation: str) -> Client:
        urls = {"registry_url": f"{self.url}/registry", "repository_url": f"{self.url}/repository"}
        return Client(**urls, **self.tls(organisation))

    def link(self, organisation: str, port: int) -> ssl.SSLSocket:
        """A TLS connection on which an organisation shows its certificate."""
        files = self.tls(organisation)
        context = ssl.create_default_context(cafile=str(files["ca"]))
        context.load_cert_chain(files["certificate"], files["key"])
        plain = socket.create_connection(("127.0.0.1", port), 10)
        try:
            return context.wrap_socket(plain, server_hostname="127.0.0.1")
        except BaseException:
            plain.close()
            raise


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    print(f"  {words} … ", end="", flush=True)
    began = time.perf_counter()
    yield
    print(f"{(time.perf_counter() - began) * 1000:.0f} ms", flush=True)


def xds(*arguments: str) -> None:
    """Run the command as an operator would."""
    done = subprocess.run([sys.executable, "-m", "xds", *arguments], text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"`xds {arguments[0]}` failed: {done.stderr}")


def shown(path: Path) -> Path:
    """The path as one would type it in the folder of the project."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@contextmanager
def empty_folder() -> Iterator[Path]:
    """var/demo, emptied; another folder while an earlier demonstration still runs there."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="demo-", dir=VAR) as folder:
                yield Path(folder)
        else:
            shutil.rmtree(VAR / "demo", ignore_errors=True)
            yield VAR / "demo"


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as mllp:
        return http.getsockname()[1], mllp.getsockname()[1]


@contextmanager
def server(region: Region) -> Iterator[subprocess.Popen[bytes]]:
    """The server, from its start until the end of the demonstration."""
    log_file = region.folder / "server.log"
    with log_file.open("wb") as log:
        running = subprocess.Popen([sys.executable, "-m", "xds", "serve", "--config", region.config], stderr=log)
        try:
            deadline = time.monotonic() + 30
            while not is_ready(region):
                if running.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The server did not start:\n{log_file.read_text()}")
                time.sleep(0.05)
            yield running
        finally:
            running.terminate()
            running.wait(35)


def is_ready(region: Region) -> bool:
    try:
        with region.link("hospital", region.http) as link:
            link.sendall(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return link.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def feed(region: Region, patient: str) -> None:
    """Announce a patient as a hospital's system does: ITI-8, ADT^A04 over MLLP."""
    message = (
        "MSH|^~\\&|EPD|ZIEKENHUIS|XDS|REGIO|20260401||ADT^A04^ADT_A01|demo1|P|2.3.1\r"
        f"EVN||20260401\rPID|||{patient}||Bakker^Noor||19970303|F\rPV1||O\r"
    )
    with region.link("hospital", region.mllp) as link:
        link.sendall(b"\x0b" + message.encode() + b"\x1c\x0d")
        if b"MSA|AA" not in link.recv(4096):
            sys.exit("The patient identity feed was not accepted.")


def submit(midwife: Client, document: DocumentToSubmit) -> str:
    """Submit one document; its uniqueId."""
    the_set = SubmissionSet(
        entry_uuid="",
        authors=(MIDWIFE,),
        content_type_code=Coded("zwangerschap", "2.999.10.4", "Zorg tijdens de zwangerschap"),
        patient_id=EVA,
        source_id="2.999.30",
    )
    submission, contents = compose([document], the_set)
    succeed(midwife.submit(submission, contents))
    return submission.entries[0].unique_id or ""


def submit_pregnancy_record(midwife: Client) -> dict[str, Path]:
    """Submit the record as a document for people and as one for systems; the files by uniqueId."""
    for_people = DOCUMENTS / "zwangerschapskaart.pdf"
    for_systems = DOCUMENTS / "zwangerschapssamenvatting.xml"
    first = f"urn:uuid:{uuid.uuid4()}"
    entry = replace(
        COMMON,
        entry_uuid=first,
        names=(LocalizedString("Zwangerschapskaart", "nl-NL"),),
        format_code=Coded("pdf-a", "2.999.10.2", "PDF/A"),
        mime_type="application/pdf",
    )
    sent = {}
    with step("The midwife submits a pregnancy record, as PDF/A (ITI-41)"):
        sent[submit(midwife, DocumentToSubmit(for_people, entry))] = for_people
    entry = replace(
        COMMON,
        names=(LocalizedString("Samenvatting zwangerschap", "nl-NL"),),
        format_code=Coded("urn:ihe:pcc:aps:2007", "1.3.6.1.4.1.19376.1.2.3", "Samenvatting zwangerschap (IHE PCC APS)"),
        mime_type="text/xml",
    )
    with step("And the same for systems, as XML that is a transformation of it (ITI-41, XFRM)"):
        transformed = DocumentToSubmit(for_systems, entry, first, AssociationType.XFRM)
        sent[submit(midwife, transformed)] = for_systems
    return sent


def find(hospital: Client, patient: str) -> tuple[DocumentEntry, ...]:
    """The approved documents of a patient."""
    parameters = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [Status.APPROVED.urn]}
    found = hospital.query("FindDocuments", parameters)
    succeed(found)
    return found.objects.entries


def tell(region: Region) -> None:
    """What happens between the midwife, the hospital and the youth health service."""
    with step("Patient Eva is made known with `xds patient add`"):
        xds("patient", "add", EVA, "--config", str(region.config))
    with step("Patient Noor is announced by the hospital's system (ITI-8 over MLLP)"):
        feed(region, NOOR)
    with region.client("midwife-practice") as midwife:
        sent = submit_pregnancy_record(midwife)
    with region.client("hospital") as hospital:
        with step("The hospital looks for Eva's documents (ITI-18)"):
            entries = find(hospital, EVA)
        for entry in entries:
            print(f"      {entry.title} ({entry.mime_type}, {entry.size} bytes)")
        with step("It finds nothing of Noor yet"):
            of_noor = find(hospital, NOOR)
    with region.client("jgz") as jgz, tempfile.TemporaryDirectory() as folder:
        with step("The youth health service (JGZ) retrieves both (ITI-43)"):
            wanted = [(entry.repository_unique_id or "", entry.unique_id or "") for entry in entries]
            retrieved = jgz.retrieve(wanted, Path(folder))
            succeed(retrieved)
        with step("The bytes are compared with what the midwife sent"):
            received = {document.unique_id: document.path.read_bytes() for document in retrieved.documents}
            if received != {unique_id: file.read_bytes() for unique_id, file in sent.items()} or of_noor:
                sys.exit("The documents are not what was sent.")


def succeed(result) -> None:
    """End with the errors of an answer that is none we hoped for."""
    if result.status != "Success":
        sys.exit("\n".join([result.status, *(f"{issue.code}: {issue.context}" for issue in result.issues)]))


def how_to_go_on(region: Region) -> None:
    command = shown(Path(sys.executable).parent / "xds")
    config, tls = shown(region.config), shown(region.folder / "tls")
    print(
        f"\nThe server goes on at {region.url} until Ctrl-C; its log is {shown(region.folder / 'server.log')}. "
        "In another terminal:\n"
        f"  {command} query --config {config} --patient '{EVA}'\n"
        f"  {command} endpoints --config {config}\n"
        f"  {command} doctor --config {config}\n"
        f"  curl --cacert {tls}/ca.pem --cert {tls}/hospital.pem --key {tls}/hospital-key.pem "
        f"'{region.url}/registry?wsdl'",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the story is told, instead of at Ctrl-C")
    once = parser.parse_args().once
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(1))
    print("xds: documents of birth care, shared between organisations\n")
    os.umask(0o077)
    with ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        region = Region(stack.enter_context(empty_folder()), *free_ports())
        with step("A certificate authority, three organisations and an affinity domain are made"):
            domain = str(ROOT / "fixtures" / "affinity-domains" / "geboortezorg.toml")
            ports = ("--port", str(region.http), "--mllp-port", str(region.mllp))
            xds("init", "--demo", "--affinity-domain", domain, *ports, str(region.folder))
        with step("The server starts, with TLS and client certificates"):
            running = stack.enter_context(server(region))
        tell(region)
        print("\nDone: what went in came out, byte for byte.", flush=True)
        if not once:
            how_to_go_on(region)
            running.wait()


if __name__ == "__main__":
    main()
