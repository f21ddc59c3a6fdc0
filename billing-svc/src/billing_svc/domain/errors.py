"""Every refusal of this service; the reasons are listed in docs/problems/index.md."""

from __future__ import annotations

from datetime import datetime

from preau_kernel.errors import (
    DomainError,
    ErrorKind,
    InvalidError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)


class RevisionGapError(UnavailableError):
    """An event of the household is still missing: the same message again, a little later."""

    def __init__(self, known: int, received: int) -> None:
        super().__init__("REVISION_GAP", known=str(known), received=str(received))


class NotReadyError(UnavailableError):
    """A projection that an event needs (town, household, activity, tariff) has not arrived yet."""


class UnpricedError(NotReadyError):
    """No tariff of the town covers a booked day: the household's basket waits until there is one."""

    def __init__(self) -> None:
        super().__init__("TARIFF_MISSING")


class BasketNotReadyError(UnavailableError):
    """The household's revision was not reached in time."""

    def __init__(self, revision: int, min_revision: int) -> None:
        super().__init__("BASKET_NOT_READY", revision=str(revision), min_revision=str(min_revision))


class BasketChangedError(PreconditionError):
    """The basket's total is not what the page showed."""

    def __init__(self, expected_minor: int, actual_minor: int) -> None:
        super().__init__("BASKET_CHANGED", expected_minor=str(expected_minor), actual_minor=str(actual_minor))


class BasketEmptyError(PreconditionError):
    """Nothing to invoice."""

    def __init__(self) -> None:
        super().__init__("BASKET_EMPTY")


class TillMissingError(PreconditionError):
    """The town has no till yet: no document can be numbered."""

    def __init__(self) -> None:
        super().__init__("TILL_MISSING")


class TariffMissingError(PreconditionError):
    """An activity has no price on a day."""

    def __init__(self, activity_id: str, day: str) -> None:
        super().__init__("TARIFF_MISSING", activity_id=activity_id, day=day)


class InvoiceNotFoundError(NotFoundError):
    """No such document for this caller."""

    def __init__(self) -> None:
        super().__init__("INVOICE_NOT_FOUND")


class InvoiceNotPayableError(PreconditionError):
    """Paid, cancelled, or its hold is over."""

    def __init__(self, invoice_id: str, status: str) -> None:
        super().__init__("INVOICE_NOT_PAYABLE", invoice_id=invoice_id, status=status)


class AmountTooSmallError(PreconditionError):
    """The provider takes no such small amount; the counter does."""

    def __init__(self, invoice_id: str, minimum_minor: int) -> None:
        super().__init__("AMOUNT_TOO_SMALL", invoice_id=invoice_id, minimum_minor=str(minimum_minor))


class BasketTooSmallError(PreconditionError):
    """The provider would take no such small amount: nothing was issued, the places stay held."""

    def __init__(self, total_minor: int, minimum_minor: int, hold_expires_at: datetime | None) -> None:
        facts = {"hold_expires_at": hold_expires_at.isoformat()} if hold_expires_at else {}
        super().__init__("AMOUNT_TOO_SMALL", total_minor=str(total_minor), minimum_minor=str(minimum_minor), **facts)


class AmountMismatchError(PreconditionError):
    """The amount given at the counter is not what is due."""

    def __init__(self, due_minor: int, given_minor: int) -> None:
        super().__init__("AMOUNT_MISMATCH", due_minor=str(due_minor), given_minor=str(given_minor))


class PayerEmailMissingError(PreconditionError):
    """The provider asks for the payer's address."""

    def __init__(self, invoice_id: str) -> None:
        super().__init__("PAYER_EMAIL_MISSING", invoice_id=invoice_id)


class PaymentInProgressError(PreconditionError):
    """The provider may still take the money."""

    def __init__(self, invoice_id: str, attempt_id: str, payable_until: datetime | None) -> None:
        facts = {"payable_until": payable_until.isoformat()} if payable_until else {}
        super().__init__("PAYMENT_IN_PROGRESS", invoice_id=invoice_id, attempt_id=attempt_id, **facts)


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer; the invoice stays payable."""

    def __init__(self, invoice_id: str) -> None:
        super().__init__("PROVIDER_UNAVAILABLE", invoice_id=invoice_id)


class NotPaidError(PreconditionError):
    """There is no receipt yet."""

    def __init__(self, invoice_id: str) -> None:
        super().__init__("NOT_PAID", invoice_id=invoice_id)


class KeyReusedError(DomainError):
    """The same request id came with another body."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


class InvalidTariffError(InvalidError):
    """A price below nothing or beyond reason, or an end before the start."""

    def __init__(self, field: str) -> None:
        super().__init__("TARIFF_INVALID", field)


class TariffOverlapError(PreconditionError):
    """Another tariff of the activity already covers some of these days."""

    def __init__(self, valid_from: str) -> None:
        super().__init__("TARIFF_OVERLAP", valid_from=valid_from)


class TariffInUseError(PreconditionError):
    """Lines were already priced with it: history is kept, make a new one."""

    def __init__(self, valid_from: str) -> None:
        super().__init__("TARIFF_IN_USE", valid_from=valid_from)


class InvalidTillError(InvalidError):
    """The code must be 1 to 8 capital letters or digits, the SIRET 14 digits or nothing."""

    def __init__(self, field: str) -> None:
        super().__init__("TILL_INVALID", field)
