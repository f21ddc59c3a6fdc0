"""What the JSON API makes of a compact bulk entry, and how it writes instants."""

from __future__ import annotations

from datetime import date

from gateway.api import mapping
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from preau.agenda.v1 import agenda_service_pb2 as agenda

NANOS = st.one_of(st.just(0), st.integers(0, 999).map(lambda n: n * 1_000_000), st.integers(0, 999_999_999))


@given(st.integers(1, 253_402_300_799), NANOS)
def test_an_instant_is_written_as_protobuf_writes_it(seconds: int, nanos: int) -> None:
    message = Timestamp(seconds=seconds, nanos=nanos)

    assert mapping.instant(message) == message.ToJsonString()


def test_no_instant_is_empty() -> None:
    assert mapping.instant(Timestamp()) == ""


def test_skipped_days_become_rows_by_child_then_day_then_activity() -> None:
    def group(child: str, activity: str, *days: date) -> agenda.SkippedDays:
        return agenda.SkippedDays(
            child_id=child,
            activity_id=activity,
            days=[(day - date(1970, 1, 1)).days for day in days],
            refusal=agenda.Refusal(reason="SITE_CLOSED"),
        )

    first, second = date(2025, 10, 20), date(2025, 10, 21)
    groups = [group("b", "meal", first, second), group("b", "care", first), group("a", "meal", first)]

    rows = mapping.skipped_days(groups)

    assert [(row.child_id, row.day, row.activity_id) for row in rows] == [
        ("b", first, "meal"),
        ("b", first, "care"),
        ("b", second, "meal"),
        ("a", first, "meal"),
    ]
    assert {row.reason for row in rows} == {"SITE_CLOSED"}
