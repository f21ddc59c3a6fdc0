from datetime import UTC, datetime, timedelta

from identity_svc.domain.keys import (
    KeyPeriod,
    next_key_from,
    published_keys,
    rotation_due,
    signing_key,
    unpublished_keys,
)
from identity_svc.domain.sessions import SessionPolicy

NOW = datetime(2025, 9, 1, 8, tzinfo=UTC)
OLD = KeyPeriod("old", NOW - timedelta(days=40))
CURRENT = KeyPeriod("current", NOW - timedelta(days=10))
NEXT = KeyPeriod("next", NOW + timedelta(minutes=10))


def test_the_latest_key_whose_time_has_come_signs() -> None:
    assert signing_key([NEXT, OLD, CURRENT], NOW) is CURRENT
    assert signing_key([NEXT, OLD, CURRENT], NOW + timedelta(minutes=10)) is NEXT
    assert signing_key([NEXT], NOW) is None


def test_a_key_to_come_is_published_and_a_dead_one_is_not() -> None:
    assert published_keys([NEXT, OLD, CURRENT], NOW) == [CURRENT, NEXT]
    assert unpublished_keys([NEXT, OLD, CURRENT], NOW) == [OLD]


def test_the_old_key_is_published_until_its_last_token_has_ended() -> None:
    switched = NOW + timedelta(minutes=10)
    assert CURRENT in published_keys([CURRENT, NEXT], switched + timedelta(minutes=5))
    assert published_keys([CURRENT, NEXT], switched + timedelta(minutes=7)) == [NEXT]


def test_without_a_key_nothing_is_published_and_one_signs_at_once() -> None:
    assert published_keys([], NOW) == []
    assert next_key_from([], NOW) == NOW


def test_with_only_keys_to_come_one_signs_at_once() -> None:
    assert next_key_from([NEXT], NOW) == NOW


def test_a_young_key_needs_no_successor_unless_forced() -> None:
    assert next_key_from([CURRENT], NOW) is None
    assert next_key_from([CURRENT], NOW, force=True) == NOW + timedelta(minutes=10)


def test_a_key_of_thirty_days_gets_a_successor_published_ten_minutes_before_use() -> None:
    born = KeyPeriod("born", NOW)
    due = NOW + timedelta(days=30) - timedelta(minutes=10)
    assert next_key_from([born], due - timedelta(seconds=1)) is None
    assert next_key_from([born], due) == NOW + timedelta(days=30)


def test_the_newest_key_tells_when_the_next_one_is_due() -> None:
    assert rotation_due([OLD, CURRENT]) == NOW + timedelta(days=20)
    assert rotation_due([NEXT, OLD, CURRENT]) == NOW + timedelta(days=30, minutes=10)
    assert rotation_due([]) is None


def test_one_successor_is_enough() -> None:
    assert next_key_from([OLD, NEXT], NOW, force=True) is None


def test_a_session_slides_but_not_past_its_end() -> None:
    policy = SessionPolicy(timedelta(hours=2), timedelta(hours=12))
    assert policy.expires_at(NOW, NOW) == NOW + timedelta(hours=2)
    assert policy.expires_at(NOW, NOW + timedelta(hours=1)) == NOW + timedelta(hours=3)
    assert policy.expires_at(NOW, NOW + timedelta(hours=11)) == NOW + timedelta(hours=12)
