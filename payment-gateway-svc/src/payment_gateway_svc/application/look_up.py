"""The one path by which anything is learnt of an attempt: notification, browser return and poller all come here."""

from __future__ import annotations

from uuid import UUID

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError

from payment_gateway_svc.application.access import visible_attempt
from payment_gateway_svc.application.ports import LookUpRecorder, ProviderSettings, UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers, settings_of
from payment_gateway_svc.application.turns import Turns
from payment_gateway_svc.domain import attempt as rules
from payment_gateway_svc.domain.attempt import PaymentAttempt


class LookUpPath:
    """Asks outside any transaction, records under the attempt's row lock."""

    def __init__(
        self, uow_factory: UnitOfWorkFactory, providers: Providers, clock: Clock, recorder: LookUpRecorder
    ) -> None:
        self._uow_factory = uow_factory
        self._providers = providers
        self._clock = clock
        self._recorder = recorder
        self._turns = Turns()

    async def refresh(self, context: Context, attempt_id: UUID) -> PaymentAttempt:
        """The attempt after its provider was asked, by this call or by one made with it. ``PROVIDER_UNAVAILABLE`` leaves it as
        it is, marked as not fresh.
        """
        attempt = await self._read(context, attempt_id)
        if not attempt.needs_look_up:
            return attempt
        async with self._turns.of(attempt_id) as must_ask:
            return await (self._ask(context, attempt) if must_ask else self._read(context, attempt_id))

    async def _ask(self, context: Context, attempt: PaymentAttempt) -> PaymentAttempt:
        try:
            settings = await self._settings(context, attempt.provider)
            answer = await self._providers.get(attempt.provider).fetch_status(attempt.provider_ref, settings)
        except DomainError:
            # Whatever the reason, it was tried now: the next turn of the poller begins with the others.
            await self._mark_unreachable(context, attempt.id)
            raise
        async with self._uow_factory(context) as uow:
            applied = rules.looked_up(await uow.attempts.lock(attempt.id), answer, self._clock.now())
            await uow.attempts.save(applied.attempt)
            for event in applied.events:
                uow.publish(event)
            await uow.commit()
        self._recorder.recorded(context, applied)
        return applied.attempt

    async def _settings(self, context: Context, provider: str) -> ProviderSettings:
        async with self._uow_factory(context) as uow:
            return await settings_of(uow, provider)

    async def _read(self, context: Context, attempt_id: UUID) -> PaymentAttempt:
        async with self._uow_factory(context) as uow:
            attempt = visible_attempt(await uow.attempts.find(attempt_id), context)
            if attempt.is_asked:
                return attempt
            applied = rules.expired_unasked(await uow.attempts.lock(attempt_id), self._clock.now())
            await uow.attempts.save(applied.attempt)
            for event in applied.events:
                uow.publish(event)
            await uow.commit()
        self._recorder.recorded(context, applied)
        return applied.attempt

    async def _mark_unreachable(self, context: Context, attempt_id: UUID) -> None:
        async with self._uow_factory(context) as uow:
            await uow.attempts.save(rules.unreachable(await uow.attempts.lock(attempt_id), self._clock.now()))
            await uow.commit()
