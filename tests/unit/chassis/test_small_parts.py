from __future__ import annotations

import asyncio
import gc
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, date, datetime

import pytest
import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from preau.agenda.v1.agenda_events_pb2 import ReservationsHeld
from preau.common.v1.money_pb2 import Money as WireMoney
from preau.identity.v1.identity_events_pb2 import TenantChanged
from preau_chassis import logs
from preau_chassis.idempotency import IdempotencyKey
from preau_chassis.messaging import event_headers, event_name, subject_of
from preau_chassis.outbox import outbox_event
from preau_chassis.pagination import PageTokens, page_size
from preau_chassis.wire import (
    date_from_wire,
    date_to_wire,
    money_from_wire,
    money_to_wire,
    parse_date,
    parse_int_id,
    parse_uuid,
    timestamp_from_wire,
    timestamp_to_wire,
)
from preau_kernel.context import Context
from preau_kernel.errors import InvalidError
from preau_kernel.ids import TenantId, TenantSlug, uuid7
from preau_kernel.money import Money


@given(st.dates())
def test_days_come_back(day: date) -> None:
    assert date_from_wire(date_to_wire(day)) == day
    assert parse_date(day.isoformat()) == day


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_instants_come_back(instant: datetime) -> None:
    assert timestamp_from_wire(timestamp_to_wire(instant)) == instant


@given(st.integers(-(2**62), 2**62))
def test_amounts_come_back(cents: int) -> None:
    assert money_from_wire(money_to_wire(Money(cents))) == Money(cents)


def test_what_cannot_be_read_names_its_field() -> None:
    readers: list[tuple[Callable[[], object], str, str]] = [
        (lambda: date_from_wire(Date(year=2025, month=2, day=30), "from"), "INVALID_DATE", "from"),
        (lambda: date_from_wire(Date(year=2025), "from"), "INVALID_DATE", "from"),
        (lambda: parse_date("2025-13-01", "to"), "INVALID_DATE", "to"),
        (lambda: money_from_wire(WireMoney(minor_units=1), "total"), "INVALID_MONEY", "total"),
        (lambda: parse_uuid("x", "child_id"), "INVALID_ID", "child_id"),
        (lambda: parse_int_id("-1", "id"), "INVALID_ID", "id"),
        (lambda: parse_int_id("9" * 19, "id"), "INVALID_ID", "id"),
        (lambda: parse_int_id("²", "id"), "INVALID_ID", "id"),
    ]
    for read, reason, field in readers:
        with pytest.raises(InvalidError) as raised:
            read()
        assert (raised.value.reason, raised.value.metadata["field"]) == (reason, field)
    with pytest.raises(ValueError, match="aware"):
        timestamp_to_wire(datetime(2025, 1, 1))  # noqa: DTZ001
    assert timestamp_from_wire(Timestamp(seconds=0)).tzinfo is UTC
    assert parse_int_id("42") == 42


keysets = st.lists(st.one_of(st.text(), st.integers(), st.booleans(), st.none()), max_size=4)


@given(keysets)
def test_page_tokens_come_back(keyset: list[str | int | None]) -> None:
    tokens = PageTokens("key")
    assert tokens.read("basket:1", tokens.sign("basket:1", keyset)) == tuple(keyset)


def test_page_tokens_cannot_be_forged_or_used_elsewhere() -> None:
    tokens = PageTokens("key")
    token = tokens.sign("basket:1", ["2025-09-01", 7])
    assert tokens.read("basket:1", "") is None
    for scope, text in (
        ("basket:2", token),
        ("basket:1", token[:-2] + "AA"),
        ("basket:1", "é"),
        (
            "basket:1",
            "====",
        ),
        ("basket:1", PageTokens("other").sign("basket:1", [1])),
    ):
        with pytest.raises(InvalidError) as raised:
            tokens.read(scope, text)
        assert raised.value.reason == "INVALID_PAGE_TOKEN"


