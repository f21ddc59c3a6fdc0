"""A point of a histogram leads to the trace of the slowest call behind it, on the wire as any OpenTelemetry reader takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, HistogramDataPoint
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from preau_chassis import metrics, metrics_export
from preau_chassis.metrics import histogram
from preau_chassis.metrics_export import MetricsExport
from preau_chassis.telemetry import Hop, configure_telemetry

from tests.unit.chassis.test_metrics import Kept

waits = histogram("test.waits", "s", "One wait.")


class Nowhere(SpanExporter):
    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


@dataclass
class Sent:
    """What the collector is sent, each time it is asked for."""

    kept: Kept
    export: MetricsExport

    def points(self) -> list[HistogramDataPoint]:
        self.export.export()
        request = encode_metrics(self.kept.batches[-1])
        found = request.resource_metrics[0].scope_metrics[0].metrics
        return [point for metric in found if metric.name == "test.waits" for point in metric.histogram.data_points]

    def exemplars(self) -> list[Exemplar]:
        return [exemplar for point in self.points() for exemplar in point.exemplars]


@pytest.fixture
def sent() -> Iterator[Sent]:
    tracing = configure_telemetry("test", "", 0.0, slow_seconds=0.02, exporter=Nowhere())
    kept = Kept()
    export = MetricsExport(kept, Resource({}), 300)
    yield Sent(kept, export)
    export.close()
    tracing.close()


def wait(seconds: float, trace: int, *, is_sampled: bool = True, before: Callable[[Hop], None] | None = None) -> Hop:
    """Record a wait in a trace of that number."""
    with Hop("serve", SpanKind.SERVER, f"00-{trace:032x}-{7:016x}-{int(is_sampled):02x}") as hop:
        if before is not None:
            before(hop)
        waits.record(seconds, {"kind": "long"})
    return hop


def test_the_slowest_sampled_call_of_an_interval_is_named(sent: Sent) -> None:
    began = time.time_ns()
    wait(0.2, 1)
    slowest = wait(0.4, 2)
    wait(0.3, 3)
    wait(0.9, 4, is_sampled=False)
    waits.record(0.8, {"kind": "long"})
    (point,) = sent.points()
    (exemplar,) = point.exemplars
    assert point.count == 5
    assert int.from_bytes(exemplar.trace_id) == 2
    assert int.from_bytes(exemplar.span_id) == slowest.span.get_span_context().span_id
    assert exemplar.as_double == 0.4
    assert began <= exemplar.time_unix_nano <= time.time_ns()


def test_each_series_has_one_of_its_own(sent: Sent) -> None:
    for kind, trace in (("long", 1), ("short", 2)):
        with Hop("serve", SpanKind.SERVER, f"00-{trace:032x}-{7:016x}-01"):
            waits.record(0.1, {"kind": kind})
    assert sorted(int.from_bytes(one.trace_id) for one in sent.exemplars()) == [1, 2]


def test_attributes_in_another_order_are_the_same_series_with_the_slower_of_two(sent: Sent) -> None:
    for trace, attributes in ((1, {"a": 1, "b": 2}), (2, {"b": 2, "a": 1})):
        with Hop("serve", SpanKind.SERVER, f"00-{trace:032x}-{7:016x}-01"):
            waits.record(trace / 10, attributes)
    assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [2]


def test_the_next_interval_has_the_slowest_of_its_own(sent: Sent) -> None:
    wait(0.4, 1)
    assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [1]
    wait(0.2, 2)
    assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [2]


def test_an_exemplar_is_sent_again_for_a_while_when_none_follows(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    wait(0.4, 1)
    for _ in range(2):
        wait(0.5, 2, is_sampled=False)
        assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [1]
    monkeypatch.setattr(metrics_export, "_EXEMPLAR_NS", 0)
    assert sent.exemplars() == []


def test_a_call_that_failed_or_was_slow_is_named_though_its_trace_is_not_sampled(sent: Sent) -> None:
    wait(0.1, 1, is_sampled=False, before=lambda hop: hop.fail("INTERNAL"))
    assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [1]
    wait(0.1, 2, is_sampled=False, before=lambda _: time.sleep(0.03))
    assert [int.from_bytes(one.trace_id) for one in sent.exemplars()] == [2]


def test_without_traces_there_are_none() -> None:
    kept = Kept()
    telemetry = configure_telemetry("test", "", 1.0, metrics_seconds=300, metric_exporter=kept)
    wait(0.1, 1)
    ((_, series),) = metrics.instruments()
    assert [one.exemplar for one in series.values() if isinstance(one, metrics.Distribution)] == [None]
    telemetry.close()
