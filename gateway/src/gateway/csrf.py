"""Forms prove that our own page sent them: a signed token bound to the visitor's session, or to a visit before sign-in."""

from __future__ import annotations

import secrets
from typing import Any

from litestar.connection import ASGIConnection, Request
from litestar.handlers import BaseRouteHandler
from preau_kernel.errors import ForbiddenError

from gateway.auth import SESSION_COOKIE, bearer_of
from gateway.forms import CSRF_FIELD, read_form
from gateway.security import Connection, read_cookie
from gateway.signing import Signer, fingerprint

VISIT_COOKIE = "preau_visit"
CSRF_HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class FormTokens:
    """Makes and checks form tokens. Nothing is kept: the signature binds a token to its cookie and its town."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, "csrf")

    def make(self, connection: Connection) -> str:
        """A token for the page being rendered; starts a visit when there is no session yet."""
        return self._signer.seal(secrets.token_bytes(9), _binding(connection, may_start=True))

    def is_valid(self, connection: Connection, token: str) -> bool:
        binding = _binding(connection, may_start=False)
        return bool(binding) and self._signer.open(token, binding) is not None


def _binding(connection: Connection, *, may_start: bool) -> str:
    state: dict[str, Any] = connection.scope["state"]
    session = read_cookie(connection, SESSION_COOKIE)
    if session:
        secret = f"session:{fingerprint(session)}"
    else:
        visit = read_cookie(connection, VISIT_COOKIE) or state.get("new_visit", "")
        if not visit:
            if not may_start:
                return ""
            visit = state["new_visit"] = secrets.token_urlsafe(18)
        secret = f"visit:{visit}"
    town = state.get("town")
    return f"{town.slug if town else ''}:{secret}"


async def require_form_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of the whole application. Only calls that carry no cookie's authority go without a token:
    those with a Bearer token or none at all under /api, and providers' notifications (``opt csrf=False``).
    """
    request: Request[Any, Any, Any] = connection  # type: ignore[assignment]  # HTTP routes only
    if request.method in _SAFE or handler.opt.get("csrf") is False:
        return
    is_api = request.scope["path"].startswith("/api/")
    if is_api and (bearer_of(request) is not None or not read_cookie(request, SESSION_COOKIE)):
        return
    token = request.headers.get(CSRF_HEADER, "")
    if not is_api:
        form = await read_form(request)
        request.scope["state"]["submitted"] = form.items()
        token = token or form.text(CSRF_FIELD)
    tokens: FormTokens = request.app.state.form_tokens
    if not tokens.is_valid(request, token):
        raise ForbiddenError("CSRF_INVALID")
