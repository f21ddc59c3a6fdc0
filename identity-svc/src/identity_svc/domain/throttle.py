"""How guessing is slowed down: a few free attempts, then waits that double, up to a cap.

The cap is low on purpose: an attacker who hammers a name must not keep its owner out. An address from which the owner
signed in lately also has a counter of its own for that name (see ``application/attempts.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """``free_attempts`` within ``window`` cost nothing; the last of them starts a wait of ``first_wait``."""

    free_attempts: int
    window: timedelta
    first_wait: timedelta
    longest_wait: timedelta


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """Attempts on one key since the last quiet ``window``."""

    attempts: int
    window_started_at: datetime
    blocked_until: datetime | None = None


SIGN_IN_BY_ACCOUNT = ThrottlePolicy(5, timedelta(minutes=15), timedelta(minutes=1), timedelta(minutes=15))
# A school, a library or a mobile operator is one address to many families, and attempts count until they succeed.
SIGN_IN_BY_ADDRESS = ThrottlePolicy(100, timedelta(minutes=15), timedelta(minutes=1), timedelta(minutes=15))
RESET_BY_ACCOUNT = ThrottlePolicy(3, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
RESET_BY_ADDRESS = ThrottlePolicy(20, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))


CLOCKS_DIFFER_BY = timedelta(minutes=1)


def fresh_counter(now: datetime) -> AttemptCounter:
    return AttemptCounter(0, now)


def blocked_until(counter: AttemptCounter, now: datetime) -> datetime | None:
    """The end of the present wait, if there is one."""
    if _was_set_back(counter, now):
        return None
    if counter.blocked_until is not None and counter.blocked_until > now:
        return counter.blocked_until
    return None


def register_attempt(counter: AttemptCounter, policy: ThrottlePolicy, now: datetime) -> AttemptCounter:
    """Count one attempt before its outcome is known, so that parallel guesses cannot slip through."""
    quiet_since = max(counter.window_started_at, counter.blocked_until or counter.window_started_at)
    if quiet_since + policy.window <= now or _was_set_back(counter, now):
        counter = fresh_counter(now)
    attempts = counter.attempts + 1
    wait = wait_after(attempts, policy)
    return AttemptCounter(attempts, counter.window_started_at, now + wait if wait else None)


def _was_set_back(counter: AttemptCounter, now: datetime) -> bool:
    # A little ahead is no sign of it: another replica's clock, or an attempt that began first and is counted second.
    return counter.window_started_at > now + CLOCKS_DIFFER_BY


def wait_after(attempts: int, policy: ThrottlePolicy) -> timedelta:
    """Nothing below the free attempts, then 1, 2, 4… times the first wait, capped."""
    excess = attempts - policy.free_attempts
    if excess < 0:
        return timedelta(0)
    # A cap on the exponent keeps the product a sane number.
    return min(policy.first_wait * float(2 ** min(excess, 20)), policy.longest_wait)


def forgive_attempt(counter: AttemptCounter, policy: ThrottlePolicy) -> AttemptCounter:
    """Take back one attempt that succeeded: a school's shared address is not punished for its honest users."""
    attempts = max(counter.attempts - 1, 0)
    is_blocking = attempts >= policy.free_attempts
    return replace(counter, attempts=attempts, blocked_until=counter.blocked_until if is_blocking else None)
