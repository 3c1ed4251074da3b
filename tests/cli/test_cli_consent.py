"""`xds consent`, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner, Result
from consent_samples import POLICY_FILE
from samples import OTHER_PATIENT, PATIENT, entry

from xds.cli.main import main
from xds.db import Database, open_database
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.consent import Emergency
from xds.model.ids import new_uuid
from xds.model.party import NormStatus, Organisation

HOSPITAL = ("--organisation", "00000003", "--kind", "V6", "--role", "01.046")


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    """The database of a configuration, with a client, a document of a midwife, and hospitals that take part."""
    assert CliRunner().invoke(main, ["init", str(tmp_path), "--repository-id", "2.999.1"]).exit_code == 0
    database = open_database(f"sqlite:///{tmp_path}/data/xds.db")

    def change(writer: Any) -> None:
        writer.add_patient(PATIENT)
        document = entry(new_uuid(), unique_id="2.999.100.1")
        writer.insert([(document, pack(encode(document)))], writer.patient(PATIENT))
        writer.consents.join("V6", datetime(2020, 1, 1, tzinfo=UTC))
        midwives = Organisation("01234567", "Verloskundigenpraktijk De Ooievaar", "G3")
        writer.add_participant(midwives, "0a" * 32, (), date(2020, 1, 1), NormStatus())

    database.write_now(change)
    yield database
    database.close()


@pytest.fixture
def consent(tmp_path, database, monkeypatch) -> Callable[..., Result]:
    """Runs `xds consent` on that client, in this process."""
    monkeypatch.setenv("XDS_CONSENT_POLICY", str(POLICY_FILE))

    def run(command: str, *arguments: str, patient: str = PATIENT) -> Result:
        about = () if command in ("notices", "emergencies") else ("--patient", patient)
        config = ("--config", str(tmp_path / "xds.toml"))
        return CliRunner().invoke(main, ["consent", command, *config, *about, *arguments])

    return run


WORD = ("--consumer", "category:RPZAC104", "--channel", "portal", "--by", "balie")


def test_a_permit_is_recorded_explained_withdrawn_and_kept(consent):
    consent("relation", "--organisation", "00000003", "--by", "balie")
    refused = consent("explain", *HOSPITAL)
    assert refused.exit_code == 1
    assert "mag 'Zwangerschapskaart' niet inzien. De cliënt heeft hiervoor geen toestemming gegeven." in refused.stdout

    recorded = consent("record", "--permit", *WORD)
    assert (recorded.exit_code, recorded.stderr) == (0, "")
    assert "Toestemming vastgelegd (via een portaal): alle gegevens van alle zorgaanbieders" in recorded.stdout
    allowed = consent("explain", *HOSPITAL, "--json")
    assert allowed.exit_code == 0
    (row,) = json.loads(allowed.stdout)
    assert (row["document"], row["permitted"], row["rule"], row["version"], row["checks"]) == (
        "2.999.100.1", True, "consent", "1", "TTTF",
    )  # fmt: skip
    assert row["sentence"].startswith(
        "Gynaecoloog van de organisatie met URA 00000003 mag 'Zwangerschapskaart' inzien. De cliënt heeft op"
    )

    assert consent("withdraw", *WORD).exit_code == 0
    assert consent("explain", *HOSPITAL).exit_code == 1
    words = json.loads(consent("list", "--json").stdout)
    assert [(word["number"], word["decision"], word["newest"]) for word in words] == [
        (1, "permit", False),
        (2, "withdrawn", True),
    ]
    assert words[0]["consumer"] == "category:RPZAC104" and words[0]["recorded_by"] == "balie"
    lines = consent("list").stdout.splitlines()
    assert lines[0].endswith("(vervangen)") and "withdrawn: alle gegevens" in lines[1]


def test_each_change_is_in_the_log_and_so_is_one_that_was_refused(consent, tmp_path, database):
    consent("record", "--permit", *WORD)
    consent("record", "--permit", *WORD[2:])
    consent("relation", "--organisation", "00000003", "--by", "balie", "--from", "2026-01-01")

    config = ("--config", str(tmp_path / "xds.toml"))
    listed = CliRunner().invoke(main, ["audit", "list", "--json", "--transaction", "consent-change", *config])

    made, refused, related = (json.loads(line) for line in listed.stdout.splitlines())
    assert [each["outcome"] for each in (made, refused, related)] == [0, 4, 0]
    assert all(each["patient"] == PATIENT and each["user"]["person"]["number"] for each in (made, refused, related))
    (thing,) = made["things"]
    assert (thing["kind"]["code"], thing["id"], thing["details"]) == ("consent", "1", [["recorded_by", "balie"]])
    assert thing["name"].startswith("Toestemming vastgelegd (via een portaal): alle gegevens")
    assert "here a permit is specified" in refused["outcome_text"]
    assert related["things"][0]["name"].startswith("Behandelrelatie van de organisatie met nummer 00000003")


def test_each_look_is_in_the_log(consent, tmp_path, database):
    consent("list")
    consent("explain", *HOSPITAL)
    consent("list", patient=OTHER_PATIENT)
    consent("notices")
    seen = Emergency("7@2.999", "00000003", "bewusteloos", "_1", datetime.now(UTC))
    database.write_now(lambda writer: writer.consents.add_emergency(writer.patient(PATIENT), seen))
    consent("emergencies")

    config = ("--config", str(tmp_path / "xds.toml"))
    listed = CliRunner().invoke(main, ["audit", "list", "--json", "--transaction", "consent-read", *config])

    records = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(each["things"][0]["id"].split()[-1], each.get("patient")) for each in records] == [
        ("list", PATIENT), ("explain", PATIENT), ("list", OTHER_PATIENT), ("notices", None), ("emergencies", PATIENT),
    ]  # fmt: skip
    assert [each["unique_id"] for each in records[1]["documents"]] == ["2.999.100.1"]
    assert all(each["action"] == "R" and each["user"]["person"]["number"] for each in records)


def test_explain_asks_who_where_what_for_and_which_document(consent):
    emergency = ("--purpose", "ETREAT", "--emergency", "bewusteloos")
    assert "behandelrelatie" in consent("explain", *HOSPITAL).stdout
    assert "Noodknop: bewusteloos." in consent("explain", *HOSPITAL, *emergency).stdout
    assert "autorisatiematrix" in consent("explain", *HOSPITAL[:4], "--role", "AA.001").stdout
    assert (
        "kraamverzorgende"
        in consent("explain", *HOSPITAL[:4], "--role", "AA.001^^2.16.840.1.113883.2.4.98.111").stdout.lower()
    )
    # The holder's own, by the participant of that URA.
    own = consent("explain", "--organisation", "01234567", "--role", "03.000")
    assert own.stdout.startswith("Verloskundige van Verloskundigenpraktijk De Ooievaar mag") and own.exit_code == 0
    assert consent("explain", *HOSPITAL, "--document", "2.999.404").stdout == "De cliënt heeft geen documenten.\n"
    person = ("--permit", "--consumer", "person:7@2.999", "--channel", "paper", "--by", "balie")
    assert consent("record", *person).exit_code == 0
    consent("relation", "--organisation", "00000003", "--by", "balie")
    assert consent("explain", *HOSPITAL, "--person", "7@2.999").exit_code == 0
    assert consent("explain", *HOSPITAL, "--person", "8@2.999").exit_code == 1


def test_a_relation_begins_ends_and_is_looked_at_by_explain(consent):
    consent("record", "--permit", *WORD)
    dates = ("--from", "2020-01-01", "--until", "2021-01-01")

    begun = consent("relation", "--organisation", "00000003", "--by", "balie", *dates)
    assert "vanaf 1 januari 2020 tot 1 januari 2021" in begun.stdout
    assert consent("explain", *HOSPITAL).exit_code == 1
    consent("relation", "--organisation", "00000003", "--by", "balie")
    assert consent("explain", *HOSPITAL).exit_code == 0
    assert consent("relation", "--organisation", "00000003", "--by", "balie", "--end").exit_code == 0
    assert consent("explain", *HOSPITAL).exit_code == 1
    assert consent("relation", "--organisation", "00000003", "--by", "balie", "--end").exit_code == 1
    assert consent("relation", "--organisation", "00000003", "--by", "x", "--end", *dates).exit_code == 2


def test_parents_speak_for_a_child_whose_birth_date_is_known(consent):
    word = ("--permit", *WORD, "--given-by", "parent")

    refused = consent("record", *word)
    assert refused.exit_code == 1 and "birth date is not known" in refused.stderr
    assert consent("record", *word, "--birth-date", f"{datetime.now(UTC).year - 1}-01-01").exit_code == 0
    assert json.loads(consent("list", "--json").stdout)[0]["given_by"] == ["parent"]


def test_clients_are_told_of_a_category_that_joined(consent, database):
    consent("record", "--permit", "--consumer", "category:RPZAC103", "--channel", "paper", "--by", "balie")
    assert consent("notices").stdout == ""
    database.write_now(lambda writer: writer.consents.join("K4", datetime(2099, 1, 1, tzinfo=UTC)))

    assert consent("notices").stdout == f"{PATIENT}  kraamzorg  kraamzorgorganisaties\n"
    assert json.loads(consent("notices", "--json").stdout) == [{"patient": PATIENT, "category": "kraamzorg"}]
    assert consent("informed", "--category", "kraamzorg", "--by", "brief").exit_code == 0
    assert consent("informed", "--category", "onbekend", "--by", "brief").exit_code == 1


def test_emergencies_are_listed_for_the_privacy_officer(consent, database):
    now = datetime.now(UTC)
    broken = Emergency("7@2.999", "00000003", "bewusteloos", "_1", now)
    database.write_now(lambda writer: writer.consents.add_emergency(writer.patient(PATIENT), broken))

    (row,) = json.loads(consent("emergencies", "--json").stdout)
    assert (row["patient"], row["person"], row["reason"]) == (PATIENT, "7@2.999", "bewusteloos")
    assert "bewusteloos" in consent("emergencies", "--from", "2020-01-01").stdout
    assert consent("emergencies", "--until", "2020-01-01", "--from", "2019-01-01").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("record", "--permit", *WORD[2:]), 1, "here a permit is specified"),
        (("record", "--permit", "--consumer", "iedereen", *WORD[2:]), 2, "expected any, category:CODE"),
        (("record", "--permit", "--consumer", "any:x", *WORD[2:]), 2, "expected any, category:CODE"),
        (("record", *WORD), 2, "--permit"),
        (("record", "--permit", *WORD, "--in-emergency"), 1, "only an objection"),
        (("record", "--permit", *WORD, "--from", "2026-02-01", "--until", "2026-01-01"), 1, "before it begins"),
        (("withdraw", *WORD), 1, "nothing to withdraw"),
        (("explain", "--organisation", "00000099", "--role", "03.000"), 2, "no participant has this URA"),
    ],
)
def test_what_is_wrong_is_said(consent, arguments, status, said):
    done = consent(*arguments)

    assert (done.exit_code, done.stdout) == (status, "")
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize("command", [("list",), ("explain", *HOSPITAL), ("record", "--deny", *WORD)])
def test_a_patient_that_is_not_known_is_not_repeated(consent, command):
    done = consent(*command, patient=OTHER_PATIENT)

    assert done.exit_code == 1
    assert "the patient is not known" in done.stderr and "999900006" not in done.stderr


def test_without_a_policy_the_key_is_named(consent, tmp_path, monkeypatch):
    monkeypatch.setenv("XDS_CONSENT_POLICY", str(tmp_path / "absent.toml"))
    absent = consent("notices")
    assert absent.exit_code == 2 and "absent.toml: the policy can't be read" in absent.stderr

    monkeypatch.delenv("XDS_CONSENT_POLICY")
    none = consent("notices")
    assert none.exit_code == 2 and "consent.policy: expected the file" in none.stderr
