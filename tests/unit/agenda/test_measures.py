"""What a change of a household counts as."""

from __future__ import annotations

from datetime import timedelta

from agenda_svc.adapters.measures import HoldGauges, TownHolds, count_change
from agenda_svc.application.ports import Change
from agenda_svc.domain.refusals import ALREADY_RESERVED, SESSION_FULL, Reason, Refusal
from agenda_svc.domain.states import Status
from agenda_svc.entrypoints.measures import count_refusals, record_confirmation
from agenda_svc.entrypoints.wire import Encoder
from preau.agenda.v1.agenda_service_pb2 import UndoBulkEntryResponse
from preau_chassis.testing import recorded_metrics

from tests.unit.agenda.town import MATIN, NOW, make_row

TOWN = {"preau.tenant": "casepilote"}
ROWS = [make_row("2025-09-01", MATIN), make_row("2025-09-02", MATIN)]


def make_change(**fields: object) -> Change:
    return Change(1, 0, NOW, **fields)  # type: ignore[arg-type]


def test_new_holds_are_bookings() -> None:
    with recorded_metrics() as recorded:
        count_change("casepilote", make_change(new_ids=[1, 2, 3]))
        count_change("casepilote", make_change(new_ids=[4]))
        count_change("saint-aubin", make_change(new_ids=[5]))
        assert recorded.value("preau.bookings", TOWN) == 4
        assert recorded.value("preau.bookings", {"preau.tenant": "saint-aubin"}) == 1


def test_rows_that_move_count_by_where_they_go() -> None:
    with recorded_metrics() as recorded:
        count_change("casepilote", make_change(moved=ROWS, moved_to=Status.CONFIRMED))
        count_change("casepilote", make_change(moved=ROWS[:1], moved_to=Status.EXPIRED))
        assert recorded.value("preau.confirmations", TOWN) == 2
        assert recorded.value("preau.holds.expired", TOWN) == 1


def test_renewing_and_cancelling_count_as_nothing() -> None:
    with recorded_metrics() as recorded:
        count_change("casepilote", make_change(moved=ROWS, moved_to=Status.HELD))
        count_change("casepilote", make_change(moved=ROWS, moved_to=Status.CANCELLED))
        for name in ("preau.bookings", "preau.confirmations", "preau.holds.expired"):
            assert recorded.attributes(name) == []


def test_refused_rows_are_counted_by_reason_and_not_by_the_facts_told_with_it() -> None:
    holidays = [Refusal(Reason.SITE_CLOSED, label="Toussaint"), Refusal(Reason.SITE_CLOSED, label="Noël")]
    with recorded_metrics() as recorded:
        refusals = [SESSION_FULL, *holidays, SESSION_FULL, ALREADY_RESERVED]
        count_refusals("casepilote", [(row.slot, refusal) for row, refusal in zip(ROWS * 3, refusals, strict=False)])
        count_refusals("casepilote", [])
        assert {
            str(each["preau.reason"]): recorded.value("preau.refusals", each)
            for each in recorded.attributes("preau.refusals")
        } == {"SESSION_FULL": 2, "SITE_CLOSED": 2, "ALREADY_RESERVED": 1}


def test_clocks_that_differ_do_not_make_a_confirmation_come_before_its_payment() -> None:
    with recorded_metrics() as recorded:
        record_confirmation("casepilote", NOW, NOW + timedelta(seconds=2))
        record_confirmation("casepilote", NOW, NOW - timedelta(seconds=1))
        assert recorded.value("preau.paid_to_confirmed", TOWN) == 2
        assert recorded.seconds("preau.paid_to_confirmed", TOWN) == 2.0


def test_hold_gauges_show_every_town_and_are_closed_with_the_process() -> None:
    gauges = HoldGauges(timedelta(minutes=1))
    with recorded_metrics() as recorded:
        assert recorded.attributes("preau.holds.open") == []
        gauges.keep([TownHolds("casepilote", 72, 8), TownHolds("saint-aubin", 0, 0)])
        assert recorded.value("preau.holds.open", TOWN) == 72
        assert recorded.value("preau.holds.expiring", TOWN) == 8
        assert {"preau.tenant": "saint-aubin"} in recorded.attributes("preau.holds.open")
        gauges.close()
        assert recorded.attributes("preau.holds.open") == []


def test_an_answer_of_the_first_time_is_made_of_nothing_that_could_be_counted() -> None:
    encode = Encoder(lambda count: UndoBulkEntryResponse(removed_count=count), UndoBulkEntryResponse.FromString)
    assert encode.result(b"") == ()

    # An attempt that was overtaken has made an answer too; what counts is the one that is given.
    first_time = UndoBulkEntryResponse(removed_count=3).SerializeToString()
    fresh = encode(3)

    assert fresh == first_time
    assert encode.result(first_time) == ()
    assert encode.result(fresh) == (3,)
