"""The last traces of the running platform, in memory and in a file."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

_MOST_TRACES = 500
_MOST_FILE_BYTES = 64 * 1024**2
_NANOSECONDS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace, as its process told it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    is_error: bool
    message: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / _NANOSECONDS_PER_MS


@dataclass(frozen=True, slots=True)
class Row:
    """A span in its place in the waterfall; ``offset`` and ``width`` are per cent of the trace."""

    span: Span
    depth: int
    offset: float
    width: float
    starts_ms: float


class Trace:
    """All spans of one trace seen so far."""

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        self._spans: dict[str, Span] = {}

    def add(self, span: Span) -> None:
        self._spans[span.span_id] = span

    @property
    def spans(self) -> list[Span]:
        return sorted(self._spans.values(), key=lambda span: (span.start_ns, -span.end_ns))

    @property
    def root(self) -> Span:
        """The first span whose parent is unknown here."""
        return next(span for span in self.spans if span.parent_id not in self._spans)

    @property
    def services(self) -> list[str]:
        return sorted({span.service for span in self._spans.values()})

    @property
    def start_ns(self) -> int:
        return min(span.start_ns for span in self._spans.values())

    @property
    def duration_ms(self) -> float:
        return (max(span.end_ns for span in self._spans.values()) - self.start_ns) / _NANOSECONDS_PER_MS

    @property
    def has_error(self) -> bool:
        return any(span.is_error for span in self._spans.values())

    def rows(self) -> list[Row]:
        """Parents before children, in order of time; a span whose parent is missing stands at the left."""
        children: dict[str, list[Span]] = {}
        for span in self.spans:
            children.setdefault(span.parent_id if span.parent_id in self._spans else "", []).append(span)
        whole = self.duration_ms or 1.0
        rows: list[Row] = []
        waiting = [(span, 0) for span in reversed(children.get("", []))]
        while waiting:
            span, depth = waiting.pop()
            starts = (span.start_ns - self.start_ns) / _NANOSECONDS_PER_MS
            rows.append(Row(span, depth, 100 * starts / whole, 100 * span.duration_ms / whole, starts))
            waiting += [(child, depth + 1) for child in reversed(children.pop(span.span_id, []))]
        return rows

    def summary(self) -> dict[str, object]:
        """For the list."""
        root = self.root
        return {
            "trace_id": self.trace_id,
            "name": root.name,
            "service": root.service,
            "started_ns": self.start_ns,
            "duration_ms": round(self.duration_ms, 3),
            "span_count": len(self._spans),
            "services": self.services,
            "has_error": self.has_error,
        }


class TraceStore:
    """A ring of traces, the last seen last; every span also goes to a file, from which a restart reads them back."""

    def __init__(self, path: Path, most: int = _MOST_TRACES) -> None:
        self._path = path
        self._most = most
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        if path.exists():
            self._read_back()

    def add(self, spans: Iterable[Span]) -> None:
        """Keep spans; those known already are replaced."""
        lines = []
        for span in spans:
            self._keep(span)
            lines.append(json.dumps(asdict(span), separators=(",", ":")) + "\n")
        if not lines:
            return
        if self._path.exists() and self._path.stat().st_size > _MOST_FILE_BYTES:
            self._path.replace(self._path.with_suffix(".old.jsonl"))
        with self._path.open("a") as file:
            file.writelines(lines)

    def latest(self, *, errors_only: bool = False, text: str = "") -> list[Trace]:
        """Traces, latest first; ``text`` is looked for in names, services and attribute values."""
        found = [trace for trace in reversed(self._traces.values()) if trace.has_error or not errors_only]
        return [trace for trace in found if not text or _mentions(trace, text.lower())]

    def get(self, trace_id: str) -> Trace | None:
        return self._traces.get(trace_id)

    def _keep(self, span: Span) -> None:
        trace = self._traces.setdefault(span.trace_id, Trace(span.trace_id))
        self._traces.move_to_end(span.trace_id)
        trace.add(span)
        while len(self._traces) > self._most:
            self._traces.popitem(last=False)

    def _read_back(self) -> None:
        with self._path.open() as file:
            for line in deque(file, maxlen=20_000):
                try:
                    values = json.loads(line)
                except ValueError:  # cut short when the machine stopped
                    continue
                self._keep(Span(**values | {"links": tuple(values["links"])}))


def _mentions(trace: Trace, text: str) -> bool:
    return text in trace.trace_id or any(
        text in span.name.lower()
        or text in span.service
        or any(text in value.lower() for value in span.attributes.values())
        for span in trace.spans
    )
