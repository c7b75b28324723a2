"""The page and what it loads: files that come with the package, read once."""

import hashlib
from http import HTTPStatus
from importlib.resources import files
from typing import Final, NamedTuple

from aiohttp import web

from app.view.problems import Problem

INDEX: Final = "index.html"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_HEADERS: Final = {
    # Everything that the page shows is its own, and nobody else may show the page.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class _Asset(NamedTuple):
    body: bytes
    content_type: str
    etag: str


class Assets:
    """The files of ``app/view/page`` by name."""

    def __init__(self) -> None:
        folder = files("app.view") / "page"
        self._assets = {
            each.name: _Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:16])
            for each in (folder.iterdir() if folder.is_dir() else ())
            if (suffix := "." + each.name.rpartition(".")[2]) in _TYPES
            for body in [each.read_bytes()]
        }

    async def index(self, request: web.Request) -> web.Response:
        """Answer with the page."""
        return self._answer(request, INDEX)

    async def file(self, request: web.Request) -> web.Response:
        """Answer with a file that the page loads."""
        return self._answer(request, request.match_info["name"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        asset = self._assets.get(name)
        if asset is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is no such file")
        response = web.Response(body=asset.body, headers={**_HEADERS, "Content-Type": asset.content_type})
        response.etag = asset.etag
        if any(each.value in {asset.etag, "*"} for each in request.if_none_match or ()):
            response.set_status(HTTPStatus.NOT_MODIFIED)
            response.body = None
        return response
