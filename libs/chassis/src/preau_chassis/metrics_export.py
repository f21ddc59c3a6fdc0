"""Hands the process's metrics to an OpenTelemetry exporter every so often, from a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics import export as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from preau_chassis import metrics
from preau_chassis.logs import get_logger

_log = get_logger("metrics")
_SCOPE = InstrumentationScope("preau")
_CUMULATIVE = otel.AggregationTemporality.CUMULATIVE
_EXPORT_SECONDS = 2
_JOIN_SECONDS = 3.0
_EXEMPLAR_NS = 60_000_000_000
"""How long an exemplar is sent again while no newer one comes: readers of the collector look less often than we send."""
_UNKNOWN: Any = None  # optional in the protocol; over a process's whole life they would say nothing


def otlp_exporter(endpoint: str) -> otel.MetricExporter:
    """To an OTLP gRPC endpoint, in the clear unless it says ``https``."""
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=_EXPORT_SECONDS)


class MetricsExport:
    """Exports until ``close``. Every process of a service says which one it is, or their sums would overwrite each other."""

    def __init__(self, exporter: otel.MetricExporter, resource: Resource, seconds: float) -> None:
        self._exporter = exporter
        self._resource = resource.merge(Resource({"service.instance.id": f"{socket.gethostname()}-{os.getpid()}"}))
        self._seconds = seconds
        self._started_ns = time.time_ns()
        self._closing = threading.Event()
        metrics.switch(on=True)
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Export once more, then stop; bounded, since a collector that is away must not hold up the exit."""
        self._closing.set()
        self._thread.join(_JOIN_SECONDS)
        self._exporter.shutdown()
        metrics.switch(on=False)

    def _run(self) -> None:
        while not self._closing.wait(self._seconds):
            self.export()
        self.export()

    def export(self) -> None:
        """Export now; a failure is logged."""
        try:
            data = list(_metrics(self._started_ns, time.time_ns()))
            metrics.begin_interval()
            if data:
                scope = otel.ScopeMetrics(_SCOPE, data, "")
                self._exporter.export(otel.MetricsData([otel.ResourceMetrics(self._resource, [scope], "")]))
        except Exception as error:  # noqa: BLE001 - the thread must live: the next export may succeed
            _log.warning("metrics.not_exported", error_type=type(error).__qualname__)


def _metrics(started_ns: int, now_ns: int) -> Iterator[otel.Metric]:
    for instrument, series in metrics.instruments():
        data: Any
        if isinstance(instrument, metrics.Counter):
            points = [_number(key, value, started_ns, now_ns) for key, value in series.items()]
            data = otel.Sum(points, _CUMULATIVE, is_monotonic=True)
        else:
            data = otel.Histogram(
                [_distribution(key, value, started_ns, now_ns) for key, value in series.items()], _CUMULATIVE
            )
        yield otel.Metric(instrument.name, instrument.description, instrument.unit, data)
    for shown, values in metrics.gauges():
        # A gauge has no beginning.
        points = [_number(key, value, 0, now_ns) for key, value in values.items()]
        yield otel.Metric(shown.name, shown.description, shown.unit, otel.Gauge(points))


def _number(key: metrics.Key, value: Any, started_ns: int, now_ns: int) -> otel.NumberDataPoint:
    return otel.NumberDataPoint(dict(key), started_ns, now_ns, value)


def _distribution(key: metrics.Key, value: Any, started_ns: int, now_ns: int) -> otel.HistogramDataPoint:
    return otel.HistogramDataPoint(
        attributes=dict(key),
        start_time_unix_nano=started_ns,
        time_unix_nano=now_ns,
        count=sum(value.counts),
        sum=value.sum,
        bucket_counts=value.counts,
        explicit_bounds=metrics.SECONDS_BOUNDS,
        min=_UNKNOWN,
        max=_UNKNOWN,
        exemplars=_exemplars(value.exemplar, now_ns),
    )


def _exemplars(kept: metrics.Exemplar | None, now_ns: int) -> list[Exemplar]:
    if kept is None or now_ns - kept.at_ns > _EXEMPLAR_NS:
        return []
    return [Exemplar({}, kept.value, kept.at_ns, span_id=kept.span_id, trace_id=kept.trace_id)]
