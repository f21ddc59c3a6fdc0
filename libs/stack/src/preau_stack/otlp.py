"""Receives spans over OTLP/gRPC, as every OpenTelemetry exporter sends them, and serves the port for metrics too."""

from __future__ import annotations

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from preau_stack.metric_store import MetricStore
from preau_stack.otlp_metrics import MetricsService
from preau_stack.otlp_values import attributes_of
from preau_stack.trace_store import Span, TraceStore

_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


class TraceService(trace_service_pb2_grpc.TraceServiceServicer):
    """Puts what arrives into the store."""

    def __init__(self, store: TraceStore) -> None:
        self._store = store

    async def Export(  # noqa: N802 - named by the protocol
        self, request: trace_service_pb2.ExportTraceServiceRequest, _context: object
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        self._store.add(
            _span(span, _service(resource.resource))
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )
        return trace_service_pb2.ExportTraceServiceResponse()


async def serve_otlp(store: TraceStore, metrics: MetricStore, address: str) -> grpc.aio.Server:
    """A started server."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(TraceService(store), server)  # type: ignore[no-untyped-call]  # generated
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(MetricsService(metrics), server)  # type: ignore[no-untyped-call]  # generated
    server.add_insecure_port(address)
    await server.start()
    return server


def _service(resource: Resource) -> str:
    return attributes_of(resource.attributes).get("service.name", "?")


def _span(span: trace_pb2.Span, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=_KINDS.get(span.kind, ""),
        service=service,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        message=span.status.message,
        attributes=attributes_of(span.attributes),
        links=tuple(link.span_id.hex() for link in span.links),
    )
