"""One family seen by the agenda and by billing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from agenda_svc.entrypoints.consumers import billing_consumer
from google.protobuf.message import Message
from preau.agenda.v1 import agenda_events_pb2 as agenda_events
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_events_pb2 as billing_events
from preau.billing.v1 import billing_service_pb2 as pb
from preau.identity.v1 import identity_events_pb2 as identity_events

from tests.integration.agenda.test_holds import renew
from tests.integration.agenda.test_settlements import deliver
from tests.integration.agenda.world import World
from tests.integration.billing.town import Family, Town, euros, wire_day

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))
_TOLD_TO_BILLING: dict[str, type[Message]] = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (
        agenda_events.ActivityChanged,
        agenda_events.ReservationsHeld,
        agenda_events.ReservationsCancelled,
        agenda_events.ReservationsExpired,
        agenda_events.ReservationsConfirmed,
        agenda_events.HoldsRenewed,
    )
}
_OUTBOX = "SELECT id, type, body FROM outbox WHERE id > $1 ORDER BY id"


class BothSides:
    """The two services' towns, and what passes between them when ``carry`` says so."""

    def __init__(self, world: World, town: Town) -> None:
        self.world = world
        self.town = town
        self._seen = {"agenda": 0, "billing": 0}
        self._passed = timedelta(0)

    async def open(self, prices: dict[str, int]) -> None:
        """A household both know, and a price for each activity."""
        self.household = await self.world.household()
        self.family = Family(self.town, self.household.id, self.household.children)
        self.town.platform.identity.children[self.family.id] = self.family.children
        await self.town.tell(
            identity_events.HouseholdChanged(
                household_id=self.family.id, child_ids=self.family.children, is_resident=True, version=1
            )
        )
        await self.carry()
        for code, price in prices.items():
            await self.town.as_staff().UpsertTariff(
                pb.UpsertTariffRequest(
                    activity_id=self.world.activities[code],
                    valid_from=wire_day(date(2025, 9, 1)),
                    resident_price=euros(price),
                    non_resident_price=euros(price),
                )
            )

    def wait(self, minutes: float) -> None:
        delta = timedelta(minutes=minutes)
        self.world.clock.advance(delta)
        self.town.platform.clock.advance(delta)
        self._passed += delta

    def restore_clock(self) -> None:
        """The billing side's clock is everybody's."""
        self.town.platform.clock.advance(-self._passed)

    async def agenda_to_billing(self) -> int:
        rows = await self.world.rows(_OUTBOX, self._seen["agenda"])
        for row in rows:
            self._seen["agenda"] = row["id"]
            kind = _TOLD_TO_BILLING[row["type"]]
            message: Any = kind.FromString(bytes(row["body"]))
            if getattr(message, "household_id", self.family.id) == self.family.id:
                await self.town.tell(message)
                self.family.revision = getattr(message, "revision", self.family.revision)
        return len(rows)

    async def billing_to_agenda(self) -> int:
        rows = await self.town.rows(_OUTBOX, self._seen["billing"])
        consumer = billing_consumer(self.world.desk, self.world.transaction_store)
        for row in rows:
            self._seen["billing"] = row["id"]
            if row["type"] == billing_events.InvoiceSettled.DESCRIPTOR.full_name:
                await deliver(self.world, consumer, billing_events.InvoiceSettled.FromString(bytes(row["body"])))
        return len(rows)

    async def carry(self) -> None:
        """Everything, both ways, until all is told."""
        while await self.agenda_to_billing() + await self.billing_to_agenda():
            pass

    async def book(self, *codes: str) -> None:
        await self.world.apply(self.household, *codes, period=ONE_DAY)
        await self.carry()

    async def checkout(self, expected_minor: int) -> tuple[pb.Invoice, str]:
        """« Générer la facture et payer »: the invoice, and the attempt on whose page the parent is now."""
        await renew(self.world, self.household)
        await self.carry()
        invoice = await self.family.issue(expected_minor)
        return invoice, await self.family.start(invoice.id)

    async def ids(self, *statuses: agenda.ReservationStatus.ValueType) -> list[int]:
        return sorted(int(row.id) for row in await self.world.reservations(self.household, *statuses))

    async def cancel(self, ids: Sequence[int]) -> None:
        request = agenda.CancelReservationsRequest(request_id=str(uuid4()), ids=[str(each) for each in ids])
        await self.world.as_family(self.household, "CancelReservations", request)
