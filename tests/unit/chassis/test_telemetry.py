from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from preau_chassis.telemetry import (
    Hop,
    Telemetry,
    configure_telemetry,
    current_traceparent,
    parse_traceparent,
    span,
)

SAMPLED = f"00-{1:032x}-{2:016x}-01"
UNSAMPLED = f"00-{1:032x}-{2:016x}-00"


class Collector(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: object) -> SpanExportResult:
        self.spans.extend(spans)  # type: ignore[arg-type]
        return SpanExportResult.SUCCESS


@dataclass
class Traced:
    telemetry: Telemetry
    collector: Collector

    def finish(self) -> list[ReadableSpan]:
        self.telemetry.close()
        return self.collector.spans


@pytest.fixture
def traced() -> Iterator[Traced]:
    collector = Collector()
    telemetry = configure_telemetry("test", "", 0.0, exporter=collector)
    yield Traced(telemetry, collector)
    telemetry.close()


def test_a_sampled_hop_and_its_children_are_exported_as_one_trace(traced: Traced) -> None:
    with Hop("serve", SpanKind.SERVER, SAMPLED, {"rpc.method": "m"}) as hop:
        hop.set("preau.tenant", "casepilote")
        with span("inner"):
            inside = current_traceparent()
    inner, outer = traced.finish()
    assert (outer.name, inner.name) == ("serve", "inner")
    assert outer.parent is not None
    assert outer.parent.span_id == 2
    assert inner.parent == outer.context
    assert dict(outer.attributes or {}) == {"rpc.method": "m", "preau.tenant": "casepilote"}
    assert parse_traceparent(inside) is not None
    assert f"{inner.context.span_id:016x}" in inside
    assert outer.resource.attributes["service.name"] == "test"
    assert outer.links == ()


def test_an_unsampled_hop_is_not_exported_but_its_trace_goes_on(traced: Traced) -> None:
    with Hop("serve", SpanKind.SERVER, UNSAMPLED), span("inner"):
        assert current_traceparent()[3:35] == f"{1:032x}"
        assert current_traceparent().endswith("-00")
    assert traced.finish() == []


def test_a_failed_hop_is_exported_even_when_its_trace_is_not_sampled(traced: Traced) -> None:
    with Hop("serve", SpanKind.SERVER, UNSAMPLED) as hop:
        hop.fail("INTERNAL", ValueError("a person's name"))
    (kept,) = traced.finish()
    assert kept.context is not None
    assert kept.context.trace_id == 1
    assert kept.status.status_code is StatusCode.ERROR
    assert (kept.events[0].attributes or {})["exception.type"] == "ValueError"
    assert "name" not in str((kept.events[0].attributes or {}).values()).replace("test_name", "")


@pytest.mark.parametrize(
    ("kind", "is_kept"), [(SpanKind.SERVER, True), (SpanKind.CONSUMER, True), (SpanKind.INTERNAL, False)]
)
def test_a_slow_hop_is_exported_even_when_its_trace_is_not_sampled(kind: SpanKind, *, is_kept: bool) -> None:
    collector = Collector()
    telemetry = configure_telemetry("test", "", 0.0, slow_seconds=0.02, exporter=collector)
    with Hop("fast", kind, UNSAMPLED):
        pass
    with Hop("slow", kind, UNSAMPLED):
        time.sleep(0.03)
    telemetry.close()
    assert [each.name for each in collector.spans] == ["slow"] * is_kept


def test_a_message_is_child_of_its_sender_and_linked_to_it(traced: Traced) -> None:
    with Hop("consume", SpanKind.CONSUMER, SAMPLED, link=True):
        pass
    (only,) = traced.finish()
    assert only.parent is not None
    assert [link.context.span_id for link in only.links] == [only.parent.span_id] == [2]


def test_the_ratio_decides_for_traces_that_start_here() -> None:
    collector = Collector()
    telemetry = configure_telemetry("test", "", 0.5, exporter=collector)
    for _ in range(400):
        with Hop("root", SpanKind.SERVER):
            pass
    telemetry.close()
    assert 120 < len(collector.spans) < 280


def test_without_an_exporter_there_is_a_trace_id_and_nothing_else() -> None:
    configure_telemetry("test", "", 1.0)
    with Hop("root", SpanKind.SERVER) as hop:
        assert current_traceparent()[3:35] == hop.trace_id
        assert not hop.span.is_recording()
    assert current_traceparent() == ""


@pytest.mark.parametrize(
    "text", ["", "x", SAMPLED[:-1], f"01{SAMPLED[2:]}", f"00-{0:032x}-{2:016x}-01", SAMPLED.replace("1", "g")]
)
def test_what_is_no_traceparent_starts_a_new_trace(text: str) -> None:
    assert parse_traceparent(text) is None
