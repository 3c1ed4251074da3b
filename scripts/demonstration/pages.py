"""The pages beside the server, and how somebody signs in to them: with a certificate and a code that counts once."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import sys
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from demonstration.dossiers import CHANGED_HER_MIND
from demonstration.region import Region, shown
from xds.pages.access.totp import code_at

ACCOUNT = "toezicht"
_STEP = timedelta(seconds=30)


class Hint(NamedTuple):
    """What the pages hint at, as their list says it."""

    day: str
    rule: str
    employee: str
    found: str


class Officer:
    """A privacy officer with the certificate of the demonstration, and the secret of an authenticator app."""

    def __init__(self, region: Region):
        self._region = region
        certificate = region.folder / "tls" / "auditor.pem"
        added = region.xds("auditor", "add", ACCOUNT, "--name", "Toos Ezicht", "--role", "privacy-officer",
                           "--certificate", str(certificate))  # fmt: skip
        self.uri = added.splitlines()[-1]
        found = re.search("secret=([A-Z2-7]+)", self.uri)
        assert found is not None
        self._secret = base64.b32decode(found[1] + "=" * (-len(found[1]) % 8))

    def hints(self) -> list[Hint]:
        """Sign in, and read what needs a look: what weighs most first."""
        fields = {"code": code_at(self._secret, datetime.now(UTC)), "verder": "/toezicht"}
        status, cookie, _ = self._ask("POST", "/aanmelden", urlencode(fields))
        if status != 303 or cookie is None:
            sys.exit(f"The privacy officer could not sign in: {status}.")
        _, _, body = self._ask("GET", "/toezicht/signalen.json", cookie=cookie)
        return [Hint(row["day"], row["rule"], row["employee"], row["found"]) for row in json.loads(body)["rows"]]

    def codes(self, count: int) -> list[tuple[datetime, str]]:
        """The codes of the next moments, each with when it begins; what was used does not count again."""
        first = datetime.now(UTC) + _STEP
        first -= timedelta(seconds=first.timestamp() % _STEP.seconds)
        moments = [first + number * _STEP for number in range(count)]
        return [(moment, code_at(self._secret, moment)) for moment in moments]

    def _ask(
        self, method: str, path: str, form: str | None = None, cookie: str | None = None
    ) -> tuple[int, str | None, bytes]:
        tls, context = (
            self._region.folder / "tls",
            ssl.create_default_context(cafile=self._region.folder / "tls" / "ca.pem"),
        )
        context.load_cert_chain(tls / "auditor.pem", tls / "auditor-key.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self._region.pages, context=context, timeout=30)
        headers = {"Origin": self._region.pages_url, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, form, headers | ({"Cookie": cookie} if cookie else {}))
            answer = connection.getresponse()
            given = answer.getheader("Set-Cookie")
            return answer.status, None if given is None else given.partition(";")[0], answer.read()
        finally:
            connection.close()


def how_to_look(region: Region, officer: Officer, command: object) -> str:
    """How to open the pages in a browser."""
    folder = shown(region.folder)
    codes = "  ".join(f"{moment.astimezone():%H:%M:%S} {code}" for moment, code in officer.codes(8))
    return (
        f"The pages are at {region.pages_url}, for everybody.\n"
        f"- As the privacy officer, who has signals of the past month to look at: take {folder}/tls/ca.pem (an "
        f"authority) and {folder}/tls/auditor.p12 (no password) into a browser, and open\n"
        f"  {region.pages_url}/aanmelden\n"
        f"  It asks for a code; each counts once. From when they count: {codes}\n"
        f"  For an authenticator app: {officer.uri}\n"
        "- As Eva, who comes from the portal of the hospital; the page is good for a minute:\n"
        f"  {command} launch 999911120 --config {shown(region.config)} --page {folder}/portal.html\n"
        f"  Or with {CHANGED_HER_MIND}: a client of the past month, who changed her mind about the hospital."
    )
