from __future__ import annotations

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from identity_samples import PATIENT, headers, subcode

from xds.config import load
from xds.db import open_database
from xds.errors import Fault
from xds.identity import Authenticator, Policy
from xds.identity.issuers import load_issuers
from xds.identity.variants import VARIANTS


@pytest.fixture
def ask(folder):
    """Tells who the server of the folder would take the bearer of a token for."""
    settings = load(folder / "xds.toml", {})
    policy = Policy(settings.audience, timedelta(seconds=60), timedelta(seconds=600), 3, True)
    issuers = load_issuers(settings.identity.issuers, for_tests=True)
    database = open_database(settings.database.url)

    def ask(token: str, organisation: str = "hospital"):
        pem = (folder / "tls" / f"{organisation}.pem").read_text()
        first = pem[: pem.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
        certificate = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
        authenticator = Authenticator(database, lambda: issuers, policy)
        return asyncio.run(authenticator.authenticate(headers(token.encode()), certificate, datetime.now(UTC)))

    yield ask
    database.close()


def test_a_token_says_what_it_was_asked_to(xds, folder, ask):
    config = ("--config", folder / "xds.toml")
    holder = folder / "tls" / "midwife-practice.pem"

    done = xds(
        "token", *config, "--organisation", "midwife-practice", "--user", "000000007", "--name", "Anna Jansen",
        "--role", "03.000", "--purpose", "BTG", "--reason", "spoed", "--patient", PATIENT, "--mandated", "000000008",
        "--holder", holder, "--minutes", "2",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    requester = ask(done.stdout, "midwife-practice")
    assert (requester.user.number, requester.responsible.number) == ("000000008", "000000007")
    assert (requester.user.name, requester.user.role.code) == ("Anna Jansen", "03.000")
    assert (requester.purpose.code, requester.emergency, str(requester.patient)) == ("BTG", "spoed", PATIENT)


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_printed(xds, folder, ask, name):
    token = xds("token", "--variant", name, "--config", folder / "xds.toml").stdout

    if name in ("valid", "with-authz-consent", "second-role", "second-purpose", "one-time"):
        assert ask(token).participant.organisation.ura == "00010990"
    else:
        with pytest.raises(Fault) as caught:
            ask(token)
        assert subcode(caught.value)


def test_a_key_that_is_not_marked_is_refused(xds, folder):
    config = ("--config", folder / "xds.toml")
    tls = folder / "tls"

    real = xds("token", *config, "--certificate", tls / "hospital.pem", "--key", tls / "hospital-key.pem")
    assert (real.returncode, real.stdout) == (2, "")
    assert "not marked as one for tests" in real.stderr
    (tls / "issuer-key.pem").unlink()
    assert xds("token", *config).returncode == 2


def test_what_can_not_be_right_is_a_wrong_command_line(xds, folder):
    config = ("--config", folder / "xds.toml")

    assert "expected one of valid, " in xds("token", *config, "--variant", "x").stderr
    wrong = xds("token", *config, "--patient", "999911120")
    assert wrong.returncode == 2 and "999911120" not in wrong.stderr.partition("Error")[2]


def test_it_says_that_it_is_not_for_production(xds):
    assert "NOT FOR PRODUCTION" in xds("token", "--help").stdout
