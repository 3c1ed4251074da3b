"""The story of scripts/demo, told by the public client library over HTTPS with client certificates."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from xds.client import Client, DocumentToSubmit, compose
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import DocumentEntry, SubmissionSet

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "var" / "demo"
DOCUMENTS = ROOT / "fixtures" / "demo"
EVA = "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"
NOOR = "999900006^^^&2.16.840.1.113883.2.4.6.3&ISO"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
MIDWIFE = Author(
    person=("00000001^Jansen^Anna^^^^^^&2.16.528.1.1007.3.1&ISO",),
    institution=("Verloskundigenpraktijk De Ooievaar^^^^^&2.16.528.1.1007.3.3&ISO^^^^00000001",),
    role=("03.000",),
)


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    print(f"  {words} … ", end="", flush=True)
    began = time.perf_counter()
    yield
    print(f"{(time.perf_counter() - began) * 1000:.0f} ms")


def xds(*arguments: str) -> str:
    """Run the command as an operator would."""
    return subprocess.run([sys.executable, "-m", "xds", *arguments], check=True, text=True, capture_output=True).stdout


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as mllp:
        return http.getsockname()[1], mllp.getsockname()[1]


def tls(organisation: str) -> dict[str, Path]:
    """The certificates with which an organisation connects."""
    folder = FOLDER / "tls"
    return {
        "certificate": folder / f"{organisation}.pem",
        "key": folder / f"{organisation}-key.pem",
        "ca": folder / "ca.pem",
    }


def context(organisation: str) -> ssl.SSLContext:
    files = tls(organisation)
    made = ssl.create_default_context(cafile=str(files["ca"]))
    made.load_cert_chain(files["certificate"], files["key"])
    return made


@contextmanager
def server(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The server, from its start until the end of the demonstration."""
    with (FOLDER / "server.log").open("wb") as log:
        config = str(FOLDER / "xds.toml")
        running = subprocess.Popen([sys.executable, "-m", "xds", "serve", "--config", config], stderr=log)
        try:
            deadline = time.monotonic() + 20
            while not answers(url + "/ready"):
                if running.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The server did not start; see {FOLDER / 'server.log'}.")
                time.sleep(0.05)
            yield running
        finally:
            running.terminate()
            running.wait(35)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2, context=context("hospital")):
            return True
    except (urllib.error.URLError, OSError):
        return False


def feed(port: int, patient: str) -> None:
    """Announce a patient as a hospital's system does: ITI-8, ADT^A04 over MLLP."""
    message = (
        "MSH|^~\\&|EPD|ZIEKENHUIS|XDS|REGIO|20260401||ADT^A04^ADT_A01|demo1|P|2.3.1\r"
        f"EVN||20260401\rPID|||{patient}||Bakker^Noor||19970303|F\rPV1||O\r"
    )
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context("hospital").wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(b"\x0b" + message.encode() + b"\x1c\x0d")
        if b"MSA|AA" not in link.recv(4096):
            sys.exit("The patient identity feed was not accepted.")


def pregnancy_record() -> list[DocumentToSubmit]:
    """The two documents: for people, and for systems."""
    common = DocumentEntry(
        entry_uuid="",
        authors=(MIDWIFE,),
        class_code=Coded("SUMMARIES", "1.3.6.1.4.1.19376.1.2.6.1", "Samenvattingen"),
        confidentiality_code=(Coded("N", "2.16.840.1.113883.5.25", "Normaal"),),
        healthcare_facility_type_code=Coded("G3", "2.16.840.1.113883.2.4.15.1060", "Verloskundigenpraktijk"),
        language_code="nl-NL",
        practice_setting_code=Coded("394585009", "2.16.840.1.113883.6.96", "Verloskunde en gynaecologie"),
        type_code=Coded("57055-6", "2.16.840.1.113883.6.1", "Samenvatting zwangerschap (antepartum)"),
    )
    kinds = {
        "zwangerschapskaart.pdf": ("Zwangerschapskaart", Coded("pdf-a", "2.999.10.2", "PDF/A"), "application/pdf"),
        "zwangerschapssamenvatting.xml": (
            "Samenvatting zwangerschap",
            Coded("urn:ihe:pcc:aps:2007", "1.3.6.1.4.1.19376.1.2.3", "Samenvatting zwangerschap (IHE PCC APS)"),
            "text/xml",
        ),
    }
    return [
        DocumentToSubmit(
            DOCUMENTS / name,
            replace(common, names=(LocalizedString(title, "nl-NL"),), format_code=code, mime_type=mime_type),
        )
        for name, (title, code, mime_type) in kinds.items()
    ]


