"""Which issuers are trusted, and that an issuer for tests is none of them in earnest."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from identity_samples import ISSUER

from xds.errors import Misconfigured
from xds.identity.issue import TestIssuer, make_issuer
from xds.identity.issuers import load_issuers

NOW = datetime.now(UTC)
METADATA = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{name}"><IDPSSODescriptor>{keys}'
    "</IDPSSODescriptor></EntityDescriptor>"
)
KEY = (
    '<KeyDescriptor{use}><d:KeyInfo xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:X509Data><d:X509Certificate>'
    "{content}</d:X509Certificate></d:X509Data></d:KeyInfo></KeyDescriptor>"
)


def certificate(key, days: int = 10) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "identity provider")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=20))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


def described(*certificates: x509.Certificate, use: str = ' use="signing"', name: str = ISSUER) -> str:
    contents = (base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates)
    return METADATA.format(name=name, keys="".join(KEY.format(use=use, content=content) for content in contents))


@pytest.fixture
def load(tmp_path):
    def load(*texts: str, for_tests: bool = False):
        files = [tmp_path / f"{number}.xml" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        return load_issuers(files, for_tests=for_tests)

    return load


def test_keys_count_while_their_certificates_are_valid(load):
    new, old = (certificate(ec.generate_private_key(ec.SECP256R1()), days) for days in (10, 1))

    issuer = load(described(new, old))[ISSUER]

    assert [len(issuer.keys(NOW + timedelta(days=days))) for days in (-30, 0, 5, 11)] == [0, 2, 1, 0]


def test_a_federation_lists_several(load):
    one, two = (described(certificate(ec.generate_private_key(ec.SECP256R1())), name=name) for name in ("a", "b"))
    both = f'<x:EntitiesDescriptor xmlns:x="urn:oasis:names:tc:SAML:2.0:metadata">{one}{two}</x:EntitiesDescriptor>'

    assert set(load(both)) == {"a", "b"}
    assert set(load(one, two)) == {"a", "b"}
    with pytest.raises(Misconfigured, match="twice"):
        load(one, both)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("<x/>", "no SAML metadata"),
        ("no XML", "does not begin with <"),
        (METADATA.format(name=ISSUER, keys=""), "a certificate for signing"),
        (METADATA.format(name=ISSUER, keys=KEY.format(use="", content="bm9uZQ==")), "can't be read"),
        (described(certificate(ec.generate_private_key(ec.SECP256R1())), use=' use="encryption"'), "for signing"),
        (described(certificate(ec.generate_private_key(ec.SECP256R1())), name=" "), "an entityID"),
        (described(certificate(rsa.generate_private_key(65537, 1024))), "at least 2048"),
        (described(certificate(ec.generate_private_key(ec.SECP192R1()))), "EC of 256"),
        (described(certificate(ed25519.Ed25519PrivateKey.generate())), "at least 2048"),
    ],
)
def test_a_file_that_names_no_issuer_is_a_mistake(load, text, mistake):
    with pytest.raises(Misconfigured, match=mistake):
        load(text)


def test_an_absent_file_is_a_mistake(tmp_path):
    with pytest.raises(Misconfigured, match="No such file"):
        load_issuers([tmp_path / "none.xml"], for_tests=False)


def test_an_issuer_for_tests_is_trusted_only_where_that_is_said(load):
    text = make_issuer(ISSUER)[2].decode()

    assert set(load(text, for_tests=True)) == {ISSUER}
    with pytest.raises(Misconfigured, match="an issuer for tests"):
        load(text)


def test_no_token_is_made_with_a_key_that_is_not_marked():
    pem, key, _ = make_issuer(ISSUER)
    private = ec.generate_private_key(ec.SECP256R1())
    real_key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    real = certificate(private).public_bytes(Encoding.PEM)
    mark = key.partition(b"-----")[0]

    for certificate_pem, key_pem, reason in (
        (real, real_key, "the key is not marked"),
        (pem, real_key, "the key is not marked"),
        (real, mark + real_key, "the certificate is not marked"),
        (pem, mark + real_key, "don't belong together"),
        (pem, mark, "can't be read"),
    ):
        with pytest.raises(Misconfigured, match=reason):
            TestIssuer(ISSUER, certificate_pem, key_pem)
