"""What a household has to pay, never older than what it just did."""

from __future__ import annotations

from dataclasses import replace

from preau_kernel.context import Context

from billing_svc.application.ports import RevisionBoard
from billing_svc.application.queries import Basket, BasketPage, Reads
from billing_svc.domain.errors import BasketNotReadyError

WAIT_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.08


class Patience:
    """A bounded wait: short pauses first, then longer, cut short by the board when this process sees the change."""

    def __init__(
        self, board: RevisionBoard, context: Context, household_id: str, seconds: float = WAIT_SECONDS
    ) -> None:
        self._board = board
        self._context = context
        self._household_id = household_id
        self._left = seconds
        self._pause = _FIRST_PAUSE_SECONDS

    async def pause(self, revision: int, min_revision: int) -> None:
        """Wait a little, or ``UNAVAILABLE/BASKET_NOT_READY`` when the time is over."""
        if self._left <= 0:
            raise BasketNotReadyError(revision, min_revision)
        pause = min(self._pause, self._left)
        self._left -= pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        await self._board.wait(self._context, self._household_id, pause)


async def get_basket(page: BasketPage, context: Context, reads: Reads, board: RevisionBoard) -> Basket:
    """One page of the caller's basket, once its revision is reached."""
    page = replace(page, household_id=context.require_household())
    patience = Patience(board, context, page.household_id)
    while True:
        basket = await reads.basket(context, page)
        if basket.revision >= page.min_revision:
            return basket
        await patience.pause(basket.revision, page.min_revision)
