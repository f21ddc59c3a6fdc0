"""When more people sign in than passwords can be checked, those beyond the line hear it at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack

import pytest
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.domain.errors import SignInBusyError
from preau_chassis.calls import deadline


def make_hasher(seconds: float) -> Argon2Hasher:
    """Two at once, each of which is known to take ``seconds``."""
    hasher = Argon2Hasher(memory_kib=64, iterations=1, at_once=2)
    hasher._mean_seconds = seconds
    return hasher


def fill(hasher: Argon2Hasher, line: ExitStack) -> tuple[int, SignInBusyError]:
    """Take places until there is none: how many there were, and how the next was refused."""
    for count in range(10_000):
        try:
            line.enter_context(hasher.place())
        except SignInBusyError as error:
            return count, error
    raise AssertionError("the line has no end")


def test_the_line_holds_as_many_as_the_callers_time_allows() -> None:
    hasher = make_hasher(seconds=1.0)
    with ExitStack() as line, deadline(5.0):
        count, error = fill(hasher, line)
    # 0.4 of five seconds is time for one turn of two before one's own.
    assert count == 4
    assert 1 <= int(error.metadata["retry_after_seconds"]) <= 3


def test_the_line_is_bounded_for_a_caller_without_a_deadline() -> None:
    with ExitStack() as line:
        assert fill(make_hasher(seconds=1.0), line)[0] == 22


def test_a_slow_machine_shortens_the_line() -> None:
    with ExitStack() as short, ExitStack() as long, deadline(15.0):
        assert fill(make_hasher(seconds=1.0), short)[0] < fill(make_hasher(seconds=0.1), long)[0]


def test_places_are_free_again_whatever_became_of_their_holders() -> None:
    hasher = make_hasher(seconds=1.0)
    with deadline(5.0):
        with ExitStack() as line:
            first, _ = fill(hasher, line)
        with ExitStack() as line:
            again, _ = fill(hasher, line)
    assert first == again


async def test_a_wrong_password_is_still_wrong_and_the_mean_follows_what_was_measured() -> None:
    hasher = make_hasher(seconds=100.0)
    stored = await hasher.hash("secret")
    assert await hasher.verify(stored, "secret")
    assert not await hasher.verify(stored, "other")
    assert not await hasher.verify(None, "secret")
    assert hasher._mean_seconds < 50


async def test_who_gave_up_waiting_is_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Argon2Hasher(memory_kib=8_192, iterations=3, at_once=1)
    stored = await hasher.hash("secret")
    hashed: list[str] = []
    verify = hasher._verify

    def noted(known: str, password: str) -> bool:
        hashed.append(password)
        return verify(known, password)

    monkeypatch.setattr(hasher, "_verify", noted)
    waiting = [asyncio.create_task(hasher.verify(stored, f"wrong {number}")) for number in range(20)]
    await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await hasher.verify(stored, "secret")
    # The first ran when the others were given up; at most one more had been taken up by the thread.
    assert hashed[-1] == "secret"
    assert len(hashed) <= 3


async def test_the_slowness_nobody_waited_for_is_learnt_of(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = make_hasher(seconds=0.0)

    def slow(_known: str, _password: str) -> bool:
        time.sleep(0.2)
        return False

    monkeypatch.setattr(hasher, "_verify", slow)
    given_up = asyncio.create_task(hasher.verify(None, "secret"))
    await asyncio.sleep(0.05)
    given_up.cancel()
    await asyncio.sleep(0.4)
    assert hasher._mean_seconds > 0.03