def tell(base: str, mllp: int) -> None:
    """What happens between the midwife, the hospital and the youth health service."""
    where = {"registry_url": f"{base}/registry", "repository_url": f"{base}/repository"}
    with step("Patient Eva is made known with `xds patient add`"):
        xds("patient", "add", EVA, "--config", str(FOLDER / "xds.toml"))
    with step("Patient Noor is announced by the hospital's system (ITI-8)"):
        feed(mllp, NOOR)
    with Client(**where, **tls("midwife-practice")) as midwife:
        the_set = SubmissionSet(
            entry_uuid="",
            authors=(MIDWIFE,),
            content_type_code=Coded("zwangerschap", "2.999.10.4", "Zorg tijdens de zwangerschap"),
            patient_id=EVA,
            source_id="2.999.30",
        )
        submission, contents = compose(pregnancy_record(), the_set)
        with step("The midwife submits a pregnancy record as PDF/A and as XML (ITI-41)"):
            succeed(midwife.submit(submission, contents))
    with Client(**where, **tls("hospital")) as hospital:
        with step("The hospital looks for Eva's documents (ITI-18)"):
            found = hospital.query(
                "FindDocuments", {"$XDSDocumentEntryPatientId": EVA, "$XDSDocumentEntryStatus": [APPROVED]}
            )
            succeed(found)
        ours = {entry.unique_id for entry in submission.entries}
        entries = [entry for entry in found.objects.entries if entry.unique_id in ours]
        for entry in entries:
            print(f"      {entry.title} ({entry.mime_type}, {entry.size} bytes)")
        with step("There is nothing of Noor yet"):
            empty = hospital.query(
                "FindDocuments", {"$XDSDocumentEntryPatientId": NOOR, "$XDSDocumentEntryStatus": [APPROVED]}
            )
            succeed(empty)
    with Client(**where, **tls("jgz")) as jgz, tempfile.TemporaryDirectory() as folder:
        with step("The youth health service (JGZ) retrieves both (ITI-43)"):
            wanted = [(entry.repository_unique_id or "", entry.unique_id or "") for entry in entries]
            retrieved = jgz.retrieve(wanted, Path(folder))
            succeed(retrieved)
        with step("The bytes are compared with what the midwife sent"):
            sent = {entry.unique_id: contents[entry.entry_uuid] for entry in submission.entries}
            same = [Path(sent[each.unique_id]).read_bytes() == each.path.read_bytes() for each in retrieved.documents]
            if same != [True, True] or empty.objects.entries:
                sys.exit("The documents are not what was sent.")


def succeed(result) -> None:
    """End with the errors of an answer that is none we hoped for."""
    if result.status != "Success":
        sys.exit("\n".join([result.status, *(f"{issue.code}: {issue.context}" for issue in result.issues)]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the story is told, instead of at Ctrl-C")
    once = parser.parse_args().once
    print("xds: documents of birth care, shared between organisations\n")
    shutil.rmtree(FOLDER, ignore_errors=True)
    http, mllp = free_ports()
    os.umask(0o077)
    with step("A certificate authority, three organisations and an affinity domain are made"):
        domain = str(ROOT / "fixtures" / "affinity-domains" / "geboortezorg.toml")
        arguments = ("--affinity-domain", domain, "--port", str(http), "--mllp-port", str(mllp))
        xds("init", "--demo", *arguments, str(FOLDER))
    base = f"https://127.0.0.1:{http}"
    with contextlib.ExitStack() as stack:
        with step("The server starts, with TLS and client certificates"):
            running = stack.enter_context(server(base))
        tell(base, mllp)
        print("\nDone: what went in came out, byte for byte.")
        if not once:
            how_to_go_on(base)
            with contextlib.suppress(KeyboardInterrupt):
                running.wait()


def how_to_go_on(base: str) -> None:
    config = FOLDER.relative_to(ROOT) / "xds.toml"
    command = Path(sys.executable).parent / "xds"
    shown = command.relative_to(ROOT) if command.is_relative_to(ROOT) else command
    print(
        f"\nThe server goes on at {base} until Ctrl-C. In another terminal:\n"
        f"  {shown} query --config {config} --patient '{EVA}'\n"
        f"  {shown} endpoints --config {config}\n"
        f"  {shown} doctor --config {config}\n"
        f"  curl --cacert var/demo/tls/ca.pem --cert var/demo/tls/hospital.pem --key var/demo/tls/hospital-key.pem "
        f"'{base}/registry?wsdl'"
    )


if __name__ == "__main__":
    main()
