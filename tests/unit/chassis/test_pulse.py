from __future__ import annotations

from preau_chassis.pulse import Pulse


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_process_without_loops_is_alive() -> None:
    assert Pulse().is_alive()


def test_a_loop_that_stops_turning_ends_the_life_of_all_until_it_turns_again() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    first, second = pulse.watch("first", 10), pulse.watch("second", 10)
    clock.seconds = 9
    first()
    clock.seconds = 11
    assert not pulse.is_alive()
    second()
    assert pulse.is_alive()
    clock.seconds = 19.5
    assert not pulse.is_alive()


def test_a_loop_that_need_not_turn_gets_its_whole_time_when_it_must_again() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    leading = [False]
    pulse.watch("job", 10, while_=lambda: leading[0])
    clock.seconds = 100
    assert pulse.is_alive()
    leading[0] = True
    clock.seconds = 109
    assert pulse.is_alive()
    clock.seconds = 111
    assert not pulse.is_alive()
