"""The people of the story, each at the system of an organisation, with an assertion for each message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demonstration.region import Region
from xds.cli.init import ORGANISATIONS, TEST_ISSUER
from xds.client import Client
from xds.identity.codes import ACT_REASON, TREATMENT
from xds.identity.issue import ROLE_CODES, Statement, TestIssuer
from xds.identity.variants import variant
from xds.model.coded import Coded


@dataclass(frozen=True)
class Person:
    """A care professional, known by a number of the UZI register."""

    name: str
    number: str
    role: Coded
    organisation: str


MIDWIFE = Person("Anna Jansen", "000000001", Coded("03.000", ROLE_CODES, "verloskundige"), "midwife-practice")
OBSTETRICIAN = Person("Bram de Boer", "000000002", Coded("01.046", ROLE_CODES, "gynaecoloog"), "hospital")
NURSE = Person("Carla Smit", "000000003", Coded("30.000", ROLE_CODES, "verpleegkundige"), "jgz")


def system_of(
    region: Region, person: Person, *, at: str | None = None, emergency: str | None = None, form: str = "valid"
) -> Client:
    """The system that a person works at, or that of the organisation `at` with the person's assertions.

    `emergency` is the reason to break the glass; `form` is a variant of `xds token`.
    """
    urls = {"registry_url": f"{region.url}/registry", "repository_url": f"{region.url}/repository"}
    return Client(
        **urls, **region.tls(at or person.organisation), assertion=_assertions(region, person, emergency, form)
    )


def _assertions(region: Region, person: Person, emergency: str | None, form: str) -> Callable[[], bytes]:
    """What an identity provider does when somebody has logged in, and `xds token` on the command line."""
    tls = region.folder / "tls"
    issuer = TestIssuer(TEST_ISSUER, (tls / "issuer.pem").read_bytes(), (tls / "issuer-key.pem").read_bytes())
    organisation = ORGANISATIONS[person.organisation]
    said = Statement(
        audience=region.url,
        ura=organisation.ura,
        organisation=organisation.name,
        user=person.number,
        name=person.name,
        role=person.role,
        purpose=TREATMENT if emergency is None else Coded("BTG", ACT_REASON),
        reason=emergency,
    )
    return lambda: variant(issuer, said, form)
