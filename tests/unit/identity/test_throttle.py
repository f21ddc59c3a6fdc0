from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity_svc.application.attempts import address_key
from identity_svc.domain.throttle import (
    SIGN_IN_BY_ACCOUNT,
    SIGN_IN_BY_ADDRESS,
    AttemptCounter,
    ThrottlePolicy,
    blocked_until,
    forgive_attempt,
    fresh_counter,
    register_attempt,
    wait_after,
)

NOW = datetime(2025, 9, 1, 8, tzinfo=UTC)


def after(attempts: int, policy: ThrottlePolicy = SIGN_IN_BY_ACCOUNT) -> AttemptCounter:
    counter = fresh_counter(NOW)
    for _ in range(attempts):
        counter = register_attempt(counter, policy, NOW)
    return counter


def test_four_failures_cost_nothing_and_the_fifth_starts_a_minute() -> None:
    assert blocked_until(after(4), NOW) is None
    assert blocked_until(after(5), NOW) == NOW + timedelta(minutes=1)


def test_the_hundredth_attempt_of_an_address_starts_a_minute() -> None:
    assert blocked_until(after(99, SIGN_IN_BY_ADDRESS), NOW) is None
    assert blocked_until(after(100, SIGN_IN_BY_ADDRESS), NOW) == NOW + timedelta(minutes=1)


def test_waits_double_up_to_a_cap() -> None:
    minutes = [wait_after(attempts, SIGN_IN_BY_ACCOUNT) / timedelta(minutes=1) for attempts in range(4, 12)]
    assert minutes == [0, 1, 2, 4, 8, 15, 15, 15]


@given(st.integers(min_value=0, max_value=10**9))
def test_no_number_of_attempts_keeps_the_owner_out_longer_than_the_cap(attempts: int) -> None:
    assert wait_after(attempts, SIGN_IN_BY_ACCOUNT) <= timedelta(minutes=15)


def test_a_wait_ends() -> None:
    counter = after(5)
    assert blocked_until(counter, NOW + timedelta(seconds=59)) is not None
    assert blocked_until(counter, NOW + timedelta(seconds=60)) is None


def test_failures_are_forgotten_after_a_quiet_window() -> None:
    later = NOW + timedelta(minutes=17)
    counter = register_attempt(after(5), SIGN_IN_BY_ACCOUNT, later)
    assert (counter.attempts, counter.window_started_at, counter.blocked_until) == (1, later, None)


def test_an_attempt_right_after_a_wait_starts_a_longer_one() -> None:
    counter = register_attempt(after(5), SIGN_IN_BY_ACCOUNT, NOW + timedelta(minutes=1))
    assert counter.blocked_until == NOW + timedelta(minutes=3)


def test_a_clock_set_back_locks_nobody_out() -> None:
    earlier = NOW - timedelta(days=400)
    assert blocked_until(after(9), earlier) is None
    assert register_attempt(after(9), SIGN_IN_BY_ACCOUNT, earlier).attempts == 1


def test_an_attempt_that_began_first_and_is_counted_second_neither_slips_through_nor_begins_anew() -> None:
    earlier = NOW - timedelta(seconds=3)
    assert blocked_until(after(5), earlier) is not None
    assert register_attempt(after(3), SIGN_IN_BY_ACCOUNT, earlier).attempts == 4


def test_success_takes_an_address_s_attempt_back_and_frees_it() -> None:
    counter = forgive_attempt(after(SIGN_IN_BY_ADDRESS.free_attempts, SIGN_IN_BY_ADDRESS), SIGN_IN_BY_ADDRESS)
    assert (counter.attempts, blocked_until(counter, NOW)) == (SIGN_IN_BY_ADDRESS.free_attempts - 1, None)


def test_success_does_not_free_an_address_that_others_abuse() -> None:
    counter = forgive_attempt(after(SIGN_IN_BY_ADDRESS.free_attempts + 10, SIGN_IN_BY_ADDRESS), SIGN_IN_BY_ADDRESS)
    assert blocked_until(counter, NOW) is not None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (" unknown ", "unknown"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_is_one_address(address: str, key: str) -> None:
    assert address_key(address) == key
