"""How the JSON API's answers leave: encoded once, with the two headers they need, past what Litestar does for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from litestar.response.base import ASGIResponse
from msgspec import Struct
from msgspec.json import Encoder

if TYPE_CHECKING:
    from litestar import Litestar, Request
    from litestar.types import Receive, Scope, Send

_ENCODE: Final = Encoder().encode
_JSON_HEADER: Final = (b"content-type", b"application/json")


class _EncodedAnswer(ASGIResponse):
    """A body and a status; nothing is worked out again."""

    def __init__(self, body: bytes, status: int) -> None:
        self.body = body
        self.status_code = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status_code, "headers": [_JSON_HEADER, length]})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class JsonAnswer(Response[Any]):
    """The answer class of the JSON API. What is not a plain payload goes Litestar's way."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        is_plain = isinstance(self.content, Struct) and not (
            self.headers or self.cookies or self.background or any(options.values())
        )
        if not is_plain:
            return super().to_asgi_response(app, request, **options)
        return _EncodedAnswer(_ENCODE(self.content), self.status_code or 200)
