"""What reads answer, and where they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from preau_kernel.context import Context

from billing_svc.application.records import AlertRecord
from billing_svc.domain.documents import ActivityKind, Document


@dataclass(frozen=True, slots=True)
class BasketFilter:
    """Empty means all."""

    child_ids: Sequence[str] = ()
    activity_ids: Sequence[str] = ()
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class BasketLine:
    id: int
    reservation_id: int
    child_id: str
    activity_id: str
    activity_name: str
    kind: ActivityKind
    day: date
    price_minor: int
    computation: str


@dataclass(frozen=True, slots=True)
class Basket:
    """``revision`` may be behind what was asked; the rest is then empty."""

    revision: int
    hold_expires_at: datetime | None
    total_minor: int
    count: int
    filtered_count: int
    lines: list[BasketLine]


@dataclass(frozen=True, slots=True)
class BasketPage:
    """Which part of a basket to read."""

    household_id: str
    min_revision: int
    limit: int
    offset: int
    filter: BasketFilter = field(default_factory=BasketFilter)


@dataclass(frozen=True, slots=True)
class Quote:
    """``missing`` is the first activity and day without a tariff."""

    is_ready: bool
    row_totals: list[int]
    missing: tuple[str, date] | None


@dataclass(frozen=True, slots=True)
class QuoteRow:
    activity_id: str
    days: Sequence[date]


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document without its lines, and its place in the list."""

    key: int
    document: Document


@dataclass(frozen=True, slots=True)
class AccountSum:
    account: str
    debit_minor: int
    credit_minor: int


class BasketReads(Protocol):
    """What a household has to pay."""

    async def basket(self, context: Context, page: BasketPage) -> Basket: ...


class Reads(BasketReads, Protocol):
    """Reads that skip the domain."""

    async def quote(self, context: Context, household_id: str, rows: Sequence[QuoteRow]) -> Quote: ...

    async def prices(
        self, context: Context, household_id: str, day: date | None, now: datetime
    ) -> list[tuple[str, int]]: ...

    async def documents(
        self, context: Context, household_id: str, before_key: int | None, limit: int
    ) -> list[ListedDocument]: ...

    async def family_credit(self, context: Context, household_id: str) -> int: ...

    async def alerts(self, context: Context) -> list[AlertRecord]: ...

    async def accounts(self, context: Context) -> list[AccountSum]: ...
