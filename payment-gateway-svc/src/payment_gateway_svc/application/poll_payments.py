"""Looks up what is still open: the notification may never come, so this is part of the product, not a fallback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import SERVICE_ROLE, SYSTEM_ROLE, Context
from preau_kernel.errors import DomainError

from payment_gateway_svc.application.access import require_operator
from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.ports import LookUpRecorder, OpenAttempt, OpenAttempts, UnitOfWorkFactory
from payment_gateway_svc.domain.states import PaymentState

BATCH = 100


@dataclass(frozen=True, slots=True)
class PollResult:
    """How many were asked about, and how many turned out paid."""

    checked: int
    settled: int


@dataclass(frozen=True, slots=True)
class PollPaymentsHandler:
    """``town`` for one, at once; ``due`` for the timed job. Few at a time: the provider is shared by all towns."""

    uow_factory: UnitOfWorkFactory
    open_attempts: OpenAttempts
    clock: Clock
    path: LookUpPath
    recorder: LookUpRecorder
    concurrency: int

    async def town(self, context: Context) -> PollResult:
        """Every open attempt of the caller's town."""
        if context.roles.isdisjoint({SERVICE_ROLE, SYSTEM_ROLE}):
            require_operator(context)
        async with self.uow_factory(context) as uow:
            ids = await uow.attempts.open_ids(self.clock.now())
        return await self._check([OpenAttempt(context, attempt_id) for attempt_id in ids])

    async def due(self) -> PollResult:
        """Every attempt of every town not asked about lately, in batches until none is left."""
        checked = settled = 0
        while batch := await self.open_attempts.due(self.clock.now(), BATCH):
            result = await self._check(batch)
            checked += result.checked
            settled += result.settled
            if len(batch) < BATCH or not result.checked:
                break
        return PollResult(checked, settled)

    async def _check(self, attempts: Sequence[OpenAttempt]) -> PollResult:
        gate = asyncio.Semaphore(self.concurrency)

        async def check(attempt: OpenAttempt) -> PaymentState | None:
            async with gate:
                try:
                    return (await self.path.refresh(attempt.context, attempt.attempt_id)).state
                except DomainError as error:
                    self.recorder.failed(attempt.attempt_id, error.reason)
                    return None

        states = await asyncio.gather(*map(check, attempts), return_exceptions=True)
        if broken := [state for state in states if isinstance(state, Exception)]:
            # Told only now: what is wrong with one town's attempt keeps no other family waiting.
            raise ExceptionGroup("look-ups that broke", broken)
        return PollResult(sum(state is not None for state in states), states.count(PaymentState.PAID))
