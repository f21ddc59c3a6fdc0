"""Charge lines and the basket's revision, in one town's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork

from billing_svc.application.records import BasketEntry, BasketLines, HouseholdRecord
from billing_svc.domain.states import LineState
from billing_svc.domain.withdrawal import Line

_LOCK = "SELECT key, revision FROM household WHERE tenant_id = $1 AND household_id = $2 FOR UPDATE"
_LOCK_OF = """
SELECT h.key FROM household h
WHERE h.tenant_id = $1 AND h.key = (SELECT d.household_key FROM document d WHERE d.tenant_id = $1 AND d.id = $2 AND d.kind = 1)
FOR UPDATE"""
_HOLD = "SELECT billing_hold($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_RENEW = """
WITH basket AS (UPDATE household SET hold_expires_at = $3 WHERE tenant_id = $1 AND key = $2)
UPDATE invoice_state SET payable_until = $3 WHERE tenant_id = $1 AND household_key = $2 AND status = 1"""
_LIVE = """
SELECT id, reservation_id, status, price_minor, invoice_id FROM charge_line
WHERE tenant_id = $1 AND household_key = $2 AND reservation_id = ANY ($3) AND status IN (1, 2, 3) ORDER BY id"""
_OF_INVOICE = """
SELECT id, reservation_id, status, price_minor, invoice_id FROM charge_line
WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY id"""
# In two halves, each with its partial index: one for both would be written at every booking.
_UNPAID = """
SELECT reservation_id FROM (
  SELECT DISTINCT ON (reservation_id) reservation_id, status FROM (
    SELECT reservation_id, id, status FROM charge_line WHERE tenant_id = $1 AND reservation_id = ANY ($2) AND status IN (1, 2, 3)
    UNION ALL
    SELECT reservation_id, id, status FROM charge_line WHERE tenant_id = $1 AND reservation_id = ANY ($2) AND status IN (4, 5)
  ) line ORDER BY reservation_id, id DESC) latest
WHERE status IN (1, 2, 5) ORDER BY reservation_id"""
_SET = """
UPDATE charge_line SET status = $3::smallint, invoice_id = CASE WHEN $3::smallint = 1 THEN NULL ELSE invoice_id END
WHERE tenant_id = $1 AND id = ANY ($2)"""
# What comes back from an invoice may end sooner than what is in the basket.
_SHORTEN_HOLD = """
UPDATE household h SET hold_expires_at = LEAST(h.hold_expires_at, s.payable_until)
FROM invoice_state s
WHERE s.tenant_id = $1 AND h.tenant_id = $1 AND h.key = s.household_key
  AND s.invoice_id IN (SELECT l.invoice_id FROM charge_line l WHERE l.tenant_id = $1 AND l.id = ANY ($2))"""
_SETTLED_LIKE = """
WITH made AS (
  INSERT INTO charge_line (tenant_id, reservation_id, household_key, child_key, activity_key, day, price_minor, tariff_key,
                           is_resident, status, invoice_id)
  SELECT tenant_id, reservation_id, $3, child_key, activity_key, day, price_minor, tariff_key, is_resident, 3, $4
    FROM charge_line WHERE tenant_id = $1 AND id = ANY ($2)
  RETURNING id, reservation_id)
SELECT made.id FROM made JOIN charge_line old ON old.tenant_id = $1 AND old.id = ANY ($2) AND old.reservation_id = made.reservation_id
ORDER BY array_position($2, old.id)"""


class SqlBookings:
    """``Bookings`` on PostgreSQL."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._tenant = uow.context.tenant_id

    async def lock_household(self, household_id: str) -> HouseholdRecord | None:
        row = await self._uow.fetchrow(_LOCK, self._tenant, UUID(household_id))
        return None if row is None else HouseholdRecord(row["key"], household_id, row["revision"])

    async def lock_household_of(self, invoice_id: str) -> bool:
        return await self._uow.fetchrow(_LOCK_OF, self._tenant, UUID(invoice_id)) is not None

    async def advance(self, household: HouseholdRecord, revision: int) -> None:
        await self._uow.execute(
            "UPDATE household SET revision = $3 WHERE tenant_id = $1 AND key = $2",
            self._tenant,
            household.key,
            revision,
        )

    async def renew_hold(self, household: HouseholdRecord, hold_expires_at: datetime) -> None:
        await self._uow.execute(_RENEW, self._tenant, household.key, hold_expires_at)

    async def hold(self, household_id: str, revision: int, hold_expires_at: datetime, lines: BasketLines) -> str:
        return await self.hold_all([BasketEntry(household_id, revision, hold_expires_at, lines)])

    async def hold_all(self, entries: Sequence[BasketEntry]) -> str:
        child_ids: list[str] = []
        activity_ids: list[str] = []
        owners: list[int] = []
        reservations: list[int] = []
        children: list[int] = []
        activities: list[int] = []
        days: list[int] = []
        for owner, entry in enumerate(entries, 1):
            lines = entry.lines
            first_child, first_activity = len(child_ids) + 1, len(activity_ids) + 1
            child_ids += lines.child_ids
            activity_ids += lines.activity_ids
            owners += [owner] * len(lines.reservation_ids)
            reservations += lines.reservation_ids
            children += [first_child + index for index in lines.child_indexes]
            activities += [first_activity + index for index in lines.activity_indexes]
            days += lines.days
        answer: str = await self._uow.fetchval(
            _HOLD,
            [entry.household_id for entry in entries],
            [entry.revision for entry in entries],
            [entry.hold_expires_at for entry in entries],
            child_ids,
            activity_ids,
            owners,
            reservations,
            children,
            activities,
            days,
        )
        return answer

    async def live_lines(self, household: HouseholdRecord, reservation_ids: Sequence[int]) -> list[Line]:
        rows = await self._uow.fetch(_LIVE, self._tenant, household.key, list(reservation_ids))
        return [_line(row) for row in rows]

    async def lines_of_invoice(self, invoice_id: str) -> list[Line]:
        rows = await self._uow.fetch(_OF_INVOICE, self._tenant, UUID(invoice_id))
        return [_line(row) for row in rows]

    async def unpaid(self, reservation_ids: Sequence[int]) -> list[int]:
        rows = await self._uow.fetch(_UNPAID, self._tenant, list(reservation_ids))
        return [row["reservation_id"] for row in rows]

    async def set_lines(self, line_ids: Iterable[int], state: LineState) -> None:
        ids = list(line_ids)
        if ids and state is LineState.PENDING:
            await self._uow.execute(_SHORTEN_HOLD, self._tenant, ids)
        if ids:
            await self._uow.execute(_SET, self._tenant, ids, int(state))

    async def add_settled_lines(self, household: HouseholdRecord, invoice_id: str, like: Sequence[int]) -> list[int]:
        rows = await self._uow.fetch(_SETTLED_LIKE, self._tenant, list(like), household.key, UUID(invoice_id))
        return [row["id"] for row in rows]


def _line(row: Any) -> Line:
    return Line(
        id=row["id"],
        reservation_id=row["reservation_id"],
        state=LineState(row["status"]),
        price_minor=row["price_minor"],
        invoice_id=str(row["invoice_id"] or ""),
    )
