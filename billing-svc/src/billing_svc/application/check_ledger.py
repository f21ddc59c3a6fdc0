"""Whether the books of every town agree with themselves: what no constraint can see, since it takes several tables.

A transaction whose debits and credits differ, and a change of what was issued, are refused by triggers already. Compared here:

- ``account``: ``revenue`` with all documents, ``receivable`` with the unpaid invoices, the account of each means with the
  payments that came in by it; an account nobody knows; all accounts with each other. Money was booked without its paper,
  or a paper was made without its booking: the town's accounts are wrong by that amount.
- ``credit``: a household whose credit is below nothing. It was spent twice, or posted to another household.
- ``invoice``: a paid invoice whose allocations are not its total, an unpaid one with some, an invoice without a state. The
  family is asked for what it has paid, or not asked for what it owes.
- ``payment``: a payment allocated beyond its amount, or an allocation of no payment.
- ``document``: a document whose lines do not add up to its total, or are not as many as it says. What was printed is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from preau_kernel.context import Context

BUDGET_SECONDS = 5.0
DOCUMENTS_A_TURN = 5_000


@dataclass(frozen=True, slots=True)
class DocumentSlice:
    """Some documents of a town in the order of their keys; ``is_last`` when none comes after ``last_key``."""

    wrong: int
    last_key: int
    is_last: bool


class LedgerAudit(Protocol):
    """Compares what a town's tables say of the same money."""

    async def towns(self) -> Sequence[Context]:
        """The system's context in every town."""
        ...

    async def books(self, context: Context) -> Mapping[str, int]:
        """How many disagreements of each kind; see above."""
        ...

    async def documents(self, context: Context, after_key: int, limit: int) -> DocumentSlice:
        """Up to ``limit`` documents after ``after_key``, compared with their lines."""
        ...


@dataclass(slots=True)
class _Town:
    """What is known of one town: its books as last read, its documents in slices, round after round."""

    books: int = 0
    after_key: int = 0
    found: int = 0
    found_last_round: int = 0

    @property
    def wrong(self) -> int:
        return self.books + max(self.found, self.found_last_round)


class LedgerCheck:
    """One town after the other, for a bounded time a turn; the next turn goes on where this one stopped.

    A town's books are compared whole. Of its documents, which never change, a turn adds up the next 5,000. A town that
    cannot be read fails its turn and is passed over by the next. ``elapsed`` counts seconds; ``tell`` is told a town's
    disagreements by kind, where there are any.
    """

    def __init__(
        self,
        audit: LedgerAudit,
        elapsed: Callable[[], float],
        tell: Callable[[Context, Mapping[str, int]], None],
    ) -> None:
        self._audit = audit
        self._elapsed = elapsed
        self._tell = tell
        self._towns: dict[int, _Town] = {}
        self._last = 0

    async def turn(self) -> int:
        """Check as many towns as the time allows, at least one; how many disagreements all towns have as far as is known."""
        started = self._elapsed()
        contexts = sorted(await self._audit.towns(), key=lambda context: context.tenant_id)
        following = [context for context in contexts if context.tenant_id > self._last]
        for context in [*following, *contexts[: len(contexts) - len(following)]]:
            self._last = context.tenant_id
            await self._check(context)
            if self._elapsed() - started >= BUDGET_SECONDS:
                break
        known = {context.tenant_id for context in contexts}
        return sum(town.wrong for tenant_id, town in self._towns.items() if tenant_id in known)

    async def _check(self, context: Context) -> None:
        town = self._towns.setdefault(context.tenant_id, _Town())
        books = await self._audit.books(context)
        slice_ = await self._audit.documents(context, town.after_key, DOCUMENTS_A_TURN)
        town.books = sum(books.values())
        town.found += slice_.wrong
        if slice_.is_last:
            town.found_last_round, town.found, town.after_key = town.found, 0, 0
        else:
            town.after_key = slice_.last_key
        wrong = {kind: count for kind, count in {**books, "document": slice_.wrong}.items() if count}
        if wrong:
            self._tell(context, wrong)
