"""Between the wire's types and the domain's: days, instants, money, identifiers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from preau.common.v1.money_pb2 import Money as WireMoney
from preau_kernel.errors import InvalidError
from preau_kernel.money import Money

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURRENCY = re.compile(r"[A-Z]{3}")


def date_to_wire(day: date) -> Date:
    """A calendar day as ``google.type.Date``."""
    return Date(year=day.year, month=day.month, day=day.day)


def date_from_wire(message: Date, field: str = "date") -> date:
    """A whole calendar day, or ``INVALID_DATE``; ``google.type.Date`` may leave parts at zero, we do not accept that."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise InvalidError("INVALID_DATE", field) from None


def parse_date(text: str, field: str = "date") -> date:
    """An ISO 8601 day, or ``INVALID_DATE``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidError("INVALID_DATE", field) from None


def timestamp_to_wire(instant: datetime) -> Timestamp:
    """An aware instant as ``Timestamp``."""
    if instant.tzinfo is None:
        message = "the instant must be aware"
        raise ValueError(message)
    since = instant - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def timestamp_from_wire(message: Timestamp) -> datetime:
    """An aware instant in UTC."""
    return message.ToDatetime(tzinfo=UTC)


def money_to_wire(amount: Money) -> WireMoney:
    """An amount as ``preau.common.v1.Money``."""
    return WireMoney(minor_units=amount.minor_units, currency_code=amount.currency)


def money_from_wire(message: WireMoney, field: str = "amount") -> Money:
    """An amount whose currency is named, or ``INVALID_MONEY``."""
    if not _CURRENCY.fullmatch(message.currency_code):
        raise InvalidError("INVALID_MONEY", field)
    return Money(message.minor_units, message.currency_code)


def parse_uuid(text: str, field: str = "id") -> UUID:
    """An identifier from the wire, or ``INVALID_ID``."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError("INVALID_ID", field) from None


def parse_int_id(text: str, field: str = "id") -> int:
    """A whole-number identifier of a hot table, a string on the wire, or ``INVALID_ID``."""
    if text.isascii() and text.isdigit() and 0 < len(text) <= 18:  # noqa: PLR2004 - fits a bigint
        return int(text)
    raise InvalidError("INVALID_ID", field)
