"""A server under attack that knows its participants, and wants an assertion with every request."""

from __future__ import annotations

import http.client

from identity_samples import message
from oracle import Victim
from served import Served, client_context, xds

PLAIN = "application/soap+xml; charset=UTF-8"


class Guarded(Victim):
    """Connects as one of the organisations: "hospital", "midwife-practice", "jgz"; "server" is a second hospital's."""

    def __init__(self, server: Served):
        super().__init__(server.folder, server.port, server.process.pid)
        self.server = server
        self.organisation = "hospital"
        self.audience = f"https://127.0.0.1:{server.port}"

    def connect(self) -> http.client.HTTPConnection:
        context = client_context(self.folder, self.organisation)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)

    def log(self) -> str:
        return "".join(self.server.log)

    def token(self, *options: str) -> bytes:
        done = xds("token", "--config", self.folder / "xds.toml", *options, XDS_SERVER_PORT=self.port)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().encode()

    def ask(self, *tokens: bytes, organisation: str = "hospital") -> tuple[int, bytes]:
        """Send a query with these tokens, or a message that is ready, as a system of an organisation."""
        self.organisation = organisation
        try:
            whole = tokens and b":Envelope" in tokens[0]
            return self.post("/registry", tokens[0] if whole else message(*tokens), PLAIN)
        finally:
            self.organisation = "hospital"
