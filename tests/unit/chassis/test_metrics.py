from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from preau_chassis import metrics
from preau_chassis.metrics import SECONDS_BOUNDS, counter, gauge, histogram
from preau_chassis.telemetry import configure_telemetry
from preau_chassis.testing import Recorded, recorded_metrics

sweets = counter("test.sweets", "{sweet}", "Sweets eaten.")
naps = histogram("test.naps", "s", "One nap.")


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recorded_metrics() as kept:
        yield kept


class Kept(MetricExporter):
    """Keeps what it is given; says that it cannot when told to."""

    def __init__(self, *, is_broken: bool = False) -> None:
        super().__init__()
        self.batches: list[MetricsData] = []
        self.is_closed = False
        self._is_broken = is_broken
        self.came = threading.Event()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: object) -> MetricExportResult:
        self.batches.append(metrics_data)
        if len(self.batches) > 1:
            self.came.set()
        if self._is_broken:
            raise OSError("the collector is away")
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: object) -> None:
        self.is_closed = True


def test_a_counter_adds_up_for_each_set_of_attributes_whatever_their_order(recorded: Recorded) -> None:
    sweets.add(2, {"kind": "mint", "colour": "green"})
    sweets.add(3, {"colour": "green", "kind": "mint"})
    sweets.add(1, {"kind": "toffee", "colour": "brown"})
    assert recorded.value("test.sweets", {"kind": "mint", "colour": "green"}) == 5
    assert recorded.value("test.sweets", {"kind": "toffee", "colour": "brown"}) == 1
    assert len(recorded.attributes("test.sweets")) == 2


def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed(recorded: Recorded) -> None:
    for seconds in (0.0, 1.0, 1.01, 60.0, 61.0):
        naps.record(seconds)
    ((_, series),) = metrics.instruments()
    (distribution,) = series.values()
    assert isinstance(distribution, metrics.Distribution)
    filled = {bound: count for bound, count in zip((*SECONDS_BOUNDS, None), distribution.counts, strict=True) if count}
    assert filled == {0.005: 1, 1.0: 1, 2.5: 1, 60.0: 1, None: 1}
    assert recorded.value("test.naps") == 5
    assert recorded.seconds("test.naps") == pytest.approx(123.01)


def test_the_service_levels_can_be_read_at_their_bounds() -> None:
    assert {0.25, 0.5, 1, 2.5, 5, 10, 30, 60} <= set(SECONDS_BOUNDS)


def test_nothing_is_kept_while_metrics_go_nowhere() -> None:
    sweets.add(1, {"kind": "mint"})
    naps.record(1)
    with recorded_metrics() as kept:
        assert kept.attributes("test.sweets") == []
        sweets.add(1, {"kind": "mint"})
    with recorded_metrics() as kept:
        assert kept.attributes("test.sweets") == []


def test_one_name_is_one_instrument() -> None:
    assert counter("test.sweets", "{sweet}", "Again.") is sweets


def test_what_comes_in_too_many_kinds_is_counted_together(recorded: Recorded) -> None:
    for number in range(metrics.MAX_SERIES + 5):
        sweets.add(1, {"kind": str(number)})
    assert recorded.value("test.sweets", {"otel.metric.overflow": True}) == 5


def test_gauges_of_one_name_are_shown_together_until_they_are_closed(recorded: Recorded) -> None:
    first = gauge("test.depth", "m", "Depth.", lambda: [(1, {"pool": "small"}), (2, {"pool": "big"})])
    second = gauge("test.depth", "m", "Depth.", lambda: [(3, {"pool": "deep"})])
    assert [recorded.value("test.depth", {"pool": name}) for name in ("small", "big", "deep")] == [1, 2, 3]
    first.close()
    assert recorded.attributes("test.depth") == [{"pool": "deep"}]
    second.close()
    second.close()
    assert recorded.attributes("test.depth") == []


def test_a_gauge_that_cannot_be_read_leaves_the_others_alone(recorded: Recorded) -> None:
    broken = gauge("test.broken", "m", "Broken.", lambda: [(1 / 0, {})])
    whole = gauge("test.whole", "m", "Whole.", lambda: [(4, {})])
    try:
        assert recorded.value("test.whole") == 4
        assert recorded.attributes("test.broken") == []
    finally:
        broken.close()
        whole.close()


def test_several_threads_lose_no_count(recorded: Recorded) -> None:
    def eat() -> None:
        for _ in range(5_000):
            sweets.add(1, {"kind": "mint"})

    threads = [threading.Thread(target=eat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded.value("test.sweets", {"kind": "mint"}) == 20_000


def test_a_process_says_who_it_is_and_sends_once_more_at_the_end() -> None:
    exporter = Kept()
    telemetry = configure_telemetry("test", "", 0.0, metrics_seconds=300, metric_exporter=exporter)
    sweets.add(7, {"kind": "mint"})
    naps.record(0.3)
    telemetry.close()
    (batch,) = exporter.batches
    (of_process,) = batch.resource_metrics
    assert of_process.resource.attributes["service.name"] == "test"
    assert of_process.resource.attributes["service.instance.id"]
    found = {metric.name: metric for metric in of_process.scope_metrics[0].metrics}
    (sum_point,) = found["test.sweets"].data.data_points
    assert (sum_point.value, dict(sum_point.attributes)) == (7, {"kind": "mint"})  # type: ignore[union-attr, arg-type]
    assert sum_point.start_time_unix_nano <= sum_point.time_unix_nano
    (nap,) = found["test.naps"].data.data_points
    assert (nap.count, nap.sum) == (1, 0.3)  # type: ignore[union-attr]
    assert exporter.is_closed


def test_a_collector_that_is_away_does_not_end_the_exports() -> None:
    exporter = Kept(is_broken=True)
    telemetry = configure_telemetry("test", "", 0.0, metrics_seconds=0.01, metric_exporter=exporter)
    sweets.add(1)
    assert exporter.came.wait(5)
    telemetry.close()


def test_zero_seconds_is_never() -> None:
    exporter = Kept()
    telemetry = configure_telemetry("test", "", 0.0, metrics_seconds=0, metric_exporter=exporter)
    sweets.add(1)
    telemetry.close()
    assert exporter.batches == []
