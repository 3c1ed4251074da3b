"""An OpenID provider of the tests' own, over TLS on loopback: strict where the standard is, and wrong on demand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import trustme
from aiohttp import web
from joserfc import jwk, jws

CLIENT = "xds-pages"
SECRET = "het geheim van de proef"
MFA = "https://refeds.org/profile/mfa"


class OpenIdProvider:
    """`changed` are claims that its next tokens have otherwise; `sign` makes the token, if not as it should be."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]):
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca = folder / "provider-ca.pem"
        self.ca.write_bytes(authority.cert_pem.bytes())
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(self.tls)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"https://127.0.0.1:{self.socket.getsockname()[1]}/realms/proef"
        self.secret: str | None = SECRET
        self._clock = clock
        self.new_key("EC")
        self.well()

    def well(self) -> None:
        """Be right again."""
        self.subject = "anna"
        self.changed: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.codes: dict[str, dict[str, str]] = {}

    def new_key(self, kind: str) -> None:
        """Sign with a new key from now on, and publish only that."""
        size: Any = "P-256" if kind == "EC" else 2048
        self.key = jwk.generate_key(kind, size, {"kid": f"sleutel-{kind}-{id(object())}", "use": "sig"})
        self.algorithm = "ES256" if kind == "EC" else "RS256"

    def signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": self.algorithm, "kid": self.key.kid, "typ": "JWT"}
        return jws.serialize_compact(header, json.dumps(claims), self.key)

    def sign_in(self, address: str) -> str:
        """What a person does whose browser comes here: sign in, and be sent back to the address in the answer."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert (asked["code_challenge_method"], "openid" in asked["scope"].split()) == ("S256", True)
        code = f"code-{len(self.codes)}-{id(self)}"
        self.codes[code] = asked
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/realms/proef/.well-known/openid-configuration", self._described)
        app.router.add_get("/realms/proef/keys", self._keys)
        app.router.add_post("/realms/proef/token", self._token)
        app.router.add_get("/realms/proef/authorize", self._authorised)
        return app

    async def _described(self, request: web.Request) -> web.Response:
        at = {name: f"{self.issuer}/{path}" for name, path in (
            ("authorization_endpoint", "authorize"), ("token_endpoint", "token"), ("jwks_uri", "keys"))}  # fmt: skip
        return web.json_response({"issuer": self.issuer, "authorization_response_iss_parameter_supported": True, **at})

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def _authorised(self, request: web.Request) -> web.Response:
        """Who comes with a browser is signed in at once."""
        back = urlsplit(request.query["redirect_uri"])
        raise web.HTTPFound(f"{back.scheme}://{back.netloc}{self.sign_in(str(request.url))}")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form.get("code")), None)
        expected = base64.b64encode(f"{CLIENT}:{quote_plus(self.secret or '')}".encode()).decode()
        known = request.headers.get("Authorization") == f"Basic {expected}"
        if self.secret is None:
            known = form.get("client_id") == CLIENT and "Authorization" not in request.headers
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not known or asked is None or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(self._clock().timestamp())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300,
                  "nonce": asked["nonce"], "acr": MFA}  # fmt: skip
        said = {name: value for name, value in (claims | self.changed).items() if value is not None}
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": self.sign(said)})


@contextmanager
def provider(folder: Path, clock: Callable[[], datetime]) -> Iterator[OpenIdProvider]:
    """A provider that answers for as long as the context lasts."""
    made = OpenIdProvider(folder, clock)
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(made.app())
        await runner.setup()
        await web.SockSite(runner, made.socket, ssl_context=made.tls).start()
        started.set()
        await stop.wait()
        await runner.cleanup()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
