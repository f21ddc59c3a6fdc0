"""Messages that came too early wait in the process, in order, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from preau_chassis import parking
from preau_chassis.parking import PARKED_SECONDS, Parking


@dataclass
class Early:
    """As much of a message as parking looks at."""

    place: int
    delivered: int = 1
    metadata: Any = field(init=False)

    def __post_init__(self) -> None:
        self.metadata = SimpleNamespace(sequence=SimpleNamespace(stream=self.place), num_delivered=self.delivered)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    hand = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(parking, "time", SimpleNamespace(monotonic=lambda: hand.now))
    return hand


def places(messages: list[Any]) -> list[int]:
    return [message.place for message in messages]


def test_early_messages_are_tried_again_in_the_order_of_the_stream(clock: SimpleNamespace) -> None:
    line = Parking(limit=10)
    for place in (7, 5, 6):
        assert line.keep(Early(place))  # type: ignore[arg-type]
    assert line.due() == []
    clock.now += 0.1
    assert places(line.due()) == [5, 6, 7]


def test_a_message_that_waits_long_is_tried_less_often_until_a_late_one_is_done(clock: SimpleNamespace) -> None:
    line = Parking(limit=10)
    line.keep(Early(2))  # type: ignore[arg-type]
    for _ in range(6):
        clock.now += 1.0
        assert line.keep(Early(2))  # type: ignore[arg-type]
    clock.now += 0.5
    assert line.due() == []
    line.succeeded(Early(9))  # type: ignore[arg-type]  # it came in its turn: nobody waited for it
    assert line.due() == []
    line.succeeded(Early(1, delivered=2))  # type: ignore[arg-type]
    assert places(line.due()) == [2]


def test_parking_ends_after_its_time_and_when_it_is_full(clock: SimpleNamespace) -> None:
    line = Parking(limit=1)
    assert line.keep(Early(1))  # type: ignore[arg-type]
    assert not line.keep(Early(2))  # type: ignore[arg-type]
    clock.now += PARKED_SECONDS
    assert not line.keep(Early(1))  # type: ignore[arg-type]
    assert places(line.clear()) == [1]
    assert line.messages() == []
