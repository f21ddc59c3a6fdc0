"""Charge lines and what other services told, in memory. What PostgreSQL does in test_bookings.py, this does too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from billing_svc.application.records import BasketEntry, BasketLines, HouseholdRecord, TownRecord
from billing_svc.domain.states import LIVE_LINE_STATES, InvoiceState, LineState
from billing_svc.domain.tariffs import Tariff, TariffPlan
from billing_svc.domain.withdrawal import Line

from tests.contract.repositories.billing_rows import Activity, BillingTables, Household, Till
from tests.contract.repositories.rows_in_memory import require

_UNPAID = {LineState.PENDING, LineState.INVOICED, LineState.LAPSED}


class MemoryBookings:
    """Satisfies ``Bookings``."""

    def __init__(self, tables: BillingTables) -> None:
        self.tables = tables

    async def lock_household(self, household_id: str) -> HouseholdRecord | None:
        household = self.tables.households.get(household_id)
        return household.record if household else None

    async def lock_household_of(self, invoice_id: str) -> bool:
        return invoice_id in self.tables.invoices

    async def advance(self, household: HouseholdRecord, revision: int) -> None:
        row = self.tables.household_of(household.key)
        self.tables.set_household(replace(row, record=replace(row.record, revision=revision)))

    async def renew_hold(self, household: HouseholdRecord, hold_expires_at: datetime) -> None:
        self.tables.set_household(replace(self.tables.household_of(household.key), hold_expires_at=hold_expires_at))
        for invoice in self.tables.invoices.values():
            if invoice.household_key == household.key and invoice.status is InvoiceState.ISSUED:
                self.tables.invoices[invoice.id] = replace(invoice, payable_until=hold_expires_at)

    async def hold(self, household_id: str, revision: int, hold_expires_at: datetime, lines: BasketLines) -> str:
        household = self.tables.households.get(household_id)
        if household is None or household.version == 0:
            return "HOUSEHOLD_UNKNOWN"
        expected = household.record.revision + 1
        if revision != expected:
            return "SEEN" if revision < expected else "GAP"
        known = self.tables.activities
        if any(one not in known or known[one].version == 0 for one in lines.activity_ids):
            return "ACTIVITY_UNKNOWN"
        ends = [hold_expires_at]
        if household.hold_expires_at and self.pending(household.record.key):
            ends.append(household.hold_expires_at)
        for reservation_id, child, activity, day in zip(
            lines.reservation_ids, lines.child_indexes, lines.activity_indexes, lines.days, strict=True
        ):
            if not self.tables.price_line(
                household, reservation_id, lines.child_ids[child], lines.activity_ids[activity], day
            ):
                return "TARIFF_MISSING"
        record = replace(household.record, revision=revision)
        self.tables.set_household(replace(household, record=record, hold_expires_at=min(ends)))
        return "APPLIED"

    async def hold_all(self, entries: Sequence[BasketEntry]) -> str:
        for entry in entries:
            answer = await self.hold(entry.household_id, entry.revision, entry.hold_expires_at, entry.lines)
            if answer != "APPLIED":
                return answer
        return "APPLIED"

    def pending(self, household_key: int) -> list[Line]:
        lines = (line for line in self.tables.lines.values() if line.state is LineState.PENDING)
        return [line for line in lines if self.tables.origins[line.id].household_key == household_key]

    async def live_lines(self, household: HouseholdRecord, reservation_ids: Sequence[int]) -> list[Line]:
        return [
            line
            for line in self.tables.lines.values()
            if line.reservation_id in set(reservation_ids)
            and line.state in LIVE_LINE_STATES
            and self.tables.origins[line.id].household_key == household.key
        ]

    async def lines_of_invoice(self, invoice_id: str) -> list[Line]:
        return [line for line in self.tables.lines.values() if line.invoice_id == invoice_id]

    async def unpaid(self, reservation_ids: Sequence[int]) -> list[int]:
        latest = {line.reservation_id: line.state for line in self.tables.lines.values()}
        return sorted(one for one in set(reservation_ids) if latest.get(one) in _UNPAID)

    async def set_lines(self, line_ids: Iterable[int], state: LineState) -> None:
        for line in [self.tables.lines[line_id] for line_id in line_ids]:
            if state is LineState.PENDING and line.invoice_id:
                self._shorten_hold(line)
            invoice_id = "" if state is LineState.PENDING else line.invoice_id
            self.tables.lines[line.id] = replace(line, state=state, invoice_id=invoice_id)

    def _shorten_hold(self, line: Line) -> None:
        household = self.tables.household_of(self.tables.origins[line.id].household_key)
        ends = [household.hold_expires_at, self.tables.invoices[line.invoice_id].payable_until]
        earliest = min((end for end in ends if end), default=None)
        self.tables.set_household(replace(household, hold_expires_at=earliest))

    async def add_settled_lines(self, household: HouseholdRecord, invoice_id: str, like: Sequence[int]) -> list[int]:
        made = []
        for old in (self.tables.lines[line_id] for line_id in like):
            origin = replace(self.tables.origins[old.id], household_key=household.key)
            made.append(
                self.tables.add_line(old.reservation_id, old.price_minor, origin, LineState.SETTLED, invoice_id)
            )
        return made


class MemoryProjections:
    """Satisfies ``Projections``."""

    def __init__(self, tables: BillingTables) -> None:
        self.tables = tables

    async def town(self) -> TownRecord | None:
        return self.tables.town

    async def put_town(self, town: TownRecord) -> None:
        if self.tables.town is None or self.tables.town.version < town.version:
            self.tables.town = town

    async def put_household(
        self, household_id: str, child_ids: Sequence[str], version: int, *, is_resident: bool
    ) -> None:
        new = Household(HouseholdRecord(len(self.tables.households) + 1, household_id, 0))
        household = self.tables.households.setdefault(household_id, new)
        if household.version < version:
            self.tables.set_household(replace(household, is_resident=is_resident, version=version))
        self.tables.children += [one for one in child_ids if one not in self.tables.children]

    async def put_activity(self, activity_id: str, name: str, kind: int, position: int, version: int) -> None:
        activity = self._note_activity(activity_id)
        if activity.version < version:
            self.tables.activities[activity_id] = Activity(activity.key, name, kind, position, version)

    def _note_activity(self, activity_id: str) -> Activity:
        return self.tables.activities.setdefault(activity_id, Activity(len(self.tables.activities) + 1))

    async def lock_tariffs(self, activity_id: str) -> list[Tariff]:
        self._note_activity(activity_id)
        return sorted(self.tables.tariffs.get(activity_id, []), key=lambda tariff: tariff.valid_from)

    async def apply_tariffs(self, activity_id: str, plan: TariffPlan) -> None:
        changed = {tariff.id: tariff for tariff in plan.update}
        tariffs = [changed.get(tariff.id, tariff) for tariff in self.tables.tariffs.get(activity_id, [])]
        tariffs += [plan.insert] if plan.insert else []
        pairs = [(one, other) for one in tariffs for other in tariffs if one.id < other.id]
        require(not any(one.overlaps(other) for one, other in pairs), "one tariff a day")
        self.tables.tariffs[activity_id] = tariffs

    async def put_till(self, till_id: str, code: str, name: str, siret: str, vat_mention: str) -> str:
        known = self.tables.tills.get(code)
        till = Till(known.id if known else till_id, code, name, siret, vat_mention)
        self.tables.tills[code] = till
        return till.id
