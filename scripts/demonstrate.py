"""The story of scripts/demo: real messages over mutual TLS, each with an assertion that says who asks."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from demonstration.month import BEGAN, write_month
from demonstration.pages import Officer, how_to_look
from demonstration.people import MIDWIFE, NURSE, OBSTETRICIAN, system_of
from demonstration.region import (
    ROOT,
    Region,
    empty_folder,
    feed,
    free_ports,
    pages,
    server,
    shown,
    xds,
)
from msgspec.structs import replace

from xds.cli.init import ORGANISATIONS, SOURCES
from xds.client import Client, DocumentToSubmit, compose
from xds.config import load
from xds.errors import Fault
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import AssociationType, DocumentEntry, Status, SubmissionSet

DOCUMENTS = ROOT / "fixtures" / "demo"
EVA = "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"
NOOR = "999900006^^^&2.16.840.1.113883.2.4.6.3&ISO"
AUTHOR = Author(
    person=(f"{MIDWIFE.number}^Jansen^Anna^^^^^^&2.16.528.1.1007.3.1&ISO",),
    institution=("Verloskundigenpraktijk De Ooievaar^^^^^&2.16.528.1.1007.3.3&ISO^^^^01234567",),
    role=(MIDWIFE.role.code,),
)
COMMON = DocumentEntry(
    entry_uuid="",
    authors=(AUTHOR,),
    class_code=Coded("SUMMARIES", "1.3.6.1.4.1.19376.1.2.6.1", "Samenvattingen"),
    confidentiality_code=(Coded("N", "2.16.840.1.113883.5.25", "Normaal"),),
    healthcare_facility_type_code=Coded("G3", "2.16.840.1.113883.2.4.15.1060", "Verloskundigenpraktijk"),
    language_code="nl-NL",
    practice_setting_code=Coded("394585009", "2.16.840.1.113883.6.96", "Verloskunde en gynaecologie"),
    type_code=Coded("57055-6", "2.16.840.1.113883.6.1", "Samenvatting zwangerschap (antepartum)"),
)
HOSPITAL = ORGANISATIONS["hospital"].ura
TO_THE_HOSPITAL = ("--consumer", f"organisation:{HOSPITAL}", "--channel", "spoken", "--by", "A. Jansen")


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what is done and how long it took."""
    print(f"  {words} … ", end="", flush=True)
    began = time.perf_counter()
    yield
    print(f"{(time.perf_counter() - began) * 1000:.0f} ms", flush=True)


def tell_of(text: str) -> None:
    """What came of a step, beneath it."""
    print("\n".join(f"      {line}" for line in text.splitlines()), flush=True)


def require(holds: bool, problem: str) -> None:
    """End the demonstration when the story does not go as it should."""
    if not holds:
        sys.exit(f"\n{problem}")


def submit(midwife: Client, document: DocumentToSubmit) -> str:
    """Submit one document; its uniqueId."""
    the_set = SubmissionSet(
        entry_uuid="",
        authors=(AUTHOR,),
        content_type_code=Coded("zwangerschap", "2.999.10.4", "Zorg tijdens de zwangerschap"),
        patient_id=EVA,
        source_id=SOURCES[MIDWIFE.organisation],
    )
    submission, contents = compose([document], the_set)
    succeed(midwife.submit(submission, contents))
    return submission.entries[0].unique_id or ""


def publish(midwife: Client) -> dict[str, Path]:
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
    with step("The midwife submits Eva's pregnancy record, as PDF/A (ITI-41)"):
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


def find(system: Client) -> tuple[DocumentEntry, ...]:
    """Eva's approved documents, as far as who asks may see them."""
    parameters = {"$XDSDocumentEntryPatientId": EVA, "$XDSDocumentEntryStatus": [Status.APPROVED.urn]}
    found = system.query("FindDocuments", parameters)
    succeed(found)
    return found.objects.entries


def succeed(result) -> None:
    """End with the errors of an answer that is none we hoped for."""
    problem = "\n".join([result.status, *(f"{issue.code}: {issue.context}" for issue in result.issues)])
    require(result.status == "Success", problem)


def make_known(region: Region) -> None:
    with step("Patient Eva is made known with `xds patient add`"):
        region.xds("patient", "add", EVA)
    with step("Patient Noor is announced by the hospital's system (ITI-8 over MLLP)"):
        feed(region, NOOR)


