"""Receives metrics over OTLP/gRPC, as every OpenTelemetry exporter sends them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics

from preau_stack.metric_store import Distribution, Kind, MetricStore, Series
from preau_stack.otlp_values import attributes_of

# Of what a process says about itself, what tells its series from those of others.
_OF_RESOURCE = ("service.name", "service.instance.id")


class MetricsService(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Puts what arrives into the store."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store

    async def Export(  # noqa: N802 - named by the protocol
        self, request: metrics_service_pb2.ExportMetricsServiceRequest, _context: object
    ) -> metrics_service_pb2.ExportMetricsServiceResponse:
        for resource in request.resource_metrics:
            self._store.add(_series(resource))
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _series(resource: ResourceMetrics) -> Iterator[Series]:
    known = attributes_of(resource.resource.attributes)
    process = {name: known.get(name, "") for name in _OF_RESOURCE}
    now = time.monotonic()
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for kind, point, value in _points(metric):
                labels = attributes_of(point.attributes) | process
                yield Series(
                    metric.name, kind, metric.unit, metric.description, tuple(sorted(labels.items())), value, now
                )


def _points(metric: Metric) -> Iterator[tuple[Kind, Any, float | Distribution]]:
    """The points of the kinds of metric the platform writes."""
    match metric.WhichOneof("data"):
        case "sum":
            for number in metric.sum.data_points:
                yield ("counter" if metric.sum.is_monotonic else "gauge"), number, _number(number)
        case "gauge":
            for number in metric.gauge.data_points:
                yield "gauge", number, _number(number)
        case "histogram":
            for point in metric.histogram.data_points:
                yield (
                    "histogram",
                    point,
                    Distribution(tuple(point.explicit_bounds), tuple(point.bucket_counts), point.sum),
                )


def _number(point: Any) -> float:
    return float(point.as_double if point.WhichOneof("value") == "as_double" else point.as_int)
