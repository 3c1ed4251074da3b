"""Reading a policy, and what is said of a wrong one."""

from __future__ import annotations

import re

import pytest
from consent_samples import POLICY, POLICY_FILE

from xds.consent import read_policy
from xds.consent.policy import Form, Level
from xds.errors import Misconfigured
from xds.model.consent import Candidate

TEXT = POLICY_FILE.read_text()


def test_the_example_is_read():
    assert POLICY.version == "2026-01"
    assert POLICY.form is Form.SPECIFIED
    assert POLICY.categories_of("JGZ") == ("jgz", "RPZAC103")
    assert POLICY.categories_of("??") == ()
    assert POLICY.roles["01.070", "2.16.840.1.113883.2.4.15.111"].classes == {"overdracht", "uitslagen"}
    assert POLICY.level_of(Candidate(confidentiality_codes=(("R", "2.16.840.1.113883.5.25"),))) is Level.RESTRICTED


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r'^version = .*$', "", "version"),
        (r'^form = .*$', 'form = "other"', r"\$\.form"),
        (r'minutes = 60', "minutes = 0", r"\$\.emergency\.minutes"),
        (r'minutes = 60', "minuten = 60", "minuten"),
        (r'category = "GGC013"', 'category = "GGC999"', r"document_classes\.medicatie\.category"),
        (r'default = true', "default = false", "document_classes: expected default"),
        (r'"ctg"\]', '"ctg", "geboorteplan"]', "'geboorteplan' is of dossier already"),
        (r'classes = \["overdracht"\]', 'classes = ["anders"]', "no such document class: anders"),
        (r'emergency = \["ETREAT"', 'emergency = ["TREAT"', "purposes: TREAT"),
        (r'R = "restricted"', 'R = "secret"', r"\$\.confidentiality"),
        (r'kinds = \["K4"\]', "kinds = []", r"\$\.organisation_categories"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(pattern, replacement, said):
    wrong, times = re.subn(pattern, replacement, TEXT, count=1, flags=re.M)
    assert times == 1
    with pytest.raises(Misconfigured, match=said):
        read_policy(wrong.encode(), "policy.toml")


def test_what_is_no_toml_is_refused():
    with pytest.raises(Misconfigured, match=r"policy\.toml: not TOML"):
        read_policy(b"\xff", "policy.toml")
