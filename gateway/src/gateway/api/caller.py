"""What an operation of the JSON API works with. Read from the request directly: Litestar's injection would be half its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from preau_kernel.errors import DomainError

from gateway.auth import Visitor
from gateway.clients import Clients
from gateway.directory import Directory
from gateway.idempotency import request_id_of_key
from gateway.town import Town

AnyRequest = Request[Any, Any, Any]
_NAMED = {"activity_id": "activity_name", "related_activity_id": "related_activity", "child_id": "child_name"}


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


async def add_names(error: DomainError, caller: Caller) -> None:
    """Agenda refuses with ids; the sentence that people read says what they stand for."""
    asked = {key: error.metadata[key] for key in _NAMED if error.metadata.get(key)}
    if not asked:
        return
    try:
        catalogue = await caller.directory.catalogue(caller.town, caller.visitor)
        children = await caller.directory.children(caller.town, caller.visitor)
    except DomainError:
        return  # the refusal is what must be told, if need be without names
    names = {each.id: each.name for each in catalogue.activities}
    names |= {child.id: child.first_name for child in children.values()}
    for key, identifier in asked.items():
        if identifier in names:
            error.metadata.setdefault(_NAMED[key], names[identifier])
