"""The refusals of this service; each reason is API (docs/problems/index.md)."""

from __future__ import annotations

from preau_kernel.errors import (
    DomainError,
    ErrorKind,
    InvalidError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)


class PaymentNotFoundError(NotFoundError):
    """No such attempt for this caller."""

    def __init__(self) -> None:
        super().__init__("PAYMENT_NOT_FOUND")


class PaymentExpiredError(PreconditionError):
    """The attempt was given up before the provider could be asked; a new one is needed."""

    def __init__(self) -> None:
        super().__init__("PAYMENT_EXPIRED")


class RequestReusedError(DomainError):
    """The same request_id came with other words."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer, or not in words we understand. Nothing was asked of the payer."""

    def __init__(self, cause: str) -> None:
        super().__init__("PROVIDER_UNAVAILABLE", cause=cause)
        self.cause = cause


class ProviderNotConfiguredError(PreconditionError):
    """The town has no payment provider yet."""

    def __init__(self) -> None:
        super().__init__("PROVIDER_NOT_CONFIGURED")


class ProviderUnknownError(InvalidError):
    """No adapter of that name."""

    def __init__(self) -> None:
        super().__init__("PROVIDER_UNKNOWN", "provider")


class ProviderRefusedSettingsError(PreconditionError):
    """The provider does not accept the town's client number or mode; its operator must look."""

    def __init__(self, code: str) -> None:
        super().__init__("PROVIDER_SETTINGS_REFUSED", code=code)


class SettingsUnreadableError(DomainError):
    """The stored settings do not open with any key we have: tampered with, or the key was lost."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.PRECONDITION, "PROVIDER_SETTINGS_UNREADABLE")
