"""The accounts and sessions of the pages, and the process that serves them, as an administrator has them."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from click.testing import CliRunner, Result
from consent_samples import POLICY_FILE
from served import environment, free_port

from xds.cli.certificates import fingerprint
from xds.cli.init import make_certificates
from xds.cli.main import main
from xds.config import load
from xds.db import open_database
from xds.model.viewer import Session


def xds(*arguments: object) -> Result:
    """Run the command in this process, which is quicker for so many."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_accounts_and_sessions_are_made_listed_and_ended(folder):
    config = ("--config", folder / "xds.toml")
    certificate = ("--certificate", folder / "tls" / "hospital.pem")
    anna = ("--name", "Anna Jansen", "--role", "privacy-officer", "--organisation", "00010990")
    added = xds("auditor", "add", "anna", *anna, *certificate, *config)
    bob = ("--name", "Bob", "--role", "auditor", "--subject", "https://idp.example bob")

    assert added.exit_code == 0, added.output
    uri = urlsplit(added.stdout.splitlines()[-1])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert len(parse_qs(uri.query)["secret"][0]) == 32
    assert xds("auditor", "add", "anna", *anna, *certificate, *config).exit_code == 1
    assert xds("auditor", "add", "bob", *bob, *config).stdout.count("\n") == 1
    assert xds("auditor", "add", "carla", *anna, *config).exit_code == 2
    listed = json.loads(xds("auditor", "list", "--json", *config).stdout)
    assert [(each["account"], each["role"], each["organisation"]) for each in listed] == [
        ("anna", "privacy-officer", "00010990"),
        ("bob", "auditor", None),
    ]

    now = datetime.now(UTC).replace(microsecond=0)
    database = open_database(load(folder / "xds.toml").database.url)
    first, _ = database.read_now(lambda reader: reader.viewers.auditors())
    new = Session(0, None, 4, now, now, now.replace(year=now.year + 1), auditor=first)
    for token in (b"1", b"2"):
        database.write_now(lambda writer, token=token: writer.viewers.begin_session(token, new))

    assert [each["who"] for each in json.loads(xds("session", "list", "--json", *config).stdout)] == [
        "anna (privacy-officer)",
        "anna (privacy-officer)",
    ]
    assert xds("session", "end", "1", *config).exit_code == 0
    assert xds("session", "end", "1", *config).exit_code == 1
    assert xds("auditor", "suspend", "anna", *config).exit_code == 0
    assert xds("session", "list", *config).stdout == ""
    assert "anna  Anna Jansen, privacy-officer, 00010990: suspended" in xds("auditor", "list", *config).stdout
    assert xds("auditor", "resume", "anna", *config).exit_code == 0
    assert xds("auditor", "factor", "anna", *config).stdout.startswith("otpauth://totp/")
    assert xds("auditor", "factor", "niemand", *config).exit_code == 1
    replaced = folder / "tls" / "jgz.pem"
    assert xds("auditor", "certificate", "anna", replaced, *config).exit_code == 0
    assert xds("auditor", "certificate", "bob", replaced, *config).exit_code == 1
    assert xds("auditor", "certificate", "niemand", replaced, *config).exit_code == 1
    assert json.loads(xds("auditor", "list", "--json", *config).output)[0]["certificate"] == fingerprint(replaced)
    changed = database.read_now(lambda reader: reader.viewers.auditors())[0]
    assert not changed.suspended and changed.secret != first.secret
    changes = xds("audit", "list", "--json", "--transaction", "auditor-change", *config).stdout
    for what in ("added as privacy-officer of 00010990", "added as auditor of the whole exchange", "suspended",
                 "let in again", "another second factor"):  # fmt: skip
        assert changes.count(what) == 1, changes
    assert changes.count("known by the certificate") == 1, changes
    secret = parse_qs(uri.query)["secret"][0]
    assert secret not in changes
    database.close()


def test_who_makes_a_token_for_a_client_or_lists_sessions_is_on_record(folder):
    config = ("--config", folder / "xds.toml")
    for organisation in ("midwife-practice", "hospital"):
        made = xds("launch", "999911120", "--organisation", organisation, *config)
        assert (made.exit_code, made.stdout.count(".")) == (0, 2), made.output
    assert xds("launch", "123456789", *config).exit_code == 2
    assert xds("session", "list", *config).exit_code == 0

    logged = [json.loads(line) for line in xds("audit", "list", "--json", *config).stdout.splitlines()]
    tokens = [each for each in logged if each["things"][0]["name"] == "made by xds launch"]
    assert [each["things"][0]["id"] for each in tokens] == ["01234567", "00010990"]
    assert {each["patient"] for each in tokens} == {"999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"}
    assert [each["things"][0]["kind"]["code"] for each in logged].count("session") == 1


def shown_certificate(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)


def connected_organisations(folder: Path, port: int) -> str:
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    connection.request("GET", "/organisaties")
    answer = connection.getresponse()
    assert answer.status == 200
    text = answer.read().decode()
    connection.close()
    return text


def test_the_pages_run_beside_the_server(folder):
    port = free_port()
    policy = folder / "policy.toml"
    policy.write_bytes(POLICY_FILE.read_bytes())
    settings = {"XDS_PAGES_PORT": port, "XDS_PAGES_TITLE": "Uitwisseling van de proef", "XDS_CONSENT_POLICY": policy}
    process = subprocess.Popen(
        [sys.executable, "-m", "xds", "pages", "--config", str(folder / "xds.toml")],
        env=environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert json.loads(process.stderr.readline())["url"] == f"https://127.0.0.1:{port}"
        text = connected_organisations(folder, port)
        assert "Uitwisseling van de proef" in text and "Jeugdgezondheidszorg" in text
        before = shown_certificate(port)
        make_certificates(folder / "tls")
        policy.write_text(policy.read_text().replace("jeugdgezondheidszorg", "zorg voor de jeugd"))
        process.send_signal(signal.SIGHUP)
        while "the certificate was reloaded" not in process.stderr.readline():
            assert process.poll() is None
        assert shown_certificate(port) != before
        assert "Zorg voor de jeugd" in connected_organisations(folder, port)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    logged = xds("audit", "list", "--json", "--config", str(folder / "xds.toml")).stdout.splitlines()
    told = [(each["kinds"][0]["code"], each["things"][0]["id"]) for each in map(json.loads, logged)]
    started, configured, reloaded, stopped = (each for each in told if each[0] in ("110120", "110131", "110121"))
    assert started == ("110120", f"https://127.0.0.1:{port}") and stopped == ("110121", started[1])
    assert configured[0] == reloaded[0] == "110131" and configured[1] != reloaded[1]
