"""A notification is a hint, never a proof: all it may do is trigger the look-up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from preau_kernel.clock import Clock
from preau_kernel.context import SERVICE_ROLE, Context
from preau_kernel.errors import DomainError

from payment_gateway_svc.application.look_up import LookUpPath
from payment_gateway_svc.application.ports import LookUpRecorder, Notification, UnitOfWorkFactory
from payment_gateway_svc.application.providers import Providers


@dataclass(frozen=True, slots=True)
class HandleNotification:
    """What came, and at which provider's door."""

    provider: str
    notification: Notification


@dataclass(frozen=True, slots=True)
class HandleNotificationHandler:
    """Stored once, then looked up. A provider that is down, or slow, is asked again by the poller."""

    uow_factory: UnitOfWorkFactory
    providers: Providers
    clock: Clock
    path: LookUpPath
    recorder: LookUpRecorder
    patience: timedelta

    async def __call__(self, command: HandleNotification, context: Context) -> bool:
        """Whether it named an attempt of this town."""
        context.require_role(SERVICE_ROLE)
        attempt_id = await self._store(command, context)
        if attempt_id is None:
            return False
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                await self.path.refresh(context, attempt_id)
        except TimeoutError:
            self.recorder.failed(attempt_id, "TIMEOUT")
        except DomainError as error:
            self.recorder.failed(attempt_id, error.reason)
        return True

    async def _store(self, command: HandleNotification, context: Context) -> UUID | None:
        claimed = self.providers.get(command.provider).parse_notification(command.notification)
        if claimed is None:
            return None
        async with self.uow_factory(context) as uow:
            attempt = await uow.attempts.find_by_provider_ref(command.provider, claimed.provider_ref)
            if attempt is None:
                # Not stored: anybody may post here, and would fill the table.
                return None
            await uow.notifications.add(command.provider, claimed.external_id, attempt.id, self.clock.now())
            await uow.commit()
        return attempt.id
