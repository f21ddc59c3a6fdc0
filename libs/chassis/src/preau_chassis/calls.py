"""What the current call knows: who makes it, with which token, and until when. Set by the server, read by everybody."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind

from preau_chassis.tokens import TokenClaims


@dataclass(slots=True)
class Caller:
    """A verified caller."""

    token: str
    claims: TokenClaims
    context: Context


_caller: ContextVar[Caller | None] = ContextVar("preau_caller", default=None)
_ends: ContextVar[float | None] = ContextVar("preau_deadline", default=None)


def set_caller(caller: Caller | None) -> None:
    """Say who makes the current call; for the rest of the task."""
    _caller.set(caller)


def set_remaining(seconds: float) -> None:
    """Say how long the current call may take; for the rest of the task."""
    _ends.set(time.monotonic() + seconds)


def remaining_seconds() -> float | None:
    """What is left of the current call's time, or ``None`` when nobody set a deadline."""
    ends = _ends.get()
    return None if ends is None else ends - time.monotonic()


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Bound every outgoing ``call`` inside; an earlier deadline stays."""
    ends = time.monotonic() + seconds
    current = _ends.get()
    token = _ends.set(ends if current is None else min(ends, current))
    try:
        yield
    finally:
        _ends.reset(token)


def current_context() -> Context:
    """The caller of the current RPC, or ``UNAUTHENTICATED/TOKEN_MISSING``."""
    return _require().context


def current_claims() -> TokenClaims:
    """What the current RPC's token says, or ``UNAUTHENTICATED/TOKEN_MISSING``."""
    return _require().claims


def current_token() -> str:
    """The current RPC's token, to be passed on; empty when there is none."""
    caller = _caller.get()
    return "" if caller is None else caller.token


def _require() -> Caller:
    caller = _caller.get()
    if caller is None:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")
    return caller
