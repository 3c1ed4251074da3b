from __future__ import annotations

import shlex
import sys

import pytest
from testkit import plan
from testkit.assertions import Assertions, variant_of

from xds.identity.variants import VARIANTS


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_of_the_issuer_is_asked_for_by_its_name(variant):
    assert variant_of("find", variant) == variant


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("notYetValid", "not-yet-valid"),
        ("XUA_Expired", "expired"),
        ("with-authz-consent", "with-authz-consent"),
        ("withAuthzConsent", "with-authz-consent"),
        ("secondRole", "second-role"),
        ("secondPurposeOfUse", "second-purpose"),
        ("second_pou", "second-purpose"),
        ("unknownAudience", "unknown-audience"),
        ("Unsigned assertion", "unsigned"),
        ("Registry refuses an assertion with an invalid signature", "invalid-signature"),
        ("15800", "valid"),
    ],
)
def test_a_name_in_another_spelling_is_understood(name, variant):
    assert variant_of(name) == variant


def test_the_nearest_name_decides():
    assert variant_of("sq", "valid", "reg_xua", "Valid and expired assertions") == "valid"
    assert variant_of("expired", "valid") == "expired"
    assert variant_of("sq", "query", "reg_xua", "", "Expired assertion") == "expired"


def test_what_a_test_says_of_itself_is_its_first_line(tmp_path):
    (tmp_path / "tests" / "reg_xua").mkdir(parents=True)
    (tmp_path / "tests" / "reg_xua" / "readme.txt").write_text("Unsigned assertion\n\nThe registry refuses it.\n")

    assert plan.Testkit(tmp_path).title("reg_xua") == "Unsigned assertion"
    assert plan.Testkit(tmp_path).title("other") == ""


def test_an_assertion_serves_for_a_minute_unless_it_is_for_one_use(tmp_path):
    asked = tmp_path / "asked"
    program = f"import sys; open({str(asked)!r}, 'a').write(sys.argv[1] + ' '); print('<Assertion/>')"
    assertions = Assertions(f"{sys.executable} -c {shlex.quote(program)}")

    for name in ("expired", "expired", "one-time", "one-time"):
        assert assertions.security_header(name)[0].tag == "Assertion"

    assert asked.read_text() == "expired one-time one-time "


@pytest.mark.parametrize(
    ("command", "said"), [("./no-such-command", "can't be run"), (f"{sys.executable} -c 'exit(3)'", "failed")]
)
def test_a_command_that_prints_no_assertion_ends_the_run(command, said):
    with pytest.raises(SystemExit, match=said):
        Assertions(command).security_header("valid")
