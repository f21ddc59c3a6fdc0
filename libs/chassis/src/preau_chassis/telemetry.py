"""Few spans, written by hand: one per process hop. Nothing is patched; what is not sampled costs next to nothing.

Metrics are set up here too; ``metrics`` holds the instruments.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextvars import Token
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes, AttributeValue

from preau_chassis.spans import Exporting, LightSpan

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter

    from preau_chassis.metrics_export import MetricsExport

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSAMPLED = TraceFlags(TraceFlags.DEFAULT)
_TRACEPARENT_LENGTH = 55
_TRACE_ID_LIMIT = TraceIdRatioBased.TRACE_ID_LIMIT
_FLUSH_MILLIS = 2_000


@dataclass(slots=True)
class _State:
    """The process's telemetry; ``exporting`` and ``metrics`` are ``None`` when it goes nowhere."""

    exporting: Exporting | None = None
    metrics: MetricsExport | None = None
    bound: int = 0


_state = _State()


class Telemetry:
    """The process's tracing and metrics, set up once by ``configure_telemetry`` and closed at the end."""

    def close(self) -> None:
        """Send what is still waiting; bounded, since a collector that is away must not hold up the exit."""
        exporting, _state.exporting = _state.exporting, None
        metrics, _state.metrics = _state.metrics, None
        if exporting is not None:
            exporting.processor.force_flush(_FLUSH_MILLIS)
            exporting.processor.shutdown()
        if metrics is not None:
            metrics.close()


def configure_telemetry(
    service: str,
    endpoint: str,
    ratio: float,
    *,
    version: str = "",
    slow_seconds: float = 1.0,
    metrics_seconds: float = 10.0,
    exporter: SpanExporter | None = None,
    metric_exporter: MetricExporter | None = None,
) -> Telemetry:
    """Start tracing and metrics to the OTLP gRPC ``endpoint``, or not at all when it is empty and no exporter is given.

    ``ratio`` decides for traces that start in this process; a trace that arrives keeps its sender's decision, but what
    failed or took longer than ``slow_seconds`` is always told. Metrics go every ``metrics_seconds``; 0 is never.
    """
    Telemetry().close()
    if exporter is None and endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=2)
    _state.bound = TraceIdRatioBased.get_bound_for_rate(ratio)
    resource = Resource({"service.name": service, "service.namespace": "preau", "service.version": version})
    if exporter is not None:
        processor = BatchSpanProcessor(exporter, schedule_delay_millis=1_000, max_export_batch_size=512)
        _state.exporting = Exporting(processor, resource, slow_ns=int(slow_seconds * 1e9))
    if metrics_seconds > 0 and (metric_exporter is not None or endpoint):
        from preau_chassis.metrics_export import MetricsExport, otlp_exporter

        _state.metrics = MetricsExport(metric_exporter or otlp_exporter(endpoint), resource, metrics_seconds)
    return Telemetry()


def parse_traceparent(text: str) -> SpanContext | None:
    """The remote parent a ``traceparent`` names (W3C Trace Context), or ``None`` when it is not one."""
    if len(text) != _TRACEPARENT_LENGTH or text[:3] != "00-":
        return None
    try:
        flags = TraceFlags(int(text[53:55], 16))
        context = SpanContext(int(text[3:35], 16), int(text[36:52], 16), is_remote=True, trace_flags=flags)
    except ValueError:
        return None
    return context if context.is_valid else None


def current_traceparent() -> str:
    """The current position in the trace, to be sent along; empty outside a trace."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(position: Span) -> str:
    """The position of one span, to be sent along."""
    context = position.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def start_span(
    name: str, kind: SpanKind, parent: SpanContext | None, attributes: Attributes = None, *, link: bool = False
) -> LightSpan:
    """A span under ``parent``, or the root of a new trace. ``link`` also links it to its parent (messages)."""
    if parent is None or not parent.is_valid:
        parent = None
        trace_id = random.getrandbits(128) or 1
        flags = _SAMPLED if trace_id & _TRACE_ID_LIMIT < _state.bound else _UNSAMPLED
    else:
        trace_id = parent.trace_id
        flags = parent.trace_flags
    context = SpanContext(trace_id, random.getrandbits(64) or 1, is_remote=False, trace_flags=flags)
    links = (Link(parent),) if link and parent is not None else ()
    return LightSpan(name, context, parent, kind, attributes, links, _state.exporting)


class Hop:
    """One process hop of a trace: an RPC served, a message handled, a page rendered.

    ``fail`` marks it as gone wrong on our side. Then, or when it was slow, it is exported even if its trace is not sampled.
    """

    __slots__ = ("_token", "span")

    def __init__(
        self, name: str, kind: SpanKind, traceparent: str = "", attributes: Attributes = None, *, link: bool = False
    ) -> None:
        parent = parse_traceparent(traceparent) if traceparent else None
        self.span = start_span(name, kind, parent, attributes, link=link)
        self._token: Token[otel_context.Context] | None = None

    def __enter__(self) -> Self:
        self._token = otel_context.attach(trace.set_span_in_context(self.span))
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            otel_context.detach(self._token)
        self.span.end()

    @property
    def trace_id(self) -> str:
        """The trace's id in hex."""
        return f"{self.span.get_span_context().trace_id:032x}"

    def set(self, key: str, value: AttributeValue) -> None:
        """Add an attribute."""
        self.span.set_attribute(key, value)

    def fail(self, description: str, error: BaseException | None = None) -> None:
        """Mark the hop as failed by us, with the type and stack of what was raised."""
        if error is not None:
            self.span.record_exception(error)
        self.span.set_status(Status(StatusCode.ERROR, description))


@contextlib.contextmanager
def span(name: str, attributes: Attributes = None, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A child of the current span while that one is being recorded; otherwise nothing at all."""
    parent = trace.get_current_span()
    if not parent.is_recording():
        yield parent
        return
    child = start_span(name, kind, parent.get_span_context(), attributes)
    token = otel_context.attach(trace.set_span_in_context(child))
    try:
        yield child
    except Exception as error:
        child.record_exception(error)
        raise
    finally:
        otel_context.detach(token)
        child.end()


def current_recording() -> SpanContext | None:
    """The current span when it is being recorded: what a driver needs to decide whether to make a child."""
    position = trace.get_current_span()
    return position.get_span_context() if position.is_recording() else None
