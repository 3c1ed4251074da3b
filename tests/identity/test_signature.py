"""Attacks on the signature of an assertion. They are made against a running server too, in tests/hostile."""

from __future__ import annotations

import asyncio
import copy
import time

import pytest
from identity_samples import CERTIFICATES, DS, HOSPITAL, SAML, headers, sign, statement, subcode
from lxml import etree
from saml_attacks import CASES, VICTIM, XPATH, add_transform, attacks, good, retrieval

from xds import xmlio
from xds.errors import Fault
from xds.identity.signature import SIGNATURE, signed_content


@pytest.fixture(scope="module")
def attacked(made):
    return attacks(made[0], statement(), made[0].certificate)


def test_every_attack_is_named(attacked):
    assert tuple(attacked) == CASES


@pytest.mark.parametrize("case", CASES)
def test_refused_soon_and_without_a_word_of_the_token(authenticator, attacked, now, case):
    blocks = tuple(xmlio.parse(attacked[case])[0])
    began = time.process_time()

    with pytest.raises(Fault) as caught:
        asyncio.run(authenticator.authenticate(blocks, CERTIFICATES[HOSPITAL], now))

    assert time.process_time() - began < 0.5
    assert subcode(caught.value) in {
        "FailedCheck",
        "InvalidSecurityToken",
        "UnsupportedSecurityToken",
        "UnsupportedAlgorithm",
    }
    assert VICTIM not in caught.value.reason


def test_a_transform_more_is_refused_though_the_issuer_signed_it(authenticator, issuer, now):
    change = add_transform("http://www.w3.org/TR/1999/REC-xpath-19991116", XPATH)
    assertion = sign(issuer, issuer.compose(statement(), now), change)

    with pytest.raises(Fault, match="transforms"):
        asyncio.run(authenticator.authenticate(headers(assertion), CERTIFICATES[HOSPITAL], now))


def test_what_the_key_info_says_counts_for_nothing(authenticator, issuer, now):
    assertion = good(issuer, statement())
    retrieval(assertion.find(SIGNATURE))

    assert asyncio.run(authenticator.authenticate(headers(assertion), CERTIFICATES[HOSPITAL], now))


def test_a_comment_cuts_nothing_off(authenticator, issuer, now):
    """Case 65: comments are no part of what is signed, so they must not be part of what is read either."""
    assertion = issuer.issue(statement(name="Anna Jansen.evil"))
    blocks = headers(assertion.replace(b"Anna Jansen.evil", b"Anna Jansen<!-- -->.evil"))

    requester = asyncio.run(authenticator.authenticate(blocks, CERTIFICATES[HOSPITAL], now))
    assert requester.user.name == "Anna Jansen.evil"


def test_what_is_read_is_what_was_signed(issuer, issuers, now):
    """Text behind the signature belongs to what was signed; the signature itself does not."""
    assertion = issuer.compose(statement(), now)
    issuer.sign(assertion)
    (block,) = headers(assertion)
    (element,) = block
    keys = issuers[issuer.name].keys(now)

    content = signed_content(element, etree.tostring(element), keys)

    expected = copy.deepcopy(assertion)
    expected.remove(expected.find(f"{DS}Signature"))
    assert etree.tostring(content, method="c14n", exclusive=True) == etree.tostring(
        etree.fromstring(etree.tostring(expected)), method="c14n", exclusive=True
    )
    assert content.find(f"{SAML}Issuer") is not None and content.find(SIGNATURE) is None
