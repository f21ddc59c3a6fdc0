from __future__ import annotations

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from preau_chassis.metrics import counter, gauge, histogram
from preau_chassis.telemetry import configure_telemetry
from preau_stack.ports import free_ports, is_open
from preau_stack.process import ManagedProcess, wait_until_ready


@dataclass(frozen=True, slots=True)
class Receiver:
    page: str
    otlp: str


@pytest.fixture(scope="module")
def receiver(stack_folder: Path) -> Iterator[Receiver]:
    page, otlp = free_ports(2)
    environment = {
        "PREAU_LISTEN": f"127.0.0.1:{page}",
        "PREAU_OTLP_LISTEN": f"127.0.0.1:{otlp}",
        "PREAU_TRACE_DATA": str(stack_folder),
    }
    command = [sys.executable, "-m", "preau_stack.trace_receiver"]
    process = ManagedProcess("traces", command, stack_folder / "traces.log", environment=environment)
    process.start()
    try:
        wait_until_ready(process, lambda: is_open(page) and is_open(otlp), 30)
        _export(f"127.0.0.1:{otlp}", "gateway", make_span(1, 1, name="POST /api/v1/bulk-entries"))
        _export(
            f"127.0.0.1:{otlp}", "agenda", make_span(1, 2, parent=1, name="ApplyBulkEntry", tenant="<script>x</script>")
        )
        yield Receiver(f"http://127.0.0.1:{page}", f"127.0.0.1:{otlp}")
    finally:
        process.stop()


def make_span(trace: int, span: int, *, name: str, parent: int = 0, tenant: str = "casepilote") -> Span:
    return Span(
        trace_id=trace.to_bytes(16),
        span_id=span.to_bytes(8),
        parent_span_id=parent.to_bytes(8) if parent else b"",
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=1_000_000_000 * span,
        end_time_unix_nano=1_000_000_000 * (4 - span),
        attributes=[KeyValue(key="preau.tenant", value=AnyValue(string_value=tenant))],
    )


def _export(address: str, service: str, span: Span) -> None:
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value=service))])
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=[span])])]
    )
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            request_serializer=ExportTraceServiceRequest.SerializeToString,
            response_deserializer=ExportTraceServiceResponse.FromString,
        )
        export(request, timeout=5)


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
        return str(answer.read().decode())


def test_spans_of_two_processes_make_one_trace(receiver: Receiver) -> None:
    (listed,) = json.loads(_get(f"{receiver.page}/api/traces"))["items"]
    assert listed["name"] == "POST /api/v1/bulk-entries"
    assert listed["services"] == ["agenda", "gateway"]
    trace = json.loads(_get(f"{receiver.page}/api/traces/{listed['trace_id']}"))
    assert [span["name"] for span in trace["spans"]] == ["POST /api/v1/bulk-entries", "ApplyBulkEntry"]
    assert trace["spans"][1]["parent_id"] == trace["spans"][0]["span_id"]


def test_the_page_shows_the_waterfall_and_runs_nothing_that_a_span_carries(receiver: Receiver) -> None:
    (listed,) = json.loads(_get(f"{receiver.page}/api/traces?q=bulk-entries"))["items"]
    assert f"/traces/{listed['trace_id']}" in _get(receiver.page)
    page = _get(f"{receiver.page}/traces/{listed['trace_id']}")
    assert page.index("POST /api/v1/bulk-entries") < page.index("ApplyBulkEntry")
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>" not in page


def test_what_a_process_measures_is_there_for_prometheus_and_for_people(receiver: Receiver) -> None:
    entries = counter("preau.bookings", "{reservation}", "Booked.")
    waits = histogram("preau.event_loop.lag", "s", "Late.")
    telemetry = configure_telemetry("agenda", f"http://{receiver.otlp}", 0.0, metrics_seconds=60)
    depth = gauge("preau.outbox.age", "s", "Age.", lambda: [(1.5, {})])
    entries.add(3, {"preau.tenant": "<script>x</script>"})
    waits.record(0.3)
    telemetry.close()
    depth.close()
    lines = _get(f"{receiver.page}/metrics").splitlines()
    process = f'service_instance_id="{socket.gethostname()}-{os.getpid()}",service_name="agenda"'
    assert f'preau_bookings_total{{preau_tenant="<script>x</script>",{process}}} 3' in lines
    assert f"preau_outbox_age_seconds{{{process}}} 1.5" in lines
    assert f'preau_event_loop_lag_seconds_bucket{{{process},le="0.25"}} 0' in lines
    assert f'preau_event_loop_lag_seconds_bucket{{{process},le="0.5"}} 1' in lines
    page = _get(f"{receiver.page}/series?q=bookings")
    assert "preau_bookings_total" in page
    assert "preau_outbox_age" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>" not in page
    assert 'href="/series"' in _get(receiver.page)


def test_an_unknown_trace_is_not_found(receiver: Receiver) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        _get(f"{receiver.page}/traces/feed")
    assert refused.value.code == HTTPStatus.NOT_FOUND
    refused.value.close()
