"""Opens an attempt at the town's provider; its row is committed first, so that money can never come without one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.ids import IdFactory

from payment_gateway_svc.application.ports import PaymentOrder, ProviderSettings, UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers, settings_of
from payment_gateway_svc.domain import attempt as rules
from payment_gateway_svc.domain.attempt import PaymentAttempt
from payment_gateway_svc.domain.errors import PaymentExpiredError, ProviderUnavailableError, RequestReusedError
from payment_gateway_svc.domain.states import PaymentState

ATTEMPT_PLACEHOLDER = "{attempt_id}"


@dataclass(frozen=True, slots=True)
class CreatePayment:
    """``order.return_url`` may hold ``{attempt_id}``. ``request_hash`` covers everything but the request's id."""

    request_id: UUID
    request_hash: bytes
    invoice_id: str
    order: PaymentOrder


@dataclass(frozen=True, slots=True)
class CreatePaymentHandler:
    """The same request gives the same attempt and address, and asks again when the provider had failed."""

    uow_factory: UnitOfWorkFactory
    providers: Providers
    clock: Clock
    ids: IdFactory

    async def __call__(self, command: CreatePayment, context: Context) -> PaymentAttempt:
        attempt, settings = await self._record(command, context)
        if attempt.is_asked:
            return attempt
        if attempt.state is not PaymentState.CREATED:
            raise PaymentExpiredError
        order = _for_attempt(command.order, attempt.id)
        provider = self.providers.get(attempt.provider)
        try:
            redirection = await provider.create(order, settings, self.clock.now())
        except ProviderUnavailableError:
            found = await self._mark_unreachable(context, attempt.id)
            if found.is_asked:
                return found
            raise
        async with self.uow_factory(context) as uow:
            # A twin that was faster has stored its own operation: that one is kept, ours is never shown to anybody.
            redirected = rules.redirected(await uow.attempts.lock(attempt.id), redirection)
            await uow.attempts.save(redirected)
            await uow.commit()
        if not redirected.is_asked:
            raise PaymentExpiredError
        return redirected

    async def _record(self, command: CreatePayment, context: Context) -> tuple[PaymentAttempt, ProviderSettings]:
        async with self.uow_factory(context) as uow:
            known = await uow.attempts.find_by_request(command.request_id)
            if known is None:
                settings = await settings_of(uow, "")
                attempt = PaymentAttempt(
                    id=self.ids.new(),
                    invoice_id=command.invoice_id,
                    household_id=context.household_id,
                    amount=command.order.amount,
                    debt_reference=command.order.debt_reference,
                    provider=settings.provider,
                    created_at=self.clock.now(),
                )
                self.providers.get(settings.provider).check(_for_attempt(command.order, attempt.id))
                if await uow.attempts.add(attempt, command.request_id, command.request_hash):
                    await uow.commit()
                    return attempt, settings
                known = await uow.attempts.find_by_request(command.request_id)
            if known is None or known[1] != command.request_hash:
                raise RequestReusedError
            return known[0], await settings_of(uow, known[0].provider)

    async def _mark_unreachable(self, context: Context, attempt_id: UUID) -> PaymentAttempt:
        """The attempt, left as it is when a twin was answered meanwhile."""
        async with self.uow_factory(context) as uow:
            attempt = await uow.attempts.lock(attempt_id)
            if not attempt.is_asked:
                await uow.attempts.save(rules.unreachable(attempt, self.clock.now()))
                await uow.commit()
        return attempt


def _for_attempt(order: PaymentOrder, attempt_id: UUID) -> PaymentOrder:
    return PaymentOrder(
        amount=order.amount,
        debt_reference=order.debt_reference,
        description=order.description,
        payer_email=order.payer_email,
        fiscal_year=order.fiscal_year,
        return_url=order.return_url.replace(ATTEMPT_PLACEHOLDER, str(attempt_id)),
        notify_url=order.notify_url.replace(ATTEMPT_PLACEHOLDER, str(attempt_id)),
    )
