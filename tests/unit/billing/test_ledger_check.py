"""How the ledger check goes round the towns and their documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from billing_svc.application.check_ledger import BUDGET_SECONDS, DOCUMENTS_A_TURN, DocumentSlice, LedgerCheck
from preau_kernel.context import Context
from preau_kernel.errors import UnavailableError
from preau_kernel.ids import TenantId, TenantSlug


class Audit:
    """Towns whose documents have the keys 1, 2, 3…; ``wrong_keys`` do not add up."""

    def __init__(self, towns: int, documents: int = 0) -> None:
        self.count = towns
        self.documents_of_a_town = documents
        self.wrong_books: dict[int, Mapping[str, int]] = {}
        self.wrong_keys: set[int] = set()
        self.seconds = 0.0
        self.a_check_takes = 0.0
        self.checked: list[int] = []
        self.broken = 0

    async def towns(self) -> Sequence[Context]:
        return [Context.system(TenantId(number), TenantSlug(f"t-{number}")) for number in range(self.count, 0, -1)]

    async def books(self, context: Context) -> Mapping[str, int]:
        self.seconds += self.a_check_takes
        self.checked.append(context.tenant_id)
        if context.tenant_id == self.broken:
            raise UnavailableError("DATABASE_BUSY")
        return self.wrong_books.get(context.tenant_id, {"account": 0, "invoice": 0})

    async def documents(self, context: Context, after_key: int, limit: int) -> DocumentSlice:
        last = min(after_key + limit, self.documents_of_a_town)
        wrong = sum(after_key < key <= last for key in self.wrong_keys)
        return DocumentSlice(wrong, last, is_last=last - after_key < limit)


class Told:
    def __init__(self) -> None:
        self.found: list[tuple[str, Mapping[str, int]]] = []

    def __call__(self, context: Context, wrong: Mapping[str, int]) -> None:
        self.found.append((context.tenant_slug, wrong))


def make_check(audit: Audit) -> tuple[LedgerCheck, Told]:
    told = Told()
    return LedgerCheck(audit, lambda: audit.seconds, told), told


async def test_a_turn_checks_every_town_once_when_there_is_time() -> None:
    audit = Audit(towns=3)
    check, told = make_check(audit)

    assert await check.turn() == 0
    assert await check.turn() == 0
    assert audit.checked == [1, 2, 3, 1, 2, 3]
    assert told.found == []


async def test_a_turn_ends_when_its_time_is_over_and_the_next_goes_on_there() -> None:
    audit = Audit(towns=5)
    audit.a_check_takes = BUDGET_SECONDS / 2
    check, _ = make_check(audit)

    for _turn in range(3):
        await check.turn()

    assert audit.checked == [1, 2, 3, 4, 5, 1]


async def test_disagreements_are_summed_over_towns_and_told_by_kind() -> None:
    audit = Audit(towns=3)
    audit.wrong_books = {1: {"account": 2, "invoice": 0}, 3: {"account": 0, "invoice": 1}}
    check, told = make_check(audit)

    assert await check.turn() == 3
    assert told.found == [("t-1", {"account": 2}), ("t-3", {"invoice": 1})]

    audit.wrong_books.clear()
    assert await check.turn() == 0


async def test_what_was_found_in_a_town_stays_until_that_town_is_checked_again() -> None:
    audit = Audit(towns=2)
    audit.a_check_takes = BUDGET_SECONDS
    audit.wrong_books = {1: {"account": 1}}
    check, _ = make_check(audit)

    assert await check.turn() == 1
    audit.wrong_books.clear()
    assert await check.turn() == 1, "only the second town was looked at"
    assert await check.turn() == 0


async def test_a_town_that_cannot_be_read_does_not_keep_the_others_from_their_turn() -> None:
    audit = Audit(towns=3)
    audit.broken = 2
    check, _ = make_check(audit)

    with pytest.raises(UnavailableError):
        await check.turn()
    with pytest.raises(UnavailableError):
        await check.turn()
    assert audit.checked == [1, 2, 3, 1, 2]


async def test_documents_are_added_up_in_slices_round_after_round() -> None:
    audit = Audit(towns=1, documents=2 * DOCUMENTS_A_TURN + 5)
    audit.wrong_keys = {1, DOCUMENTS_A_TURN + 1}
    check, _ = make_check(audit)

    assert [await check.turn() for _ in range(3)] == [1, 2, 2]
    # What a round has found stays known until the next one is complete, and is gone when that has not met it.
    assert await check.turn() == 2
    audit.wrong_keys.clear()
    assert [await check.turn() for _ in range(5)] == [2, 1, 1, 1, 0]


async def test_a_town_that_has_left_no_longer_counts() -> None:
    audit = Audit(towns=2)
    audit.wrong_books = {2: {"account": 1}}
    check, _ = make_check(audit)
    assert await check.turn() == 1

    audit.count = 1
    assert await check.turn() == 0
