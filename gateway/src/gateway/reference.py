"""The reference a parent reads out on the telephone: the trace of the click, on the page that shows what became of it."""

from __future__ import annotations

from gateway.security import AnyResponse, Connection, read_cookie, write_cookie

REFERENCE_COOKIE = "preau_reference"
_SECONDS = 3600
_TRACE_DIGITS = 32


def trace_of(connection: Connection) -> str:
    """The trace this request belongs to, as 32 hexadecimal digits; empty outside one."""
    return str(connection.scope["state"].get("trace_id", ""))


def remember_reference(response: AnyResponse, connection: Connection, attempt_id: str) -> None:
    """Keep this click's trace for the page the payer comes back to: the provider's page lies between. No attempt, nothing."""
    if attempt_id and (trace := trace_of(connection)):
        write_cookie(response, connection, REFERENCE_COOKIE, f"{attempt_id}.{trace}", max_age=_SECONDS)


def reference_of(connection: Connection, attempt_id: str) -> str:
    """The trace of the click that opened this payment, in this browser; else of the present request."""
    attempt, _, trace = read_cookie(connection, REFERENCE_COOKIE).partition(".")
    is_trace = len(trace) == _TRACE_DIGITS and not set(trace) - set("0123456789abcdef")
    return trace if is_trace and attempt == attempt_id else trace_of(connection)
