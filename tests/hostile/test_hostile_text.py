"""Line breaks, terminal commands and bidirectional marks in everything that is recorded: case 79 of the catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from identity_samples import sign
from lxml import etree
from msgspec.structs import replace
from region import GYNAECOLOGIST, PLAIN, Region, entry, guarded, query, retrieval, run, submission
from samples import PATIENT
from served import Served

from xds.atna.syslog import frames
from xds.db import open_database
from xds.ebrim.submit import encode_submit_objects
from xds.model.coded import LocalizedString

EVIL = '\u009b31m\u202eliv\u2066e\x7f\r\n{"event": "forged"}\u2028'
"""All that XML can hold: a C1 command, bidirectional marks, DEL, and a line that looks like one of the log."""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
NAME = "Lab\x1b[2J\x1b]0;evil\x07\u202e Oost\r\n        9  forged"


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Iterator[Region]:
    made = guarded(tmp_path_factory.mktemp("text"), PATIENT)
    added = ("--certificate", made / "tls" / "server.pem", "--ura", "00000077", "--name", NAME, "--kind", "V6")
    run("participant", "add", "--config", made / "xds.toml", *added)
    with Served(made, XDS_LOG_LEVEL="debug") as server:
        server.logged("ready")
        region = Region(made, server)
        attack(region)
        yield region
        region.close()


def attack(region: Region) -> None:
    """Put it wherever a sender may write something."""
    doctor = region.token("hospital", GYNAECOLOGIST)
    asked = query("FindDocuments", {"$XDSDocumentEntryPatientId": [f"'{EVIL}'"], "$XDSDocumentEntryStatus": [EVIL]})
    region.ask("hospital", doctor, asked)
    region.ask(
        "hospital",
        doctor,
        query("GetDocuments", {"$XDSDocumentEntryUniqueId": [f"'{EVIL}'"], EVIL.replace('"', ""): [EVIL]}),
    )
    region.ask("hospital", doctor, retrieval(region.repository, [f"1.2.3{EVIL}4"]), "/repository")
    titled = entry("hospital", "Document01", "2.999.100.79", names=(LocalizedString(f"kaart {EVIL}"),))
    assert b"Success" in region.register("hospital", submission("hospital", titled))
    named = replace(titled, unique_id=f"2.999.100.80{EVIL}", patient_id=f"{EVIL}^^^&2.999&ISO", mime_type=f"a/{EVIL}")
    refused = submission("hospital", named, unique_id=f"2.999.100.81{EVIL}", patient_id=f"{EVIL}^^^&2.999&ISO")
    assert b"Failure" in region.register("hospital", refused)
    for attribute in ("subject-id", "organization", "role", "purposeofuse"):
        said = region.issuer.compose(region.said("hospital", GYNAECOLOGIST, "BTG", reason="nood"), datetime.now(UTC))
        (value,) = said.xpath(f"//*[contains(@Name, '{attribute}')]/*[1]")
        (value[0] if len(value) else value).text = EVIL
        for each in value.iter():
            if each.get("displayName") is not None or attribute == "role":
                each.set("displayName", EVIL)
        token = etree.tostring(sign(region.issuer, said))
        region.send("/registry", "hospital", token, asked)
    for name, value in (("User-Agent", "\x1b[2J"), ("X-Forwarded-For", "\x9b31m"), ("SOAPAction", '"\x9b31m"')):
        region.send("/registry", "hospital", doctor, asked, {**PLAIN, name: value})
    region.send("/registry%0d%0a%1b%5b2J?%0d%0aX=1", "hospital", doctor, asked)
    region.send("/registry", "server", None, encode_submit_objects(submission("hospital", titled)).decode())


def test_the_servers_log_is_lines_of_its_own(region):
    lines = "".join(region.server.log)
    assert not UNSEEN.search(lines)
    events = {json.loads(line)["event"] for line in lines.splitlines()}
    assert "answered" in events and "forged" not in events


def test_the_audit_log_lists_each_record_on_a_line(region):
    shown = run("audit", "list", "--config", region.folder / "xds.toml")
    assert not UNSEEN.search(shown)
    lines = shown.splitlines()
    assert all(re.match(r" *[0-9]+  [0-9-]{10} ", line) for line in lines)
    assert any(r"Lab\u001b[2J" in line for line in lines), "a system's name"


def test_records_read_back_as_they_were_in_every_form(region):
    database = open_database(region.database)
    lines = database.read_now(lambda reader: reader.log.lines(0, 1000))
    database.close()
    shown = {}
    for form in ("json", "nen7513", "fhir"):
        seqs = [str(line.leaf.seq) for line in lines]
        shown[form] = run("audit", "show", "--config", region.folder / "xds.toml", "--format", form, *seqs)
        assert not UNSEEN.search(shown[form])
    begins = EVIL.partition("\r")[0]
    assert any(begins in json.loads(line).get("query", "") for line in shown["json"].splitlines())
    assert begins in "".join(etree.fromstring(shown["nen7513"].encode()).itertext())
    assert len([json.loads(line) for line in shown["fhir"].splitlines()]) == len(lines)
    feed = frames(lines, "log")
    assert not UNSEEN.search(feed.decode().replace("\ufeff", "")), "syslog has a BOM before each message"
