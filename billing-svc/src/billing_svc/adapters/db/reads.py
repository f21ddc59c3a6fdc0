"""Reads that skip the domain: one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from preau_chassis.database import Database
from preau_kernel.context import Context

from billing_svc.adapters.db.desk import SqlInvoiceDesk
from billing_svc.adapters.db.moneys import SqlMoneys
from billing_svc.application.queries import (
    AccountSum,
    Basket,
    BasketLine,
    BasketPage,
    ListedDocument,
    Quote,
    QuoteRow,
)
from billing_svc.application.records import AlertRecord
from billing_svc.domain.documents import ActivityKind

_BASKET = "SELECT * FROM billing_basket($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_COLUMNS = (
    "ids",
    "reservation_ids",
    "child_ids",
    "activity_ids",
    "activity_names",
    "kinds",
    "days",
    "prices",
    "computations",
)
_ALERTS = """
SELECT a.id, a.reason, h.household_id, a.household_key, a.invoice_id, a.amount_minor, a.raised_at FROM alert a
LEFT JOIN household h ON h.tenant_id = a.tenant_id AND h.key = a.household_key
WHERE a.tenant_id = $1 ORDER BY a.raised_at DESC, a.id DESC LIMIT 500"""
_ACCOUNTS = """
SELECT account, sum(debit_minor)::bigint AS debit_minor, sum(credit_minor)::bigint AS credit_minor
FROM ledger_entry WHERE tenant_id = $1 GROUP BY account ORDER BY account"""


class SqlReads:
    """``Reads`` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._desk = SqlInvoiceDesk(database)

    async def basket(self, context: Context, page: BasketPage) -> Basket:
        wanted = page.filter
        (row,) = await self._database.fetch(
            _BASKET,
            context.tenant_id,
            UUID(page.household_id),
            page.min_revision,
            page.limit,
            page.offset,
            [UUID(child_id) for child_id in wanted.child_ids] or None,
            [UUID(activity_id) for activity_id in wanted.activity_ids] or None,
            wanted.start,
            wanted.end,
            label="billing_basket",
        )
        lines = [
            BasketLine(line, reservation, str(child), str(activity), name, ActivityKind(kind), day, price, computation)
            for line, reservation, child, activity, name, kind, day, price, computation in zip(
                *(row[column] for column in _COLUMNS), strict=True
            )
        ]
        return Basket(
            row["revision"], row["hold_expires_at"], row["total_minor"], row["line_count"], row["filtered_count"], lines
        )

    async def quote(self, context: Context, household_id: str, rows: Sequence[QuoteRow]) -> Quote:
        (row,) = await self._database.fetch(
            "SELECT * FROM billing_quote($1, $2, $3, $4, $5)",
            context.tenant_id,
            UUID(household_id),
            [UUID(asked.activity_id) for asked in rows],
            [index for index, asked in enumerate(rows) for _ in asked.days],
            [day for asked in rows for day in asked.days],
            label="billing_quote",
        )
        missing = None if row["missing_day"] is None else (str(row["missing_activity"]), row["missing_day"])
        return Quote(row["is_ready"], list(row["totals"]), missing)

    async def prices(
        self, context: Context, household_id: str, day: date | None, now: datetime
    ) -> list[tuple[str, int]]:
        rows = await self._database.fetch(
            "SELECT * FROM billing_prices($1, $2, $3, $4)",
            context.tenant_id,
            UUID(household_id),
            day,
            now,
            label="billing_prices",
        )
        return [(str(row["activity_id"]), row["price_minor"]) for row in rows]

    async def documents(
        self, context: Context, household_id: str, before_key: int | None, limit: int
    ) -> list[ListedDocument]:
        return await self._desk.documents(context, household_id, before_key, limit)

    async def family_credit(self, context: Context, household_id: str) -> int:
        async with self._database.unit_of_work(context) as uow:
            return await SqlMoneys(uow).family_credit(household_id)

    async def alerts(self, context: Context) -> list[AlertRecord]:
        async with self._database.unit_of_work(context) as uow:
            rows = await uow.fetch(_ALERTS, context.tenant_id)
        return [
            AlertRecord(
                id=str(row["id"]),
                reason=row["reason"],
                household_id=str(row["household_id"] or ""),
                household_key=row["household_key"],
                invoice_id=str(row["invoice_id"] or ""),
                amount_minor=row["amount_minor"],
                raised_at=row["raised_at"],
            )
            for row in rows
        ]

    async def accounts(self, context: Context) -> list[AccountSum]:
        async with self._database.unit_of_work(context) as uow:
            rows = await uow.fetch(_ACCOUNTS, context.tenant_id)
        return [AccountSum(row["account"], row["debit_minor"], row["credit_minor"]) for row in rows]
