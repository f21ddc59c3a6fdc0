"""What a child can book on one day, and why not otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from preau_kernel.context import Context

from agenda_svc.application.desk import Desk, child_keys_of, read_offer, without_lapsed
from agenda_svc.application.ports import OfferQuery
from agenda_svc.domain.days import check_day, day_number, keys_between
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.views import ActivityOffer, offers_of_day


@dataclass(frozen=True, slots=True)
class DayOffer:
    rules: TownRules
    child_ids: dict[int, str]
    offers: Sequence[ActivityOffer]
    revision: int


async def get_day_offer(ctx: Context, desk: Desk, child_id: str, day: date) -> DayOffer:
    household_id = ctx.require_household()
    number = day_number(check_day(day, "day"))
    query = OfferQuery(household_id, *keys_between(number, number), [child_id])
    rules, reading = await read_offer(ctx, desk, desk.store, lambda _: query)
    (child_key,) = child_keys_of(reading.offer, [child_id])
    assert reading.offer is not None  # noqa: S101 - no child is found otherwise
    now = desk.clock.now()
    offer = without_lapsed(reading.offer, now)
    offers = offers_of_day(rules, offer, child_key, number, now)
    return DayOffer(rules, dict(offer.child_ids), offers, offer.revision)
