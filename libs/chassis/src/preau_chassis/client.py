"""Outgoing calls: deadline, token and trace go along; a failure comes back as the ``DomainError`` it was."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from preau_kernel.errors import DomainError, ErrorKind

from preau_chassis.calls import current_token, deadline, remaining_seconds
from preau_chassis.constants import CLIENT_OPTIONS, HOP_SECONDS, MIN_REMAINING_SECONDS
from preau_chassis.errors import SERVER_FAULTS, error_of
from preau_chassis.telemetry import current_traceparent, span

__all__ = ["call", "close_channel", "deadline", "open_channel"]

Response = TypeVar("Response")

# Every mutation carries a request_id, so a repeated call is safe.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to ``host:port``, spread over every address the name has. Only inside the running loop."""
    target = address if "://" in address or address.startswith(("unix:", "ipv4:", "ipv6:")) else f"dns:///{address}"
    options = [*CLIENT_OPTIONS, ("grpc.service_config", _SERVICE_CONFIG), ("grpc.enable_retries", 1)]
    return grpc.aio.insecure_channel(target, options=options)


async def close_channel(channel: grpc.aio.Channel) -> None:
    """Close it now."""
    await channel.close(grace=None)


async def call(
    stub_method: Callable[..., Awaitable[Response]],
    request: Any,
    *,
    timeout: float,  # noqa: ASYNC109 - the server must know it too
    token: str | None = None,
) -> Response:
    """Call ``stub_method``, waiting ``timeout`` seconds at most and never longer than the current call has left.

    ``token`` defaults to the current call's own; "" sends none. Raises ``DomainError`` only.
    """
    left = remaining_seconds()
    if left is not None:
        left -= HOP_SECONDS
        if left < MIN_REMAINING_SECONDS:
            raise DomainError(ErrorKind.TIMEOUT, "DEADLINE_EXCEEDED")
        timeout = min(timeout, left)
    if not trace.get_current_span().is_recording():
        return await _send(stub_method, request, timeout, token)
    method = _method_name(stub_method)
    with span(method, {"rpc.system.name": "grpc", "rpc.method": method}, SpanKind.CLIENT) as child:
        try:
            return await _send(stub_method, request, timeout, token)
        except DomainError as error:
            child.set_attribute("preau.reason", error.reason)
            if error.kind in SERVER_FAULTS:
                child.set_status(trace.Status(trace.StatusCode.ERROR, error.reason))
            raise


async def _send(
    stub_method: Callable[..., Awaitable[Response]],
    request: Any,
    seconds: float,
    token: str | None,
) -> Response:
    bearer = current_token() if token is None else token
    metadata: list[tuple[str, str]] = []
    if bearer:
        metadata.append(("authorization", f"Bearer {bearer}"))
    traceparent = current_traceparent()
    if traceparent:
        metadata.append(("traceparent", traceparent))
    try:
        return await stub_method(request, timeout=seconds, metadata=metadata)
    except grpc.aio.AioRpcError as failure:
        raise error_of(failure) from None


def _method_name(stub_method: Any) -> str:
    method = getattr(stub_method, "_method", b"")
    return (method.decode() if isinstance(method, bytes) else str(method)).lstrip("/")
