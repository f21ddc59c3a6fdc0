"""A month is told a day at a time, without asking for the reason of every activity; it must say what the reasons say."""

from __future__ import annotations

import random

from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.cutoffs import Cutoff
from agenda_svc.domain.days import iso_weekday, session_key
from agenda_svc.domain.offer import Offer, refusal_of
from agenda_svc.domain.refusals import Reason
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status
from agenda_svc.domain.views import DayState, month_of

from tests.unit.agenda.town import NOW, iso, make_activity, make_offer, make_row, make_rules, number

CHILDREN = (7, 8)
TODAY = number("2025-08-20")
MONDAY = number("2025-09-01")
DAYS = range(TODAY - 3, TODAY + 12)
_TOLD_BY = {
    Reason.SESSION_FULL: DayState.FULL,
    Reason.BOOKING_CUTOFF_PASSED: DayState.TOO_LATE,
    Reason.DAY_PAST: DayState.TOO_LATE,
    Reason.NOT_ENROLLED: DayState.NOT_ENROLLED,
}


def told_by_reasons(rules: TownRules, offer: Offer, child: int, day: int) -> tuple[DayState, str]:
    """The same from one reason an activity: slow, and plainly right."""
    weekday = iso_weekday(day)
    reasons = [
        refusal_of(rules, offer, child, each, day, NOW, TODAY) for each in rules.activities if weekday in each.weekdays
    ]
    if None in reasons:
        return DayState.BOOKABLE, ""
    told = [each for each in reasons if each is not None]
    label = next((each.label for each in told if each.reason is Reason.SITE_CLOSED), "")
    if any(row.is_own and (row.child_key, row.session_key >> 16) == (child, day) for row in offer.live.values()):
        return DayState.BOOKED, label
    states = {_TOLD_BY.get(each.reason, DayState.CLOSED) for each in told}
    for state in (DayState.FULL, DayState.TOO_LATE, DayState.NOT_ENROLLED):
        if state in states:
            return state, ""
    return DayState.CLOSED, label


def some_town(chance: random.Random) -> tuple[TownRules, Offer]:
    activities = [
        make_activity(
            key,
            weekdays=frozenset(chance.sample(range(1, 8), chance.randint(1, 5))),
            site_key=chance.choice((1, 2)),
            booking_cutoff=chance.choice((None, Cutoff(chance.randint(0, 6), 10, 0))),
        )
        for key in range(1, chance.randint(2, 6))
    ]
    closures = [
        Closure(first, first + chance.randint(0, 3), f"Closure {first}", chance.choice((0, 1, 2)))
        for first in chance.sample(DAYS, chance.randint(0, 2))
    ]
    rules = make_rules(activities, SchoolCalendar(public_holidays={chance.choice(DAYS): "Fête"}), closures)
    slots = [(child, day, each.key) for child in CHILDREN for day in DAYS for each in activities]
    rows = [
        make_row(
            iso(day), key, chance.choice((Status.HELD, Status.CONFIRMED)), child=child, is_own=chance.random() < 0.7
        )
        for child, day, key in chance.sample(slots, chance.randint(0, len(slots) // 2))
    ]
    keys = [session_key(day, each.key) for day in DAYS for each in activities]
    return rules, Offer(
        household_key=1,
        revision=1,
        children={f"child-{child}": child for child in CHILDREN},
        places={key: chance.choice((None, 0, 0, 3, -1)) for key in keys if chance.random() < 0.8},
        enrolments={
            (child, each.key): ((first, first + chance.randint(0, 12)), (TODAY + 20, TODAY + 30))
            for child in CHILDREN
            for each in activities
            if chance.random() < 0.6
            for first in [chance.choice(DAYS)]
        },
        live={row.slot: row for row in rows},
    )


def test_a_month_says_what_the_reasons_of_its_activities_say() -> None:
    seen: set[DayState] = set()
    labels = 0
    for seed in range(300):
        rules, offer = some_town(random.Random(seed))
        for day in month_of(rules, offer, CHILDREN, DAYS, NOW):
            expected = told_by_reasons(rules, offer, day.child_key, day.day)
            assert (day.state, day.closure_label) == expected, (seed, iso(day.day), day.child_key)
            seen.add(day.state)
            labels += bool(day.closure_label)
    assert seen == set(DayState)
    assert labels > 100


def test_a_town_remembers_a_bounded_number_of_days() -> None:
    rules = make_rules()
    for day in range(TODAY, TODAY + 2_000):
        rules.on_day(day)

    assert set(rules.on_day(TODAY + 12).open) == {1, 2, 3, 4}
    assert len(rules._days) <= 800


def test_a_day_is_not_bookable_for_what_lacks_or_excludes_what_is_booked() -> None:
    meal, midday = make_activity(1, requires=(2,)), make_activity(2)
    rules = make_rules([meal, midday])
    full = make_offer(rules, [MONDAY], places={session_key(MONDAY, 2): 0})
    free = make_offer(rules, [MONDAY])
    either = make_rules([make_activity(1, excludes=(2,)), make_activity(2, excludes=(1,))])
    booked = make_offer(either, [MONDAY], live=[make_row("2025-09-01", 1)])

    def state(town: TownRules, offer: Offer) -> DayState:
        (day,) = month_of(town, offer, [7], [MONDAY], NOW)
        return day.state

    assert state(rules, full) is DayState.FULL
    assert state(rules, free) is DayState.BOOKABLE
    assert state(either, booked) is DayState.BOOKED
    assert state(either, make_offer(either, [MONDAY])) is DayState.BOOKABLE
