"""The platform's own span: OpenTelemetry's interface and export, without the SDK's locks and checks on the hot path."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags, get_current_span
from opentelemetry.util.types import Attributes, AttributeValue

_SCOPE = InstrumentationScope("preau")
_HOPS = (SpanKind.SERVER, SpanKind.CONSUMER)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Exporting:
    """Where finished spans of this process go."""

    __slots__ = ("processor", "resource", "slow_ns")

    def __init__(self, processor: SpanProcessor, resource: Resource, *, slow_ns: int) -> None:
        self.processor = processor
        self.resource = resource
        self.slow_ns = slow_ns


class LightSpan(Span):
    """A span that is exported when its trace is sampled, when it failed by our own fault, or when it served too slowly."""

    __slots__ = (
        "_attributes", "_context", "_ended", "_events", "_exporting", "_kind", "_links", "_name", "_parent", "_started", "_status",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link],
        exporting: Exporting | None,
    ) -> None:
        self._name = name
        self._context = context
        self._parent = parent
        self._kind = kind
        self._attributes: dict[str, AttributeValue] = dict(attributes or ())
        self._links = links
        self._exporting = exporting
        self._events: list[Event] = []
        self._status = Status()
        self._started = time.time_ns()
        self._ended = False

    def get_span_context(self) -> SpanContext:
        return self._context

    def is_recording(self) -> bool:
        return self._exporting is not None and self._context.trace_flags.sampled and not self._ended

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self._attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        self._attributes.update(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        self._events.append(Event(name, attributes, timestamp))

    def update_name(self, name: str) -> None:
        self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self._status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002, FBT002 - OpenTelemetry's signature
    ) -> None:
        """Keep the type and the places it passed through. Its words may hold a person's data, so they stay out."""
        frames = traceback.extract_tb(exception.__traceback__)
        stack = "".join(f"{frame.filename}:{frame.lineno} {frame.name}\n" for frame in frames)
        facts: dict[str, Any] = {"exception.type": type(exception).__qualname__, "exception.stacktrace": stack}
        self.add_event("exception", {**facts, **(attributes or {})}, timestamp)

    def is_exported(self, now_ns: int) -> bool:
        """Whether it leaves the process if it ends now (or later)."""
        if self._exporting is None:
            return False
        if self._context.trace_flags.sampled or self._status.status_code is StatusCode.ERROR:
            return True
        return self._kind in _HOPS and now_ns - self._started > self._exporting.slow_ns

    def end(self, end_time: int | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        ended = end_time or time.time_ns()
        exporting = self._exporting
        if exporting is None or not self.is_exported(ended):
            return
        context = self._context
        if not context.trace_flags.sampled:
            context = SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=_SAMPLED)
        exporting.processor.on_end(
            ReadableSpan(
                name=self._name,
                context=context,
                parent=self._parent,
                resource=exporting.resource,
                attributes=self._attributes,
                events=self._events,
                links=self._links,
                kind=self._kind,
                instrumentation_scope=_SCOPE,
                status=self._status,
                start_time=self._started,
                end_time=ended,
            )
        )


def position_to_be_found() -> SpanContext | None:
    """Where in a trace the caller is, if whoever looks for that trace will find this span; else ``None``."""
    span = get_current_span()
    if isinstance(span, LightSpan) and span.is_exported(time.time_ns()):
        return span.get_span_context()
    return None
