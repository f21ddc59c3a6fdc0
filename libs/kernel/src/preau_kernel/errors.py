"""The closed error model. A service raises ``DomainError``; the chassis alone turns it into gRPC and back."""

from __future__ import annotations

from enum import Enum


class ErrorKind(Enum):
    """What went wrong, coarsely; each kind has one gRPC status and one HTTP status (docs/adr/0007)."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    EXISTS = "exists"
    PRECONDITION = "precondition"
    CONFLICT = "conflict"
    QUOTA = "quota"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    BUG = "bug"


class DomainError(Exception):
    """A refusal a caller can understand.

    ``reason`` is API: UPPER_SNAKE_CASE, listed in docs/problems/index.md. ``metadata`` carries the facts the
    sentence shown to people needs (ids, days, instants as ISO 8601, amounts in minor units), never personal data.
    """

    def __init__(self, kind: ErrorKind, reason: str, message: str = "", **metadata: str) -> None:
        super().__init__(message or reason)
        self.kind = kind
        self.reason = reason
        self.message = message or reason
        self.metadata = metadata


class InvalidError(DomainError):
    """The payload is wrong whatever the state. ``field`` names the offending field, in proto or JSON spelling."""

    def __init__(self, reason: str, field: str, message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.INVALID, reason, message, field=field, **metadata)


class NotFoundError(DomainError):
    """No such thing for this caller; also the answer for another tenant's or household's ids."""

    def __init__(self, reason: str = "NOT_FOUND", message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.NOT_FOUND, reason, message, **metadata)


class PreconditionError(DomainError):
    """The state does not allow it; the same call again will not help."""

    def __init__(self, reason: str, message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.PRECONDITION, reason, message, **metadata)


class ConflictError(DomainError):
    """Somebody else was faster; the same call again may succeed."""

    def __init__(self, reason: str = "CONFLICT", message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.CONFLICT, reason, message, **metadata)


class ForbiddenError(DomainError):
    """The caller is known and may not do this."""

    def __init__(self, reason: str = "FORBIDDEN", message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.FORBIDDEN, reason, message, **metadata)


class UnavailableError(DomainError):
    """A part this call depends on does not answer now."""

    def __init__(self, reason: str = "UNAVAILABLE", message: str = "", **metadata: str) -> None:
        super().__init__(ErrorKind.UNAVAILABLE, reason, message, **metadata)
