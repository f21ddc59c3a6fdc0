"""Every refusal this service gives by name. Reasons are API (docs/problems/index.md)."""

from __future__ import annotations

from datetime import UTC, datetime

from preau_kernel.errors import DomainError, ErrorKind, InvalidError, NotFoundError, PreconditionError, UnavailableError


class UnknownTownError(NotFoundError):
    """No town has this host name or short name."""

    def __init__(self) -> None:
        super().__init__("UNKNOWN_TOWN", "no such town")


class HouseholdNotFoundError(NotFoundError):
    def __init__(self) -> None:
        super().__init__("HOUSEHOLD_NOT_FOUND", "no such household")


class AccountNotFoundError(NotFoundError):
    def __init__(self) -> None:
        super().__init__("ACCOUNT_NOT_FOUND", "no such account")


class SessionNotFoundError(NotFoundError):
    def __init__(self) -> None:
        super().__init__("SESSION_NOT_FOUND", "no such open session")


class SignInFailedError(DomainError):
    """User name or password wrong: never says which."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED", "wrong user name or password")


class KeyReusedError(DomainError):
    """The same request id came with another body."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


class SessionExpiredError(DomainError):
    """Over, revoked or unknown: never says which."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.UNAUTHENTICATED, "SESSION_EXPIRED", "the session is over")


class ServiceSecretInvalidError(DomainError):
    """Unknown service or wrong secret: never says which."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.UNAUTHENTICATED, "SERVICE_SECRET_INVALID", "unknown service or wrong secret")


class TooManyAttemptsError(DomainError):
    """Throttled; the same answer for names that exist and names that do not."""

    def __init__(self, retry_at: datetime) -> None:
        instant = retry_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", "too many attempts", retry_at=instant)


class SignInBusyError(UnavailableError):
    """More people are signing in than passwords can be checked in time; nothing was counted or checked."""

    def __init__(self, retry_after_seconds: int) -> None:
        seconds = str(max(1, retry_after_seconds))
        super().__init__("SIGN_IN_BUSY", "too many people are signing in", retry_after_seconds=seconds)


class ResetLinkInvalidError(PreconditionError):
    """Unknown, used or too old: never says which."""

    def __init__(self) -> None:
        super().__init__("RESET_LINK_INVALID", "the link is used or too old")


class PasswordTooWeakError(InvalidError):
    """``problem`` is one of too_short, too_simple, too_common, contains_username, too_long."""

    def __init__(self, problem: str, minimum_length: int, field: str = "new_password") -> None:
        super().__init__(
            "PASSWORD_TOO_WEAK", field, "the password is too weak", problem=problem, minimum_length=str(minimum_length)
        )


class HostTakenError(DomainError):
    """Another town answers to this host name."""

    def __init__(self, host: str) -> None:
        super().__init__(ErrorKind.EXISTS, "HOST_TAKEN", "another town has this host name", host=host)


class UsernameTakenError(DomainError):
    """``index`` is the account's place in the request: the name itself is personal."""

    def __init__(self, index: int) -> None:
        super().__init__(ErrorKind.EXISTS, "USERNAME_TAKEN", "the user name is taken", index=str(index))