def share(region: Region, sent: dict[str, Path]) -> None:
    """With Eva's consent, the obstetrician finds and retrieves what the midwife published."""
    with system_of(region, OBSTETRICIAN) as obstetrician:
        with step("The obstetrician looks for Eva's documents (ITI-18), and finds nothing yet"):
            require(not find(obstetrician), "Something was found without consent.")
        with step("Eva agrees that the hospital sees her file, and it becomes one that treats her (`xds consent`)"):
            region.xds("consent", "record", "--patient", EVA, "--permit", *TO_THE_HOSPITAL)
            region.xds("consent", "relation", "--patient", EVA, "--organisation", HOSPITAL, "--by", "A. Jansen")
        with step("The obstetrician looks again, and finds both (ITI-18)"):
            entries = find(obstetrician)
        require(len(entries) == len(sent), f"{len(entries)} documents were found.")
        tell_of("\n".join(f"{entry.title} ({entry.mime_type}, {entry.size} bytes)" for entry in entries))
        with tempfile.TemporaryDirectory() as folder:
            with step("And retrieves them (ITI-43): the bytes are what the midwife sent"):
                wanted = [(entry.repository_unique_id or "", entry.unique_id or "") for entry in entries]
                retrieved = obstetrician.retrieve(wanted, Path(folder))
                succeed(retrieved)
                received = {document.unique_id: document.path.read_bytes() for document in retrieved.documents}
            expected = {unique_id: file.read_bytes() for unique_id, file in sent.items()}
            require(received == expected, "The documents are not what was sent.")


def refuse(region: Region) -> None:
    """Who is a stranger to Eva finds nothing; who can't show who they are gets no answer."""
    jgz = ORGANISATIONS[NURSE.organisation].ura
    words = "A stranger, a nurse of youth health care (JGZ) who does not treat Eva, finds nothing"
    with step(words), system_of(region, NURSE) as stranger:
        require(not find(stranger), "A stranger found something.")
    with step("`xds consent explain` says why, for each document"):
        asked = ("--patient", EVA, "--organisation", jgz, "--role", NURSE.role.code)
        why = region.xds("consent", "explain", *asked, exit_status=1)
    tell_of(why)
    with step("The obstetrician's assertion has expired: a SOAP fault"):
        fault = refusal(system_of(region, OBSTETRICIAN, form="expired"))
    tell_of(fault)
    with step("The JGZ's system shows an assertion of the obstetrician: a SOAP fault"):
        fault = refusal(system_of(region, OBSTETRICIAN, at="jgz"))
    tell_of(fault)


def refusal(system: Client) -> str:
    """The fault with which a query is refused."""
    with system:
        try:
            find(system)
        except Fault as fault:
            return f"{(fault.subcode or fault.code).rpartition('}')[2]}: {fault.reason}"
    sys.exit("\nA request that should be refused was answered.")


def withdraw(region: Region) -> None:
    """Eva withdraws; then only the glass opens her file, and that is on record."""
    with step("Eva withdraws what she agreed to (`xds consent withdraw`)"):
        region.xds("consent", "withdraw", "--patient", EVA, *TO_THE_HOSPITAL)
    with step("The obstetrician's next request finds nothing"), system_of(region, OBSTETRICIAN) as obstetrician:
        require(not find(obstetrician), "Something was found after the withdrawal.")
    reason = "bloedverlies bij opname"
    with (
        step(f"At night the obstetrician breaks the glass ({reason}), and finds both"),
        system_of(region, OBSTETRICIAN, emergency=reason) as obstetrician,
    ):
        require(len(find(obstetrician)) == 2, "The glass did not open.")
    with step("The privacy officer reads who broke the glass (`xds consent emergencies`)"):
        emergencies = region.xds("consent", "emergencies")
    require(reason in emergencies, "The emergency is not on record.")
    tell_of(emergencies)


