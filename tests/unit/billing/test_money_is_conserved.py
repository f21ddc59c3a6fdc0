"""Random lives of a household's money, against what a child could count on its fingers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from billing_svc.application.confirm_reservations import Confirmation, confirm_reservations
from billing_svc.application.follow_payments import PaymentSucceeded, receive_payment
from billing_svc.application.follow_reservations import hold_reservations, withdraw_reservations
from billing_svc.application.issue_invoice import IssueInvoice, issue_invoice
from billing_svc.application.reopen_invoice import ReopenInvoice, ReopenPorts, reopen_invoice
from billing_svc.domain import ledger
from billing_svc.domain.documents import DocumentKind
from billing_svc.domain.events import FamilyAccountCredited, InvoiceSettled
from billing_svc.domain.states import InvoiceState, LineState
from billing_svc.domain.withdrawal import Cause
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preau_kernel.clock import FixedClock
from preau_kernel.errors import PreconditionError

from tests.unit.billing.fakes import (
    HOUSEHOLD,
    NOW,
    PARENT,
    SYSTEM,
    TILL,
    World,
    make_issue_ports,
    make_key,
    make_lines,
)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["hold", "restore", "cancel", "expire", "issue", "pay", "pay_again", "pay_wrong", "reopen", "answer"]
        ),
        st.integers(0, 11),
    ),
    max_size=40,
)


@contextmanager
def refused_only(*reasons: str) -> Iterator[None]:
    """These refusals are part of life."""
    try:
        yield
    except PreconditionError as refusal:
        if refusal.reason not in reasons:
            raise


class Life:
    """Drives the use cases as the agenda, the payer and the gateway would; remembers the money that came in."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = FixedClock(NOW)
        self.requests = self._names()
        self.received = 0
        self.reservations = 0
        self.answered = 0

    @staticmethod
    def _names() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"request {number}"

    async def step(self, name: str, pick: int) -> None:
        await getattr(self, name)(pick)

    @property
    def _revision(self) -> int:
        return self.world.revision + 1

    def _reservations(self, *states: LineState) -> list[int]:
        return [line.reservation_id for line in self.world.state.lines.values() if line.state in states]

    async def hold(self, pick: int) -> None:
        ids = list(range(self.reservations + 1, self.reservations + 2 + pick % 4))
        self.reservations = ids[-1]
        async with self.world.books(SYSTEM) as books:
            await hold_reservations(HOUSEHOLD, self._revision, NOW + timedelta(hours=1), make_lines(ids), books)
            await books.commit()

    async def restore(self, pick: int) -> None:
        """What lapsed is held again under the same ids, as far as nothing holds it yet."""
        live = set(self._reservations(LineState.PENDING, LineState.INVOICED, LineState.SETTLED))
        ids = sorted(set(self._reservations(LineState.LAPSED)) - live)[: 1 + pick % 3]
        if ids:
            async with self.world.books(SYSTEM) as books:
                await hold_reservations(HOUSEHOLD, self._revision, NOW + timedelta(hours=1), make_lines(ids), books)
                await books.commit()

    async def cancel(self, pick: int) -> None:
        await self._withdraw(
            self._reservations(LineState.PENDING, LineState.INVOICED, LineState.SETTLED), pick, Cause.CANCELLED
        )

    async def expire(self, pick: int) -> None:
        await self._withdraw(
            self._reservations(LineState.PENDING, LineState.INVOICED, LineState.SETTLED), pick, Cause.EXPIRED
        )

    async def _withdraw(self, ids: list[int], pick: int, cause: Cause) -> None:
        chosen = [one for rank, one in enumerate(ids) if pick == 0 or rank % (1 + pick % 3) == 0]
        async with self.world.books(SYSTEM) as books:
            await withdraw_reservations(HOUSEHOLD, self._revision, chosen, cause, books, NOW, self.world.ids)
            await books.commit()

    async def issue(self, pick: int) -> None:
        lines = self.world.state.lines.values()
        total = sum(line.price_minor for line in lines if line.state is LineState.PENDING)
        command = IssueInvoice(make_key(next(self.requests)), 0, total + (1 if pick == 11 else 0), "token")
        world = self.world
        ports = make_issue_ports(world, self.clock)
        with refused_only("BASKET_EMPTY", "BASKET_CHANGED"):
            await issue_invoice(command, PARENT, ports)

    def _invoice(self, pick: int) -> str:
        invoices = list(self.world.state.invoices)
        return invoices[pick % len(invoices)] if invoices else ""

    async def pay(self, pick: int) -> None:
        await self._pay(self._invoice(pick), 0)

    async def pay_again(self, pick: int) -> None:
        paid = [one.id for one in self.world.state.invoices.values() if one.status is InvoiceState.PAID]
        await self._pay(paid[pick % len(paid)] if paid else "", 0)

    async def pay_wrong(self, pick: int) -> None:
        await self._pay(self._invoice(pick), 1 + pick)

    async def _pay(self, invoice_id: str, more: int) -> None:
        if not invoice_id:
            return
        amount = self.world.state.invoices[invoice_id].total_minor + more
        told = PaymentSucceeded(str(self.world.ids.new()), invoice_id, amount, NOW, "payfip", "ref", is_test=False)
        for _ in range(2):
            async with self.world.books(SYSTEM) as books:
                await receive_payment(told, SYSTEM, books, NOW, self.world.ids)
                await books.commit()
        self.received += amount

    async def reopen(self, pick: int) -> None:
        invoice_id = self._invoice(pick)
        if not invoice_id:
            return
        ports = ReopenPorts(self.world.books, self.world, self.clock, self.world.ids)
        with refused_only("INVOICE_NOT_PAYABLE"):
            await reopen_invoice(ReopenInvoice(make_key(next(self.requests)), invoice_id, "token"), PARENT, ports)

    async def answer(self, pick: int) -> None:
        """The agenda's answer to the oldest settled invoice it has not answered: some are regained, some lost."""
        settled = [event for event in self.world.state.events if isinstance(event, InvoiceSettled)]
        if self.answered == len(settled):
            return
        event = settled[self.answered]
        self.answered += 1
        regained = [one for rank, one in enumerate(event.reservation_ids) if rank % (1 + pick % 3) == 0]
        lost = [one for one in event.reservation_ids if one not in regained]
        told = Confirmation(HOUSEHOLD, self._revision, regained, event.invoice_id, lost)
        async with self.world.books(SYSTEM) as books:
            await confirm_reservations(told, SYSTEM, books, NOW, self.world.ids)
            await books.commit()

    def check(self) -> None:
        state = self.world.state
        sums = ledger.balances(state.movements)
        assert sum(sums.values()) == 0
        unpaid = [one for one in state.invoices.values() if one.status is InvoiceState.ISSUED]
        assert sums.get(ledger.RECEIVABLE, 0) == sum(one.total_minor for one in unpaid)
        assert sums.get("bank:payfip", 0) == self.received
        settled = sum(line.price_minor for line in state.lines.values() if line.state is LineState.SETTLED)
        invoiced = sum(line.price_minor for line in state.lines.values() if line.state is LineState.INVOICED)
        assert -sums.get(ledger.REVENUE, 0) == settled + invoiced
        credit = -sums.get(ledger.FAMILY_CREDIT, 0)
        assert credit == self.received - settled
        assert credit >= 0
        assert sums.get(ledger.RECEIVABLE, 0) == invoiced
        documents = list(state.documents.values())
        for kind, series in ((DocumentKind.INVOICE, ""), (DocumentKind.CREDIT_NOTE, "AV")):
            assert state.counters.get((TILL, series, 2025), 0) == sum(one.kind is kind for one in documents)
        printed = sum(one.total_minor for one in documents)
        assert printed == settled + invoiced
        assert all(sum(line.price_minor for line in one.lines) == one.total_minor for one in documents)
        self._check_what_was_told(credit)

    def _check_what_was_told(self, credit: int) -> None:
        state = self.world.state
        told = sum(event.amount_minor for event in state.events if isinstance(event, FamilyAccountCredited))
        waiting = sum(one.total_minor for one in state.invoices.values() if one.late_payment_id)
        assert told + waiting == credit
        assert all(one.status is InvoiceState.CANCELLED for one in state.invoices.values() if one.late_payment_id)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
async def test_no_cent_is_lost_whatever_happens_in_whatever_order(steps: list[tuple[str, int]]) -> None:
    life = Life()
    for name, pick in steps:
        await life.step(name, pick)
        life.check()
