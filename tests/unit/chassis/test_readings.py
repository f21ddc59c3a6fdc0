"""What a timed job found last."""

from __future__ import annotations

from datetime import timedelta

from preau_chassis.readings import LastReading


def test_a_reading_is_shown_until_it_is_too_old_to_be_true() -> None:
    now = [100.0]
    reading = LastReading(timedelta(seconds=90), lambda: now[0])
    assert list(reading.read()) == []

    reading.keep([(3, {"preau.tenant": "casepilote"})])
    now[0] += 89
    assert list(reading.read()) == [(3, {"preau.tenant": "casepilote"})]
    now[0] += 2
    assert list(reading.read()) == []


def test_a_new_reading_replaces_the_whole_of_the_last_one() -> None:
    reading = LastReading(timedelta(seconds=90))
    reading.keep([(3, {"preau.tenant": "casepilote"}), (1, {"preau.tenant": "saint-aubin"})])
    reading.keep([(2, {"preau.tenant": "saint-aubin"})])

    assert list(reading.read()) == [(2, {"preau.tenant": "saint-aubin"})]
