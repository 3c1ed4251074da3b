"""The files beside the pages: style, htmx and the region's own theme."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_THEME = "theme.css"
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class Assets:
    """The files in memory; `theme` goes over the pages' own style."""

    def __init__(self, theme: bytes):
        self._contents = {file.name: file.read_bytes() for file in _FOLDER.iterdir()}
        self._contents[_THEME] = theme
        self._versions = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._contents.items()}

    def url(self, name: str) -> str:
        """Where a file is, which is another place when its content is another."""
        return f"/static/{name}?v={self._versions[name]}"

    def add_to(self, app: web.Application) -> None:
        """Serve the files."""
        for name, body in self._contents.items():
            app.router.add_get(f"/static/{name}", _serving(body, _TYPES[Path(name).suffix]))


def _serving(body: bytes, kind: str) -> Callable[[web.Request], object]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": _FOR_A_YEAR})

    return answer
