"""How every command on a household's reservations runs: read, decide, write what was decided, or start again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import ConflictError, DomainError, ErrorKind, NotFoundError

from agenda_svc.application.ports import (
    Change,
    CommandKey,
    OfferQuery,
    Reading,
    ReservationIds,
    ReservationStore,
    RowsQuery,
    RulesSource,
)
from agenda_svc.domain.activity import Activity
from agenda_svc.domain.days import day_number, keys_between
from agenda_svc.domain.events import ReservationsExpired
from agenda_svc.domain.offer import Offer, Row
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Trigger, move

_TRIES = 5
# The first may only have swept what had ended.
_LOCKED_TRIES = 2
_LONGEST_HOLD = timedelta(days=8)

Attempt = Callable[[ReservationStore, bool], Awaitable[bytes | None]]
"""One try of a command: the answer, or ``None`` when somebody else was faster. The flag asks to lock what is read."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports of the commands and queries about reservations."""

    store: ReservationStore
    rules: RulesSource
    clock: Clock
    ids: ReservationIds


async def settle(ctx: Context, desk: Desk, attempt: Attempt) -> bytes:
    """Try without locks, a few times; then once more holding everything that was read, which nobody can overtake."""
    for _ in range(_TRIES):
        answer = await attempt(desk.store, False)
        if answer is not None:
            return answer
    async with desk.store.locking(ctx) as store:
        for _ in range(_LOCKED_TRIES):
            answer = await attempt(store, True)
            if answer is not None:
                await store.commit()
                return answer
    raise ConflictError


async def read_offer(
    ctx: Context,
    desk: Desk,
    store: ReservationStore,
    query_of: Callable[[TownRules], OfferQuery],
    *,
    lock: bool = False,
) -> tuple[TownRules, Reading]:
    """The offer and the rules of the same moment; rules that changed since the process learnt them are read again."""
    rules = await desk.rules.current(ctx)
    while True:
        reading = await store.read_offer(ctx, query_of(rules), lock=lock)
        if reading.rules_version == rules.version:
            return rules, reading
        rules = await desk.rules.reload(ctx)


async def read_rows(
    ctx: Context, desk: Desk, store: ReservationStore, query: RowsQuery, *, lock: bool = False
) -> tuple[TownRules, Reading]:
    """As ``read_offer``, for reservations."""
    rules = await desk.rules.current(ctx)
    while True:
        reading = await store.read_rows(ctx, query, lock=lock)
        if reading.rules_version == rules.version:
            return rules, reading
        rules = await desk.rules.reload(ctx)


def replay(reading: Reading, command: CommandKey) -> bytes | None:
    """The answer of the first time, when this command was done already."""
    stored = reading.stored
    if stored is None:
        return None
    if stored.digest != command.digest:
        raise DomainError(ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")
    return stored.response


async def known_activities(ctx: Context, desk: Desk, activity_ids: Iterable[str]) -> Sequence[Activity]:
    """The town's activities with these ids, in its order, or ``NOT_FOUND/ACTIVITY_NOT_FOUND``."""
    wanted = set(activity_ids)
    rules = await desk.rules.current(ctx)
    if not wanted <= rules.by_id.keys():
        rules = await desk.rules.reload(ctx)
    return activities_of(rules, wanted)


def activities_of(rules: TownRules, activity_ids: Iterable[str]) -> Sequence[Activity]:
    wanted = set(activity_ids)
    unknown = wanted - rules.by_id.keys()
    if unknown:
        raise NotFoundError("ACTIVITY_NOT_FOUND", activity_id=min(unknown))
    activities = [rules.by_id[activity_id] for activity_id in wanted]
    return sorted(activities, key=lambda activity: rules.rank[activity.key])


def child_keys_of(offer: Offer | None, child_ids: Iterable[str]) -> list[int]:
    """The household's children with these ids, or ``NOT_FOUND/CHILD_NOT_FOUND``."""
    known = offer.children if offer is not None else {}
    keys: list[int] = []
    for child_id in child_ids:
        key = known.get(child_id)
        if key is None:
            raise NotFoundError("CHILD_NOT_FOUND", child_id=child_id)
        keys.append(key)
    return keys


def without_lapsed(offer: Offer, now: datetime) -> Offer:
    """The offer as a command finds it once it has swept: without the household's own holds that have ended."""
    lapsed = {row.slot: row for row in offer.live.values() if row.is_own and row.has_lapsed(now)}
    if not lapsed:
        return offer
    places = dict(offer.places)
    for row in lapsed.values():
        left = places.get(row.session_key)
        if left is not None:
            places[row.session_key] = left + 1
    return replace(offer, live={slot: row for slot, row in offer.live.items() if slot not in lapsed}, places=places)


async def sweep(
    ctx: Context, store: ReservationStore, household_id: str, offer: Offer, rows: Iterable[Row], now: datetime
) -> bool:
    """Expire the household's own holds among ``rows`` that have ended, without waiting for the job. Whether any were."""
    lapsed = [row for row in rows if row.is_own and row.has_lapsed(now)]
    if not lapsed:
        return False
    edge = move(lapsed[0].status, Trigger.EXPIRE)
    await store.apply(
        ctx,
        Change(
            household_key=offer.household_key,
            revision=offer.revision,
            now=now,
            event=ReservationsExpired(household_id, offer.revision + 1, [row.id for row in lapsed]),
            moved=lapsed,
            moved_to=edge.target,
            counters=counted(lapsed, edge.takes_place),
        ),
    )
    return True


def counted(rows: Iterable[Row], takes_place: int) -> dict[int, int]:
    """How the counters of the rows' sessions move."""
    return {key: takes_place * count for key, count in Counter(row.session_key for row in rows).items()}


def first_key_held(now: datetime) -> int:
    """No reservation of an earlier day can still be held: none is made for a day that has passed."""
    first, _ = keys_between(day_number((now - _LONGEST_HOLD).date()), 0)
    return first
