"""From the services' messages to the API's answers and back; words only, no rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, cast

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.common.v1.money_pb2 import Money as WireMoney
from preau.identity.v1 import identity_service_pb2 as identity
from preau.payment.v1 import payment_service_pb2 as payment

from gateway.api import schemas

_ACTIVITY_KINDS: Final = {agenda.ACTIVITY_KIND_MEAL: "meal", agenda.ACTIVITY_KIND_CHILDCARE: "childcare"}
_DAY_STATES: Final = {
    agenda.DAY_STATE_BOOKABLE: "bookable",
    agenda.DAY_STATE_FULL: "full",
    agenda.DAY_STATE_TOO_LATE: "too_late",
    agenda.DAY_STATE_NOT_ENROLLED: "not_enrolled",
    agenda.DAY_STATE_BOOKED: "booked",
}
_RESERVATION_STATUSES: Final = {
    agenda.RESERVATION_STATUS_HELD: "pending_payment",
    agenda.RESERVATION_STATUS_CONFIRMED: "confirmed",
    agenda.RESERVATION_STATUS_CANCELLED: "cancelled",
    agenda.RESERVATION_STATUS_EXPIRED: "expired",
}
_INVOICE_STATUSES: Final = {billing.INVOICE_STATUS_PAID: "paid", billing.INVOICE_STATUS_CANCELLED: "cancelled"}
_PAYMENT_STATUSES: Final = {
    payment.PAYMENT_STATUS_CREATED: "created",
    payment.PAYMENT_STATUS_REDIRECTED: "redirected",
    payment.PAYMENT_STATUS_PAID: "paid",
    payment.PAYMENT_STATUS_DENIED: "denied",
    payment.PAYMENT_STATUS_CANCELLED: "cancelled",
    payment.PAYMENT_STATUS_EXPIRED: "expired",
    payment.PAYMENT_STATUS_REVERSED: "reversed",
}
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ORDER: Final = itemgetter(0, 1, 2)
_ACTIONS: Final = {"create": agenda.BULK_ACTION_CREATE, "delete": agenda.BULK_ACTION_DELETE}
_PERIODICITIES: Final = {
    "none": agenda.PERIODICITY_NONE,
    "weekly": agenda.PERIODICITY_WEEKLY,
    "biweekly": agenda.PERIODICITY_BIWEEKLY,
    "even": agenda.PERIODICITY_EVEN_WEEKS,
    "odd": agenda.PERIODICITY_ODD_WEEKS,
}


def instant(message: Timestamp) -> str:
    """RFC 3339 in UTC, empty for an absent one; as ``ToJsonString`` writes it, at a fifth of its cost."""
    if not message.seconds:
        return ""
    nanos = message.nanos
    digits = 0 if not nanos else 3 if not nanos % 1_000_000 else 6 if not nanos % 1_000 else 9
    fraction = f".{nanos:09d}"[: digits + 1] if digits else ""
    return f"{_second(message.seconds)}{fraction}Z"


@lru_cache(4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def day_of(message: Date) -> date:
    return date(message.year, message.month, message.day)


def wire_day(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def money(message: WireMoney) -> schemas.Money:
    return schemas.Money(message.minor_units, message.currency_code or "EUR")


def wire_money(amount: schemas.Money) -> WireMoney:
    return WireMoney(minor_units=amount.minor_units, currency_code=amount.currency)


def person(message: identity.Child | identity.Guardian) -> schemas.Person:
    return schemas.Person(message.id, message.first_name, message.last_name)


def household(message: identity.Household) -> schemas.Household:
    return schemas.Household(
        message.id, [person(child) for child in message.children], [person(adult) for adult in message.guardians]
    )


def activity(message: agenda.Activity) -> schemas.Activity:
    return schemas.Activity(
        id=message.id,
        code=message.code,
        name=message.name,
        kind=cast("Any", _ACTIVITY_KINDS.get(message.kind, "other")),
        weekdays=list(message.weekdays),
        requires=list(message.requires),
        brings=list(message.brings),
        excludes=list(message.excludes),
    )


def reservation(message: agenda.Reservation) -> schemas.Reservation:
    return schemas.Reservation(
        id=message.id,
        child_id=message.child_id,
        activity_id=message.activity_id,
        day=day_of(message.day),
        status=cast("Any", _RESERVATION_STATUSES.get(message.status, "expired")),
        hold_expires_at=instant(message.hold_expires_at),
        can_cancel=message.can_cancel,
    )


def agenda_day(message: agenda.ChildDay) -> schemas.AgendaDay:
    return schemas.AgendaDay(
        day=day_of(message.day),
        child_id=message.child_id,
        state=cast("Any", _DAY_STATES.get(message.state, "closed")),
        closure_label=message.closure_label,
        reservations=[reservation(each) for each in message.reservations],
    )


def wire_bulk_entry(entry: schemas.BulkEntry) -> agenda.BulkEntry:
    message = agenda.BulkEntry(
        child_ids=entry.child_ids,
        action=_ACTIONS[entry.action],
        to=wire_day(entry.last),
        activity_ids=entry.activity_ids,
        periodicity=_PERIODICITIES[entry.periodicity],
        weekdays=sorted(set(entry.weekdays)),
    )
    # "from" is a word of Python's own.
    getattr(message, "from").CopyFrom(wire_day(entry.first))
    return message


def skipped(rows: Iterable[agenda.SkippedRow]) -> list[schemas.SkippedRow]:
    return [schemas.SkippedRow(row.child_id, day_of(row.day), row.activity_id, row.refusal.reason) for row in rows]


def skipped_days(groups: Iterable[agenda.SkippedDays]) -> list[schemas.SkippedRow]:
    """The same rows from a compact answer: by child, then day, then activity."""
    rows: list[tuple[int, int, int, schemas.SkippedRow]] = []
    children: dict[str, int] = {}
    for position, group in enumerate(groups):
        child_id, activity_id, reason = group.child_id, group.activity_id, group.refusal.reason
        child = children.setdefault(child_id, len(children))
        for day in group.days:
            rows.append((child, day, position, schemas.SkippedRow(child_id, _day(day), activity_id, reason)))  # noqa: PERF401 - three loops read better so
    rows.sort(key=_ORDER)
    return [row for *_, row in rows]


@lru_cache(4096)
def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)


def count_days(rows: Iterable[agenda.BulkRows]) -> int:
    return sum(len(row.days) for row in rows)


def basket_line(message: billing.ChargeLine, child: identity.Child | None) -> schemas.BasketLine:
    return schemas.BasketLine(
        id=message.id,
        reservation_id=message.reservation_id,
        day=day_of(message.day),
        activity=schemas.NamedActivity(message.activity_id, message.activity_name),
        child=person(child) if child else schemas.Person(message.child_id, "", ""),
        status="pending_payment",
        price=money(message.price),
        computation=message.computation,
    )


def _invoice_line(message: billing.InvoiceLine) -> schemas.InvoiceLine:
    return schemas.InvoiceLine(
        id=message.id,
        reservation_id=message.reservation_id,
        day=day_of(message.day),
        activity=schemas.NamedActivity(message.activity_id, message.activity_name),
        child_id=message.child_id,
        child_name=message.child_name,
        price=money(message.price),
        computation=message.computation,
    )


def _invoice_facts(message: billing.Invoice) -> dict[str, Any]:
    is_credit_note = message.kind == billing.DOCUMENT_KIND_CREDIT_NOTE
    return {
        "id": message.id,
        "number": message.number,
        "kind": "credit_note" if is_credit_note else "invoice",
        "status": invoice_status(message.status),
        "total": money(message.total),
        "issued_at": instant(message.issued_at),
        "paid_at": instant(message.paid_at),
        "payable_until": instant(message.payable_until),
        "line_count": message.line_count or len(message.lines),
        "related_id": message.related_id,
        "receipt_number": message.receipt_number,
        "reservations_confirmed": message.reservations_confirmed,
        "last_attempt_id": message.last_attempt_id,
        "lines": [_invoice_line(line) for line in message.lines],
    }


def invoice_status(status: billing.InvoiceStatus.ValueType) -> Any:
    return _INVOICE_STATUSES.get(status, "issued")


def invoice(message: billing.Invoice) -> schemas.Invoice:
    return schemas.Invoice(**_invoice_facts(message))


def invoice_to_pay(message: billing.Invoice, started: billing.StartPaymentResponse) -> schemas.InvoiceToPay:
    facts = _invoice_facts(message) | {"last_attempt_id": started.attempt_id}
    return schemas.InvoiceToPay(**facts, payment_url=started.payment_url, attempt_id=started.attempt_id)


def payment_attempt(attempt: payment.Payment, owed: billing.Invoice) -> schemas.PaymentAttempt:
    return schemas.PaymentAttempt(
        id=attempt.id,
        invoice_id=attempt.invoice_id,
        amount=money(attempt.amount),
        status=cast("Any", _PAYMENT_STATUSES.get(attempt.status, "pending")),
        invoice_status=invoice_status(owed.status),
        reservations_confirmed=owed.reservations_confirmed,
        payment_url=attempt.payment_url,
        is_provider_unreachable=attempt.is_provider_unreachable,
    )