def test_page_sizes_are_bounded() -> None:
    assert [page_size(asked) for asked in (0, 1, 200, 100_000)] == [50, 1, 200, 200]
    with pytest.raises(InvalidError):
        page_size(-1)


def test_subjects_follow_from_the_type() -> None:
    assert subject_of("saint-aubin", ReservationsHeld) == "evt.saint-aubin.agenda.reservations.held.v1"
    assert (
        event_name("preau.billing.v1.FamilyAccountCredited").subject("x") == "evt.x.billing.family_account.credited.v1"
    )
    for bad in ("preau.billing.v1.Credited", "other.v1.InvoiceIssued", "preau.billing.InvoiceIssued"):
        with pytest.raises(ValueError, match="event type"):
            event_name(bad)


def test_headers_are_the_ones_consumers_know() -> None:
    event_id = uuid7()
    headers = event_headers(
        event_id=event_id,
        type_name="preau.identity.v1.TenantChanged",
        service="identity",
        tenant_id=3,
        at=datetime(2025, 8, 20, tzinfo=UTC),
        traceparent="tp",
    )
    assert headers == {
        "Nats-Msg-Id": str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-type": "preau.identity.v1.TenantChanged",
        "ce-source": "preau/identity",
        "ce-time": "2025-08-20T00:00:00+00:00",
        "preau-tenant": "3",
        "traceparent": "tp",
    }


def test_an_outbox_event_belongs_to_the_callers_town() -> None:
    caller = Context(TenantId(3), TenantSlug("saint-aubin"), "x")
    event = outbox_event(caller, TenantChanged(number=3))
    assert event.subject == "evt.saint-aubin.identity.tenant.changed.v1"
    assert event.type == "preau.identity.v1.TenantChanged"
    assert TenantChanged.FromString(event.body).number == 3
    assert event.event_id.version == 7


def test_an_idempotency_key_depends_on_the_whole_request() -> None:
    request_id = str(uuid7())
    one, same, other = (IdempotencyKey.of("M", request_id, TenantChanged(number=number)) for number in (1, 1, 2))
    assert one == same
    assert one.request_hash != other.request_hash
    with pytest.raises(InvalidError) as raised:
        IdempotencyKey.of("M", "not a uuid", TenantChanged())
    assert raised.value.reason == "INVALID_REQUEST_ID"


def logged(*, with_words: bool) -> dict[str, object]:
    output = io.StringIO()
    with redirect_stdout(output):
        logs.configure_logs("test", with_words=with_words)
        try:
            raise ValueError("Marie Dupont")
        except ValueError:
            logs.get_logger("part").exception("thing.failed", count=3, email="a@b", first_name="Marie")
    structlog.reset_defaults()
    line: dict[str, object] = json.loads(output.getvalue())
    return line


def test_log_lines_hold_only_fields_known_to_be_harmless() -> None:
    line = logged(with_words=False)
    assert (line["event"], line["count"], line["service"], line["level"]) == ("thing.failed", 3, "test", "error")
    assert line["dropped"] == ["email", "first_name"]
    assert "Marie" not in json.dumps(line)
    assert "builtins.ValueError" in str(line["exception"])


def test_what_the_event_loop_says_of_a_lost_task_holds_no_words_either() -> None:
    async def lose_a_task() -> None:
        async def fail() -> None:
            raise ValueError("Marie Dupont")

        lost = asyncio.ensure_future(fail())
        await asyncio.sleep(0)
        del lost
        gc.collect()

    output = io.StringIO()
    with redirect_stdout(output):
        logs.configure_logs("test", with_words=False)
        asyncio.run(lose_a_task())
    structlog.reset_defaults()
    line = json.loads(output.getvalue())
    assert (line["event"], line["error_type"]) == ("Task exception was never retrieved", "ValueError")
    assert "Marie" not in output.getvalue()


def test_exceptions_keep_their_words_outside_production() -> None:
    assert "Marie Dupont" in str(logged(with_words=True)["exception"])
