"""``DomainError`` to ``google.rpc.Status`` and back: the one place that knows both."""

from __future__ import annotations

import contextlib

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status
from preau_kernel.errors import DomainError, ErrorKind

DETAILS_KEY = "grpc-status-details-bin"
RETRY_AFTER_KEY = "retry_after_seconds"

CODE_OF_KIND: dict[ErrorKind, grpc.StatusCode] = {
    ErrorKind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    ErrorKind.PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorKind.CONFLICT: grpc.StatusCode.ABORTED,
    ErrorKind.QUOTA: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorKind.BUG: grpc.StatusCode.INTERNAL,
}
KIND_OF_CODE = {code: kind for kind, code in CODE_OF_KIND.items()}

SERVER_FAULTS = frozenset({ErrorKind.BUG, ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT})
"""Kinds a span marks as failed; a caller's own fault leaves it unset."""

TRANSIENT = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT, ErrorKind.CONFLICT})
"""Kinds for which the same call may succeed later."""

_REASON_OF_CODE = {
    grpc.StatusCode.CANCELLED: (ErrorKind.TIMEOUT, "CANCELLED"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (ErrorKind.TIMEOUT, "DEADLINE_EXCEEDED"),
    grpc.StatusCode.UNAVAILABLE: (ErrorKind.UNAVAILABLE, "UNAVAILABLE"),
}


def status_of(error: DomainError, service: str) -> Status:
    """What goes on the wire for ``error`` raised by ``service``."""
    status = Status(code=CODE_OF_KIND[error.kind].value[0], message=error.message)
    info = ErrorInfo(reason=error.reason, domain=f"{service}.preau", metadata=error.metadata)
    _pack(status, info)
    if error.kind is ErrorKind.INVALID:
        violation = BadRequest.FieldViolation(
            field=error.metadata.get("field", ""), description=error.message, reason=error.reason
        )
        _pack(status, BadRequest(field_violations=[violation]))
    elif error.kind is ErrorKind.PRECONDITION:
        failure = PreconditionFailure.Violation(type=error.reason, description=error.message)
        _pack(status, PreconditionFailure(violations=[failure]))
    if RETRY_AFTER_KEY in error.metadata:
        retry = RetryInfo()
        retry.retry_delay.FromMilliseconds(int(float(error.metadata[RETRY_AFTER_KEY]) * 1000))
        _pack(status, retry)
    return status


def error_of(failure: grpc.aio.AioRpcError) -> DomainError:
    """What a failed call means here. A server that is no service of ours keeps its code and loses its words."""
    code = failure.code()
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            found = _from_details(code, value)
            if found is not None:
                return found
    kind, reason = _REASON_OF_CODE.get(code, (KIND_OF_CODE.get(code, ErrorKind.BUG), ""))
    return DomainError(kind, reason or code.name)


def _from_details(code: grpc.StatusCode, raw: bytes) -> DomainError | None:
    with contextlib.suppress(DecodeError):
        status = Status.FromString(raw)
        info = ErrorInfo()
        for detail in status.details:
            if detail.Unpack(info):
                kind = KIND_OF_CODE.get(code, ErrorKind.BUG)
                error = DomainError(kind, info.reason, status.message)
                error.metadata = dict(info.metadata)
                return error
    return None


def _pack(status: Status, detail: ErrorInfo | BadRequest | PreconditionFailure | RetryInfo) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)
