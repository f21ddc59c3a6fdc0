"""The little of HTTP the simulator needs, straight on ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from payfip_simulator.switches import UnknownSwitchError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 65_536
_SECURITY = {
    # No form-action: browsers apply it to the redirect that brings the payer back to the town's site.
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class BadRequestError(Exception):
    """The request cannot be read; answered 400."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has been read."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """``BadRequestError`` unless the body is a JSON object, sent as such."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise BadRequestError("application/json expected")
        try:
            document = json.loads(self.body or b"{}")
        except ValueError:
            raise BadRequestError("not JSON") from None
        if not isinstance(document, dict):
            raise BadRequestError("an object expected")
        return document

    @property
    def cookies(self) -> dict[str, str]:
        jar = SimpleCookie(self.headers.get("cookie", ""))
        return {name: morsel.value for name, morsel in jar.items()}


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; headers are added to the security ones."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: object, status: int = 200) -> Response:
        return cls(json.dumps(document, ensure_ascii=False).encode(), status, "application/json")

    @classmethod
    def redirect(cls, url: str) -> Response:
        return cls(status=303, headers={"location": url})


Handler = Callable[[Request], Awaitable[Response]]


def lower_keys(values: dict[str, str]) -> dict[str, str]:
    """``idop`` and ``idOp`` are the same parameter."""
    return {name.lower(): value for name, value in values.items()}


async def respond(handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the request, asks ``handler``, sends what it answers."""
    try:
        response = await handler(await _read(scope, receive))
    except (BadRequestError, UnknownSwitchError) as error:
        response = Response.json({"error": str(error)}, 400)
    headers = {**_SECURITY, "content-type": response.content_type, "content-length": str(len(response.body))}
    headers.update(response.headers)
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": pairs})
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _read(scope: Scope, receive: Receive) -> Request:
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequestError("gone")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BadRequestError("too large")
        has_more = message.get("more_body", False)
    return Request(
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
    )
