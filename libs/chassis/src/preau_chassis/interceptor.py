"""What happens around every RPC, outermost first: error mapping, span and log line, deadline, token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import structlog
from opentelemetry.trace import SpanKind
from preau_kernel.errors import DomainError, ErrorKind, InvalidError

from preau_chassis.calls import Caller, remaining_seconds, set_caller, set_remaining
from preau_chassis.constants import HOP_SECONDS, MIN_REMAINING_SECONDS
from preau_chassis.errors import CODE_OF_KIND, DETAILS_KEY, SERVER_FAULTS, status_of
from preau_chassis.logs import get_logger
from preau_chassis.metrics import histogram
from preau_chassis.telemetry import Hop
from preau_chassis.tokens import TokenVerifier

_log = get_logger("grpc")
_served = histogram("rpc.server.call.duration", "s", "One RPC served.")

Behaviour = Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]


@dataclass(slots=True)
class InFlight:
    """How many RPCs this process is serving."""

    count: int = 0


in_flight = InFlight()


class Guard:
    """Wraps the methods of one service's servicers; done once per method, not once per call."""

    def __init__(self, service: str, verifier: TokenVerifier, public_methods: frozenset[str]) -> None:
        self._service = service
        self._verifier = verifier
        self._public = frozenset(name.lstrip("/").replace("/", ".") for name in public_methods)

    def wrap(self, full_name: str, behaviour: Behaviour) -> Behaviour:
        """``behaviour`` with everything around it. ``full_name`` is ``package.Service/Method``."""
        is_public = full_name.replace("/", ".") in self._public
        log = _log.bind()

        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            started = time.perf_counter()
            authorization, traceparent = _headers(context)
            code = "CANCELLED"
            town = reason = ""
            in_flight.count += 1
            with Hop(
                full_name, SpanKind.SERVER, traceparent, {"rpc.system.name": "grpc", "rpc.method": full_name}
            ) as hop:
                structlog.contextvars.bind_contextvars(trace_id=hop.trace_id, rpc=full_name)
                try:
                    self._check_deadline(context)
                    if not is_public:
                        town = await self._authenticate(authorization, hop)
                    response = await behaviour(request, context)
                    code = "OK"
                    return response
                except DomainError as error:
                    code, reason = CODE_OF_KIND[error.kind].name, error.reason
                    if error.kind in SERVER_FAULTS:
                        hop.fail(error.reason, error)
                    await self._abort(context, error)
                except grpc.aio.AbortError:
                    code = "ABORTED_BY_SERVICER"
                    raise
                except asyncio.CancelledError:
                    # Its time is over, or its caller has left: only the first is our failure.
                    if _is_time_over():
                        code = reason = "DEADLINE_EXCEEDED"
                        hop.fail(reason)
                    raise
                except Exception as error:  # noqa: BLE001 - the boundary: no exception's text leaves the process
                    code = reason = "INTERNAL"
                    await self._abort(context, self._bug(error, hop))
                finally:
                    seconds = time.perf_counter() - started
                    in_flight.count -= 1
                    _served.record(seconds, {"rpc.method": full_name, "rpc.response.status_code": code})
                    hop.set("rpc.response.status_code", code)
                    duration = round(seconds * 1000, 2)
                    if reason:
                        hop.set("preau.reason", reason)
                        log.info("rpc", code=code, duration_ms=duration, tenant=town, reason=reason)
                    else:
                        log.info("rpc", code=code, duration_ms=duration, tenant=town)

        return guarded

    @staticmethod
    def _check_deadline(context: grpc.aio.ServicerContext[Any, Any]) -> None:
        remaining = context.time_remaining()
        if remaining is None:
            raise InvalidError("DEADLINE_MISSING", "grpc-timeout", "every call names how long it waits")
        if remaining < MIN_REMAINING_SECONDS:
            raise DomainError(ErrorKind.TIMEOUT, "DEADLINE_EXCEEDED")
        set_remaining(remaining)

    async def _authenticate(self, authorization: str, hop: Hop) -> str:
        if not authorization.startswith("Bearer "):
            raise DomainError(ErrorKind.UNAUTHENTICATED, "TOKEN_MISSING")
        token = authorization[7:]
        claims, context = await self._verifier.authenticate(token)
        set_caller(Caller(token, claims, context))
        if claims.tenant_slug:
            hop.set("preau.tenant", claims.tenant_slug)
            structlog.contextvars.bind_contextvars(tenant=claims.tenant_slug)
        return claims.tenant_slug

    def _bug(self, error: Exception, hop: Hop) -> DomainError:
        error_id = hop.trace_id
        hop.fail("INTERNAL", error)
        _log.error("rpc.failed", error_id=error_id, error_type=type(error).__qualname__, exc_info=error)
        return DomainError(ErrorKind.BUG, "INTERNAL", f"error {error_id}", error_id=error_id)

    async def _abort(self, context: grpc.aio.ServicerContext[Any, Any], error: DomainError) -> NoReturn:
        details = status_of(error, self._service).SerializeToString()
        # The answer is ours, not a lost connection's: the client's channel must not ask again on its own.
        trailers = ((DETAILS_KEY, details), ("grpc-retry-pushback-ms", "-1"))
        await context.abort(CODE_OF_KIND[error.kind], error.message, trailers)


def _headers(context: grpc.aio.ServicerContext[Any, Any]) -> tuple[str, str]:
    authorization = traceparent = ""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            authorization = str(value)
        elif key == "traceparent":
            traceparent = str(value)
    return authorization, traceparent


def _is_time_over() -> bool:
    # The caller's end of the call may come a moment before ours.
    remaining = remaining_seconds()
    return remaining is not None and remaining < HOP_SECONDS
