"""One act, one request id: a key of the client becomes the UUID that services replay on."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from litestar import Request
from preau_kernel.errors import InvalidError
from preau_kernel.ids import uuid7

from gateway.auth import Visitor
from gateway.forms import Form

REQUEST_ID_FIELD = "request_id"
_NAMESPACE = UUID("6f0a7d2e-4c1b-5f7e-9d55-2b0c1f6a9e10")
_LONGEST_KEY = 200


def new_request_id() -> str:
    return str(uuid7())


def request_id_of_key(visitor: Visitor, path: str, key: str) -> str:
    """The id of a JSON call: new without a key, else the same for the same account, path and key.

    Bound to the account, not to the session: a client that signs in again after a lost answer may still repeat its call.
    """
    if not key:
        return new_request_id()
    if len(key) > _LONGEST_KEY:
        raise InvalidError("IDEMPOTENCY_KEY_TOO_LONG", "Idempotency-Key")
    return str(uuid5(_NAMESPACE, f"{visitor.account_id}|{path}|{key}"))


def request_id_of(request: Request[Any, Any, Any], visitor: Visitor, form: Form) -> str:
    """The id of a form's act: what the page put into its hidden field, so that a double click is one act."""
    return request_id_of_key(visitor, request.scope["path"], form.text(REQUEST_ID_FIELD)[:_LONGEST_KEY])


def step_of(request_id: str, step: str) -> str:
    """The id of one of several calls that make up one act."""
    return str(uuid5(UUID(request_id), step))
