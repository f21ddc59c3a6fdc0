"""An attempt as last known."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from preau_kernel.context import Context

from payment_gateway_svc.application.access import visible_attempt
from payment_gateway_svc.application.ports import UnitOfWorkFactory
from payment_gateway_svc.domain.attempt import PaymentAttempt


@dataclass(frozen=True, slots=True)
class GetPaymentHandler:
    """Another household's attempt is not found."""

    uow_factory: UnitOfWorkFactory

    async def __call__(self, attempt_id: UUID, context: Context) -> PaymentAttempt:
        async with self.uow_factory(context) as uow:
            return visible_attempt(await uow.attempts.find(attempt_id), context)
