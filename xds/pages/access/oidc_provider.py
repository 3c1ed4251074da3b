"""An OpenID provider, as its client sees it: where it is, which keys it signs with, and what it says of who signed in.

Source: OpenID Connect Core 1.0: 3.1; OpenID Connect Discovery 1.0: 4; RFC 7636 (PKCE); RFC 9207 (mix-up); RFC 9700.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from xds.errors import Unavailable

ALGORITHMS = ("RS256", "PS256", "ES256")
_SKEW = timedelta(seconds=60)
_OLDEST = timedelta(minutes=10)
_PATIENCE = aiohttp.ClientTimeout(total=10)
_MOST = 256 << 10
_AGAIN = timedelta(minutes=1)
_registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_registry.max_header_length = 8192


class Refused(Exception):
    """A sign-in that doesn't count; the text says why, without what the provider said."""


class Client(NamedTuple):
    """How the pages are registered at a provider. `acr` are the words of the provider that mean two factors."""

    issuer: str
    id: str
    secret: str | None
    acr: frozenset[str]


class _Discovered(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    iat: int
    nonce: str
    azp: str = ""
    acr: str = ""
    amr: list[str] = []
    acrs: list[str] = []


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


class Provider:
    """One provider, asked over TLS that `context` trusts. What it says of itself is read at the first use."""

    def __init__(self, client: Client, context: ssl.SSLContext):
        self.client = client
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._found: _Discovered | None = None
        self._keys: jwk.KeySet | None = None
        self._keys_at: datetime | None = None

    async def address(self, state: str, nonce: str, challenge: str, back: str) -> str:
        """Where a browser is sent to sign in."""
        found = await self._discovered()
        asked = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": back,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self.client.acr:
            asked["acr_values"] = " ".join(sorted(self.client.acr))
            asked["claims"] = _asking_acrs(sorted(self.client.acr))
        joint = "&" if urlsplit(found.authorization_endpoint).query else "?"
        return f"{found.authorization_endpoint}{joint}{urlencode(asked)}"

    async def check_sender(self, issuer: str | None) -> None:
        """Refuse an answer that another provider sent. Source: RFC 9207: 2.4."""
        found = await self._discovered()
        if issuer is None and found.authorization_response_iss_parameter_supported:
            raise Refused("the answer does not say which provider sent it")
        if issuer is not None and issuer != self.client.issuer:
            raise Refused("the answer is of another provider")

    async def subject(self, code: str, verifier: str, nonce: str, back: str, now: datetime) -> str:
        """Who signed in: the issuer, a blank, and the subject there."""
        found = await self._discovered()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers = {}
        if self.client.secret is None:
            form["client_id"] = self.client.id
        else:
            headers = {"Authorization": _basic(self.client.id, self.client.secret)}
        body = await self._ask("POST", found.token_endpoint, data=form, headers=headers)
        try:
            token = msgspec.json.decode(body, type=_Tokens).id_token
        except msgspec.DecodeError:
            raise Refused("the provider gave no token") from None
        claims = await self._verified(found, token, now)
        self._check(claims, nonce, now)
        return f"{claims.iss} {claims.sub}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _discovered(self) -> _Discovered:
        if self._found is None:
            body = await self._ask("GET", f"{self.client.issuer}/.well-known/openid-configuration")
            try:
                found = msgspec.json.decode(body, type=_Discovered)
            except msgspec.DecodeError:
                raise Unavailable("the OpenID provider does not describe itself") from None
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if found.issuer != self.client.issuer or not all(each.startswith("https://") for each in addresses):
                raise Unavailable("the OpenID provider describes another one, or has addresses without TLS")
            self._found = found
        return self._found

    async def _verified(self, found: _Discovered, token: str, now: datetime) -> _Claims:
        """The claims of a token, once its signature was checked; a key that is not known is looked for once more."""
        for fresh in (False, True):
            keys = await self._known_keys(found, now, fresh=fresh)
            try:
                signed = jws.deserialize_compact(token, keys, registry=_registry)
                return msgspec.json.decode(signed.payload, type=_Claims)
            except (JoseError, ValueError, TypeError, KeyError, RecursionError, msgspec.DecodeError):
                continue
        raise Refused("the token can't be read, or its signature is wrong")

    async def _known_keys(self, found: _Discovered, now: datetime, *, fresh: bool) -> jwk.KeySet:
        if self._keys is None or self._keys_at is None or (fresh and now - self._keys_at > _AGAIN):
            body = await self._ask("GET", found.jwks_uri)
            try:
                self._keys = jwk.KeySet.import_key_set(msgspec.json.decode(body))
            except (JoseError, ValueError, TypeError, KeyError, msgspec.DecodeError):
                raise Unavailable("the keys of the OpenID provider can't be read") from None
            self._keys_at = now
        return self._keys

    def _check(self, claims: _Claims, nonce: str, now: datetime) -> None:
        """Source: OpenID Connect Core 1.0: 3.1.3.7."""
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self.client.issuer:
            raise Refused("the token is of another provider")
        if self.client.id not in audience or (len(audience) > 1 and not claims.azp):
            raise Refused("the token is for another client")
        if claims.azp not in ("", self.client.id):
            raise Refused("the token is for another client")
        if not _moment(claims.iat) - _SKEW <= now < _moment(claims.exp) + _SKEW or now - _moment(claims.iat) > _OLDEST:
            raise Refused("the token is not valid now")
        if claims.nonce != nonce:
            raise Refused("the token is of another sign-in")
        if not claims.sub:
            raise Refused("the token is about nobody")
        if not _strong(claims, self.client.acr):
            raise Refused("the person signed in with one factor")

    async def _ask(self, method: str, url: str, **sent: Any) -> bytes:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_PATIENCE)
        try:
            async with self._session.request(method, url, allow_redirects=False, **sent) as answer:
                body = await answer.content.read(_MOST)
                if 400 <= answer.status < 500 and method == "POST":
                    raise Refused("the provider does not accept the code")
                if answer.status != 200 or not answer.content.at_eof():
                    raise Unavailable("the OpenID provider does not answer as it should")
                return body
        except (aiohttp.ClientError, TimeoutError):
            raise Unavailable("the OpenID provider can't be reached") from None


def _strong(claims: _Claims, acr: Collection[str]) -> bool:
    """Whether two factors were used, in the words that the provider has for it."""
    if acr:
        return claims.acr in acr or not set(claims.acrs).isdisjoint(acr)
    return "mfa" in claims.amr


def _asking_acrs(words: Sequence[str]) -> str:
    """Ask for an authentication context as Entra ID wants it. Source: OpenID Connect Core 1.0: 5.5."""
    wanted: dict[str, Any] = {"essential": True}
    wanted |= {"value": words[0]} if len(words) == 1 else {"values": words}
    return msgspec.json.encode({"id_token": {"acrs": wanted}}).decode()


def _basic(name: str, secret: str) -> str:
    """Source: RFC 6749: 2.3.1, which wants both encoded as in a form first."""
    return f"Basic {base64.b64encode(f'{quote_plus(name)}:{quote_plus(secret)}'.encode()).decode()}"


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Refused("the token is not valid now") from None
