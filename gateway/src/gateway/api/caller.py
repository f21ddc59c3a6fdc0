"""What an operation of the JSON API works with. Read from the request directly: Litestar's injection would be half its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request

from gateway.auth import Visitor
from gateway.clients import Clients
from gateway.directory import Directory
from gateway.idempotency import request_id_of_key
from gateway.town import Town

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Town, visitor and services of one call; the guard before it has found out who the visitor is."""

    town: Town
    visitor: Visitor
    clients: Clients
    directory: Directory
    path: str

    @property
    def token(self) -> str:
        return self.visitor.token

    def request_id(self, idempotency_key: str, method: str = "") -> str:
        """The id that makes this call repeatable."""
        return request_id_of_key(self.visitor, f"{method}{self.path}", idempotency_key)


def caller_of(request: AnyRequest) -> Caller:
    scope = request.scope
    state: dict[str, Any] = scope["state"]
    shared = scope["litestar_app"].state
    return Caller(state["town"], state.get("visitor") or Visitor(), shared.clients, shared.directory, scope["path"])