def account_for(region: Region) -> None:
    """Who saw Eva's file and why, and the proof that the answer is what was written down at the time."""
    with step("Who saw Eva's file, and why were they allowed to (`xds audit report dossier`)"):
        report = region.xds("audit", "report", "dossier", EVA.partition("^")[0])
    tell_of(report)
    export, key, anchors = (region.folder / name for name in ("export", "log.key", "anchors"))
    with step("The log is exported for an auditor, its checkpoint kept elsewhere (`xds audit export`, `anchor`)"):
        region.xds("audit", "export", str(export))
        region.xds("audit", "anchor")
        key.write_text(region.xds("audit", "key") + "\n")
    with step("`xds audit verify` verifies the export, without the server, its database or a secret"):
        verified = xds("audit", "verify", str(export), "--key", str(key), "--anchor", str(anchors))
    tell_of(verified)
    with step("And so does scripts/verify-audit, which shares no code with xds"):
        command = [sys.executable, str(ROOT / "scripts" / "verify-audit"), str(export), str(key), str(anchors)]
        verified = subprocess.run(command, text=True, capture_output=True)
    require(verified.returncode == 0, verified.stdout + verified.stderr)
    tell_of(verified.stdout.strip())


def look_for_incidents(region: Region, once: bool) -> Officer:
    """What the privacy officer finds on the pages; not told to who can sign in there and find it."""
    with step("A privacy officer is registered for the pages (`xds auditor add`)"):
        officer = Officer(region)
    with step("She signs in, with a certificate and a code, and reads what needs a look"):
        hints = officer.hints()
    require(bool(hints), "There was nothing to look into.")
    if once:
        tell_of("\n".join(f"{hint.day}  {hint.rule}: {hint.employee}. {hint.found}" for hint in hints))
    else:
        tell_of("There are signals to look at.")
    return officer


def how_to_go_on(region: Region, officer: Officer) -> None:
    command = shown(Path(sys.executable).parent / "xds")
    config, tls, token = shown(region.config), shown(region.folder / "tls"), shown(region.folder / "assertion.xml")
    print(
        f"\nThe server goes on at {region.url} until Ctrl-C; its log is {shown(region.folder / 'server.log')}. "
        "In another terminal, as the midwife (an assertion is valid for five minutes):\n"
        f"  {command} token --config {config} --organisation midwife-practice --role 03.000 > {token}\n"
        f"  {command} query --config {config} --assertion {token} --certificate {tls}/midwife-practice.pem "
        f"--key {tls}/midwife-practice-key.pem --patient '{EVA}'\n"
        f"  {command} audit list --config {config}\n"
        f"  {command} doctor --config {config}\n"
        f"  curl --cacert {tls}/ca.pem --cert {tls}/hospital.pem --key {tls}/hospital-key.pem "
        f"'{region.url}/registry?wsdl'\n\n{how_to_look(region, officer, command)}",
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
        running, officer = tell(region, stack, once)
        print("\nDone: what went in came out, byte for byte, for who may see it, and all is on record.", flush=True)
        if not once:
            how_to_go_on(region, officer)
            running.wait()


def tell(region: Region, stack: ExitStack, once: bool) -> tuple[subprocess.Popen[bytes], Officer]:
    """The whole story; its server and pages run until `stack` is closed."""
    running = stack.enter_context(started(region))
    make_known(region)
    with system_of(region, MIDWIFE) as midwife:
        sent = publish(midwife)
    share(region, sent)
    refuse(region)
    withdraw(region)
    account_for(region)
    with step("The pages start beside the server (`xds pages`)"):
        stack.enter_context(pages(region))
    return running, look_for_incidents(region, once)


@contextmanager
def started(region: Region) -> Iterator[subprocess.Popen[bytes]]:
    """The server, made and started."""
    with step("Certificates, an issuer of assertions (for trying out only) and three organisations are made"):
        domain, policy = (ROOT / "fixtures" / each / "geboortezorg.toml" for each in ("affinity-domains", "policies"))
        files = ("--affinity-domain", str(domain), "--policy", str(policy))
        ports = ("--port", str(region.http), "--mllp-port", str(region.mllp))
        since = str((datetime.now(UTC) - BEGAN).date())
        xds("init", "--demo", "--since", since, *files, *ports, str(region.folder))
        put_pages_at(region)
    with step("A month of ordinary work is put on record, of some dozens of clients"):
        write_month(load(region.config), datetime.now(UTC))
    with ExitStack() as stack:
        with step("The server starts: mutual TLS, an assertion in each message, and a record of each request"):
            running = stack.enter_context(server(region))
        yield running


def put_pages_at(region: Region) -> None:
    """Have the pages of the configuration at a free port."""
    text = region.config.read_text()
    region.config.write_text(text.replace("[pages]\n", f"[pages]\nport = {region.pages}\n"))


if __name__ == "__main__":
    main()
