"""What this service listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.identity.v1 import identity_events_pb2 as identity
from preau.payment.v1 import payment_events_pb2 as payment
from preau_chassis.database import UnitOfWork
from preau_chassis.inbox import Consumer, Envelope, RetryLater
from preau_chassis.wire import timestamp_from_wire
from preau_kernel.clock import Clock
from preau_kernel.ids import IdFactory

from billing_svc.application.confirm_reservations import Confirmation, confirm_reservations
from billing_svc.application.follow_payments import (
    PaymentSucceeded,
    fail_payment,
    flag_mismatch,
    receive_payment,
)
from billing_svc.application.follow_reservations import (
    hold_reservations,
    hold_together,
    renew_hold,
    withdraw_reservations,
)
from billing_svc.application.ports import Books, UnpricedBookings
from billing_svc.application.records import BasketEntry, BasketLines, TownRecord
from billing_svc.domain.errors import NotReadyError, RevisionGapError, UnpricedError
from billing_svc.domain.withdrawal import Cause

BASKET = "billing-basket"
_GAP_SECONDS = 0.1
_PROJECTION_SECONDS = 0.5
# Entries of a town that wait together are priced in one transaction; more at once would keep its families waiting.
_GROUP = 32

MessageT = TypeVar("MessageT")
Handler = Callable[[UnitOfWork, Any, Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """The handlers and what they need. ``announce`` wakes who waits for a household's revision."""

    books_of: Callable[[UnitOfWork], Books]
    clock: Clock
    ids: IdFactory
    announce: Callable[[int, str], None]
    unpriced: UnpricedBookings

    def consumers(self) -> list[Consumer]:
        """Every durable consumer of this service."""
        return [
            Consumer(
                durable="billing-town",
                stream="IDENTITY",
                subjects=("evt.*.identity.tenant.changed.v1", "evt.*.identity.household.changed.v1"),
                handlers={identity.TenantChanged: self.on_town, identity.HouseholdChanged: self.on_household},
            ),
            Consumer(
                durable="billing-activities",
                stream="AGENDA",
                subjects=("evt.*.agenda.activity.changed.v1",),
                handlers={agenda.ActivityChanged: self.on_activity},
            ),
            Consumer(
                durable=BASKET,
                stream="AGENDA",
                subjects=("evt.*.agenda.reservations.*.v1", "evt.*.agenda.holds.*.v1"),
                handlers={
                    agenda.ReservationsHeld: self.on_held,
                    agenda.ReservationsCancelled: self.on_cancelled,
                    agenda.ReservationsExpired: self.on_expired,
                    agenda.ReservationsConfirmed: self.on_confirmed,
                    agenda.HoldsRenewed: self.on_renewed,
                },
                group=_GROUP,
                grouped=(agenda.ReservationsHeld, agenda.HoldsRenewed),
                joint={agenda.ReservationsHeld: self.on_held_together},
            ),
            Consumer(
                durable="billing-payments",
                stream="PAYMENT",
                subjects=("evt.*.payment.payment.*.v1",),
                handlers={
                    payment.PaymentSucceeded: self.on_paid,
                    payment.PaymentFailed: self.on_failed,
                    payment.PaymentMismatched: self.on_mismatched,
                },
            ),
        ]

    async def on_town(self, uow: UnitOfWork, told: identity.TenantChanged, _envelope: Envelope) -> None:
        await self.books_of(uow).put_town(
            TownRecord(
                slug=told.slug,
                name=told.name,
                time_zone=told.time_zone,
                hold_minutes=told.hold_minutes,
                is_production=told.is_production,
                office_name=told.office_name,
                office_address=told.office_address,
                office_phone=told.office_phone,
                office_email=told.office_email,
                version=told.version,
            )
        )

    async def on_household(self, uow: UnitOfWork, told: identity.HouseholdChanged, _envelope: Envelope) -> None:
        await self.books_of(uow).put_household(
            told.household_id, list(told.child_ids), told.version, is_resident=told.is_resident
        )

    async def on_activity(self, uow: UnitOfWork, told: agenda.ActivityChanged, _envelope: Envelope) -> None:
        await self.books_of(uow).put_activity(told.activity_id, told.name, int(told.kind), told.position, told.version)

    async def on_held(self, uow: UnitOfWork, told: agenda.ReservationsHeld, envelope: Envelope) -> None:
        await self._in_order(uow, envelope, told.household_id, self._hold(uow, _entry(told), envelope))

    async def on_held_together(
        self, uow: UnitOfWork, messages: Sequence[tuple[agenda.ReservationsHeld, Envelope]]
    ) -> None:
        await hold_together([_entry(told) for told, _ in messages], self.books_of(uow))
        for told, envelope in messages:
            self._announce(uow, envelope, told.household_id)

    async def on_cancelled(self, uow: UnitOfWork, told: agenda.ReservationsCancelled, envelope: Envelope) -> None:
        await self._withdraw(uow, told, Cause.CANCELLED, envelope)

    async def on_expired(self, uow: UnitOfWork, told: agenda.ReservationsExpired, envelope: Envelope) -> None:
        await self._withdraw(uow, told, Cause.EXPIRED, envelope)

    async def on_confirmed(self, uow: UnitOfWork, told: agenda.ReservationsConfirmed, envelope: Envelope) -> None:
        confirmation = Confirmation(
            household_id=told.household_id,
            revision=told.revision,
            reservation_ids=list(told.reservation_ids),
            invoice_id=told.invoice_id,
            lost_reservation_ids=list(told.lost_reservation_ids),
        )
        await self._in_order(
            uow,
            envelope,
            told.household_id,
            confirm_reservations(confirmation, envelope.context, self.books_of(uow), self.clock.now(), self.ids),
        )

    async def on_renewed(self, uow: UnitOfWork, told: agenda.HoldsRenewed, envelope: Envelope) -> None:
        ends_at = timestamp_from_wire(told.hold_expires_at)
        await self._in_order(
            uow, envelope, told.household_id, renew_hold(told.household_id, told.revision, ends_at, self.books_of(uow))
        )

    async def on_paid(self, uow: UnitOfWork, told: payment.PaymentSucceeded, envelope: Envelope) -> None:
        received = PaymentSucceeded(
            attempt_id=told.attempt_id,
            invoice_id=told.invoice_id,
            amount_minor=told.amount.minor_units,
            settled_at=timestamp_from_wire(told.settled_at),
            provider=told.provider,
            provider_ref=told.provider_ref,
            is_test=told.is_test,
            known_at=timestamp_from_wire(told.known_at) if told.HasField("known_at") else None,
        )
        await _when_ready(receive_payment(received, envelope.context, self.books_of(uow), self.clock.now(), self.ids))

    async def on_failed(self, uow: UnitOfWork, told: payment.PaymentFailed, _envelope: Envelope) -> None:
        await fail_payment(told.attempt_id, told.invoice_id, self.books_of(uow))

    async def on_mismatched(self, uow: UnitOfWork, told: payment.PaymentMismatched, _envelope: Envelope) -> None:
        await flag_mismatch(told.invoice_id, told.actual.minor_units, self.books_of(uow), self.clock.now(), self.ids)

    async def _withdraw(
        self,
        uow: UnitOfWork,
        told: agenda.ReservationsCancelled | agenda.ReservationsExpired,
        cause: Cause,
        envelope: Envelope,
    ) -> None:
        await self._in_order(
            uow,
            envelope,
            told.household_id,
            withdraw_reservations(
                told.household_id,
                told.revision,
                list(told.reservation_ids),
                cause,
                self.books_of(uow),
                self.clock.now(),
                self.ids,
            ),
        )

    async def _hold(self, uow: UnitOfWork, entry: BasketEntry, envelope: Envelope) -> None:
        try:
            await hold_reservations(
                entry.household_id, entry.revision, entry.hold_expires_at, entry.lines, self.books_of(uow)
            )
        except UnpricedError:
            await self.unpriced.note(envelope.context, envelope.event_id, entry.household_id, self.clock.now())
            raise

    async def _in_order(
        self, uow: UnitOfWork, envelope: Envelope, household_id: str, handling: Awaitable[None]
    ) -> None:
        await _when_ready(handling)
        self._announce(uow, envelope, household_id)

    def _announce(self, uow: UnitOfWork, envelope: Envelope, household_id: str) -> None:
        uow.after_commit(partial(self.announce, int(envelope.context.tenant_id), household_id))


def _entry(told: agenda.ReservationsHeld) -> BasketEntry:
    rows = told.rows
    lines = BasketLines(
        reservation_ids=list(rows.reservation_ids),
        child_ids=list(rows.child_ids),
        activity_ids=list(rows.activity_ids),
        child_indexes=list(rows.child_indexes),
        activity_indexes=list(rows.activity_indexes),
        days=list(rows.days),
    )
    return BasketEntry(told.household_id, told.revision, timestamp_from_wire(told.hold_expires_at), lines)


async def _when_ready(handling: Awaitable[None]) -> None:
    try:
        await handling
    except RevisionGapError as gap:
        raise RetryLater(_GAP_SECONDS) from gap
    except NotReadyError as missing:
        raise RetryLater(_PROJECTION_SECONDS) from missing
