from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from preau_kernel.clock import FixedClock, OffsetClock, SystemClock
from preau_kernel.context import Context
from preau_kernel.errors import (
    ConflictError,
    DomainError,
    ErrorKind,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from preau_kernel.ids import TenantId, TenantSlug, UuidV7Factory, tenant_slug, uuid7

NOON = datetime(2025, 8, 20, 12, tzinfo=UTC)


def test_an_offset_clock_starts_there_and_runs_on() -> None:
    anchor = datetime.now(UTC)
    clock = OffsetClock(NOON, anchor)
    assert timedelta(0) <= clock.now() - NOON < timedelta(seconds=5)
    first = clock.now()
    time.sleep(0.01)
    assert clock.now() > first
    assert clock.now().tzinfo is UTC


def test_processes_with_one_anchor_agree() -> None:
    anchor = datetime.now(UTC) - timedelta(hours=1)
    here = OffsetClock(NOON, anchor).now()
    there = OffsetClock(NOON.astimezone(timezone(timedelta(hours=-4))), anchor).now()
    assert abs(here - there) < timedelta(seconds=1)
    assert here - NOON >= timedelta(hours=1)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        OffsetClock(NOON.replace(tzinfo=None), NOON)


def test_a_fixed_clock_moves_by_hand_only() -> None:
    clock = FixedClock(NOON)
    clock.advance(timedelta(minutes=3))
    assert clock.now() == NOON + timedelta(minutes=3)
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_uuid7_is_ordered_by_time_and_well_formed() -> None:
    first = uuid7()
    time.sleep(0.002)
    second = UuidV7Factory().new()
    assert first < second
    assert first.version == 7
    assert first.variant == "specified in RFC 4122"
    assert abs((first.int >> 80) / 1000 - time.time()) < 5
    assert len({uuid7() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["casepilote", "saint-aubin", "a1", "x" * 40])
def test_good_town_names(text: str) -> None:
    assert tenant_slug(text) == text


@pytest.mark.parametrize("text", ["", "a", "x" * 41, "-ab", "ab-", "A1", "a.b", "a*", "a>", "é1", "a b", "ab\n"])
def test_town_names_that_would_break_a_subject_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        tenant_slug(text)


def test_roles_and_households_are_required_as_said() -> None:
    caller = Context(TenantId(1), TenantSlug("casepilote"), "someone", frozenset({"guardian"}), "h1")
    caller.require_role("staff", "guardian")
    assert caller.require_household() == "h1"
    with pytest.raises(ForbiddenError):
        caller.require_role("staff")
    system = Context.system(TenantId(1), TenantSlug("casepilote"))
    system.require_role("system")
    with pytest.raises(ForbiddenError):
        system.require_household()


def test_errors_carry_kind_reason_and_facts() -> None:
    cases: list[tuple[DomainError, ErrorKind, str]] = [
        (InvalidError("BAD_DAY", "day", fact="1"), ErrorKind.INVALID, "BAD_DAY"),
        (NotFoundError(), ErrorKind.NOT_FOUND, "NOT_FOUND"),
        (PreconditionError("FULL"), ErrorKind.PRECONDITION, "FULL"),
        (ConflictError(), ErrorKind.CONFLICT, "CONFLICT"),
        (ForbiddenError(), ErrorKind.FORBIDDEN, "FORBIDDEN"),
        (UnavailableError(), ErrorKind.UNAVAILABLE, "UNAVAILABLE"),
    ]
    for error, kind, reason in cases:
        assert (error.kind, error.reason, str(error)) == (kind, reason, reason)
    assert cases[0][0].metadata == {"field": "day", "fact": "1"}
