"""Stylesheets, scripts, fonts and pictures: read once, named by their content, kept by browsers for a year."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from gateway.town import Town

_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATED = "public, no-cache"
_COMPRESSIBLE = frozenset({".css", ".js", ".svg", ".json", ".txt", ".webmanifest", ".map"})
_TYPES = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_DIGEST = 10


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and compressed."""

    content: bytes
    compressed: bytes | None
    media_type: str
    digest: str


class Assets:
    """The files below one folder."""

    def __init__(self, folder: Path, *, is_development: bool = False) -> None:
        self._folder = folder
        self._is_development = is_development
        self._assets: dict[str, Asset] = {}
        self._names: dict[str, str] = {}
        self._read()

    def _read(self) -> None:
        for path in sorted(self._folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(self._folder).as_posix()
                self._assets[name] = asset = _load(path)
                self._names[_hashed(name, asset.digest)] = name

    def url(self, name: str) -> str:
        """The lasting address of a file. ``KeyError`` when there is no such file: a page must not name what is not there."""
        if self._is_development and name not in self._assets:
            self._read()
        return f"/static/{_hashed(name, self._assets[name].digest)}"

    def find(self, name: str) -> tuple[Asset, bool] | None:
        """A file by its lasting or its plain name, and whether the name is lasting."""
        plain = self._names.get(name)
        if plain is not None:
            return self._assets[plain], True
        asset = self._assets.get(name)
        return (asset, False) if asset is not None else None


@cache
def _hashed(name: str, digest: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}.{digest}{path.suffix}"))


def _load(path: Path) -> Asset:
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    compressed = gzip.compress(content, 9, mtime=0) if path.suffix in _COMPRESSIBLE else None
    return Asset(content, compressed, media_type, sha256(content).hexdigest()[:_DIGEST])


@get("/static/{name:path}", include_in_schema=False)
async def static_file(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """One file. A hashed name never changes its content; a plain one is asked for again each time."""
    assets: Assets = request.app.state.assets
    found = assets.find(name.lstrip("/"))
    if found is None:
        raise NotFoundException
    asset, is_lasting = found
    etag = f'"{asset.digest}"'
    headers = {"Cache-Control": _IMMUTABLE if is_lasting else _REVALIDATED, "ETag": etag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, media_type=asset.media_type, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@get("/theme.css", include_in_schema=False)
async def town_theme(town: NamedDependency[Town]) -> Response[bytes]:
    """The town's two colours as a stylesheet of its own, since the policy allows no inline style."""
    colours = (("--town", town.primary), ("--town-accent", town.accent))
    # A town without colours of its own keeps those of tokens.css: an empty value would win over them.
    css = f":root{{{';'.join(f'{name}:{value}' for name, value in colours if value)}}}"
    headers = {"Cache-Control": _IMMUTABLE}
    return Response(css.encode(), media_type="text/css", headers=headers)
