from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from preau_stack.metric_store import Distribution, MetricStore, Series, prometheus_name, prometheus_text

METRICS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[3] / "docs/telemetry/metrics.yaml").read_text())[
    "metrics"
]
BOOKED = Series(
    "preau.bookings", "counter", "{reservation}", "Booked.",
    (("preau.tenant", "casepilote"), ("service.name", "agenda")), 3.0, 0.0,
)  # fmt: skip


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric["name"])
def test_every_metric_has_the_name_that_dashboards_ask_for(metric: dict[str, Any]) -> None:
    assert prometheus_name(metric["name"], metric["kind"], metric["unit"]) == metric["prometheus"]


def test_a_counter_is_written_with_its_labels() -> None:
    assert prometheus_text([BOOKED]).splitlines() == [
        "# HELP preau_bookings_total Booked.",
        "# TYPE preau_bookings_total counter",
        'preau_bookings_total{preau_tenant="casepilote",service_name="agenda"} 3',
    ]


def test_buckets_of_a_histogram_add_up() -> None:
    naps = replace(
        BOOKED, name="naps", kind="histogram", unit="s", labels=(), value=Distribution((0.25, 1.0), (2, 3, 1), 4.5)
    )
    assert prometheus_text([naps]).splitlines()[1:] == [
        "# TYPE naps_seconds histogram",
        'naps_seconds_bucket{le="0.25"} 2',
        'naps_seconds_bucket{le="1"} 5',
        'naps_seconds_bucket{le="+Inf"} 6',
        "naps_seconds_sum 4.5",
        "naps_seconds_count 6",
    ]
    assert isinstance(naps.value, Distribution)
    assert naps.value.quantile(0.5) == "1"
    assert naps.value.quantile(0.95) == "+Inf"


def test_what_a_label_holds_cannot_break_the_line() -> None:
    text = prometheus_text([replace(BOOKED, labels=(("town", 'a"b\\c\nd'),))])
    assert text.splitlines()[2] == 'preau_bookings_total{town="a\\"b\\\\c\\nd"} 3'


def test_series_of_one_name_share_one_heading() -> None:
    other = replace(BOOKED, labels=(("preau.tenant", "petit-val"),))
    assert prometheus_text([BOOKED, other]).count("# TYPE") == 1


def test_the_last_word_of_each_process_is_kept() -> None:
    store = MetricStore()
    booked = replace(BOOKED, seen=time.monotonic())
    elsewhere = replace(booked, labels=(*BOOKED.labels, ("service.instance.id", "two")))
    store.add([booked, elsewhere])
    store.add([replace(booked, value=4.0)])
    assert [each.value for each in store.latest()] == [4.0, 3.0]


def test_the_series_of_a_process_that_has_gone_are_forgotten() -> None:
    store = MetricStore()
    now = time.monotonic()
    store.add([replace(BOOKED, seen=now - 301), replace(BOOKED, labels=(), seen=now)])
    assert [each.labels for each in store.latest()] == [()]
