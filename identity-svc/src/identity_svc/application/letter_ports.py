"""What sending letters needs from the world."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from preau_kernel.ids import TenantId

from identity_svc.domain.mail import Letter


class LetterSendError(Exception):
    """The letter could not be handed over now."""


class LetterRefusedError(Exception):
    """Nobody has this address; trying again will not help."""


class LetterSender(Protocol):
    async def send(self, letter: Letter, message_id: str) -> None:
        """``LetterSendError`` when it should be tried again, ``LetterRefusedError`` when it should not."""
        ...


class DueWork(Protocol):
    """What is due in every town, found by the worker's own database role."""

    async def due_mail(self, now: datetime, limit: int) -> list[tuple[TenantId, int]]: ...
    async def waiting_since(self, instant: datetime) -> int:
        """How many letters were asked for before ``instant`` and have neither left nor been given up."""
        ...
