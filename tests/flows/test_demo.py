"""scripts/demo does what it says, again and again, in the environment that runs the tests."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PDF = ROOT / "fixtures" / "demo" / "zwangerschapskaart.pdf"
ENVIRONMENT = {**os.environ, "VIRTUAL_ENV": sys.prefix, "PYTHONPATH": str(ROOT)}
STEPS = 26
STORY = (
    r"The midwife submits Eva's pregnancy record, as PDF/A",
    r"for systems, as XML that is a transformation of it",
    r"The obstetrician looks for Eva's documents \(ITI-18\), and finds nothing yet",
    r"Eva agrees that the hospital sees her file",
    r"The obstetrician looks again, and finds both",
    r"Zwangerschapskaart \(application/pdf, 24657 bytes\)",
    r"And retrieves them \(ITI-43\): the bytes are what the midwife sent",
    r"A stranger, .* finds nothing",
    r"JGZ De Wieg had toen geen behandelrelatie met de cliënt",
    r"MessageExpired: the assertion has expired",
    r"FailedAuthentication: the assertion is of another organisation than the client certificate",
    r"Eva withdraws what she agreed to",
    r"The obstetrician's next request finds nothing",
    r"breaks the glass \(bloedverlies bij opname\), and finds both",
    r"00010990  000000002@\S+  bloedverlies bij opname",
    r"Bram de Boer, gynaecoloog, .* bekeek: .* noodknop: nee — reden: De cliënt heeft op .* toestemming gegeven",
    r"Carla Smit, verpleegkundige, .* geweigerd .* geen behandelrelatie",
    r"Bram de Boer, gynaecoloog, .* noodknop: ja — reden: Noodknop: bloedverlies bij opname",
    r"(\d+) records, 0 of them deleted after their term\.\n +Sealed up to \1, anchored up to \1\.\n",
    r"All is as it was written\.\n",
    r"And so does scripts/verify-audit, .*\n +All is as it was written\.\n",
    r"She signs in, with a certificate and a code, and reads what needs a look",
    r"Zeer veel dossiers in een uur: Daan Kuiper, verpleegkundige\. Vroeg dossiers op van 40 cliënten .* geweigerd",
    r"Noodknop na weigering: Petra Vos, verloskundige\. 3 keer geweigerd .* in de nacht\.",
)
"""What must be told, in this order."""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ROOT / "scripts" / "demo", *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def left_running():
    """A demonstration that has told its story and goes on, and what it said."""
    demo = start()
    try:
        said = ""
        while "xds launch" not in said:
            line = demo.stdout.readline()
            assert line, said + demo.stderr.read()
            said += line
        yield demo, said
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=40)


def answer(said: str) -> int:
    """The status with which the server that was left running answers, asked as the demonstration says."""
    url = re.search(r"goes on at (\S+)", said)[1]
    files = {name: ROOT / path for name, path in re.findall(r"--(cacert|cert|key) (\S+)", said)}
    context = ssl.create_default_context(cafile=files["cacert"])
    context.load_cert_chain(files["cert"], files["key"])
    with urllib.request.urlopen(url + "/registry?wsdl", context=context, timeout=10) as response:
        return response.status


def pages(said: str) -> int:
    """The status with which the pages that were left running answer."""
    url = re.search(r"The pages are at (\S+),", said)[1]
    context = ssl.create_default_context(cafile=ROOT / re.search(r"take (\S+/tls/ca\.pem)", said)[1])
    with urllib.request.urlopen(url, context=context, timeout=10) as response:
        return response.status


def test_the_demo_tells_its_story_again_while_an_earlier_one_goes_on(left_running):
    first, said = left_running
    assert said.count(" ms\n") == STEPS
    log = re.search(r"its log is (\S+)\.", said)[1]

    second = start("--once")
    output, errors = second.communicate(timeout=60)

    assert second.returncode == 0, output + errors
    assert output.count(" ms\n") == STEPS
    told = 0
    for part in STORY:
        found = re.compile(part).search(output, told)
        assert found, f"{part}\n{output}"
        told = found.end()
    assert "what went in came out, byte for byte" in output
    assert "There are signals to look at." in said and "Daan Kuiper" not in said and "Petra Vos" not in said
    assert answer(said) == 200
    assert "/aanmelden" in said and "otpauth://totp/" in said
    assert pages(said) == 200
    for name in (log, log.replace("server.log", "pages.log")):
        assert "999911120" not in (ROOT / name).read_text()

    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=40)
    with pytest.raises(OSError):
        answer(said)


def test_the_pregnancy_record_is_marked_as_pdf_a_and_stands_alone():
    pdf = PDF.read_bytes()

    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert b"/S/GTS_PDFA1" in pdf and b"/DestOutputProfile" in pdf
    assert pdf.count(b"/FontFile") == pdf.count(b"/Type/FontDescriptor") > 0
    assert not re.search(rb"/(Encrypt|JavaScript|JS|EmbeddedFile|Launch|URI)\b", pdf)
