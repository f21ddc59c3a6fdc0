"""The last value of each of the platform's series, and how Prometheus writes them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

_FORGET_SECONDS = 300.0
_MOST_SERIES = 50_000
_UNITS = {"s": "seconds"}

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram's values; ``counts`` has one more than ``bounds``, for what lies above the last."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> Iterable[tuple[str, int]]:
        """Each upper bound, and how many values were not above it."""
        total = 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            total += count
            yield ("+Inf" if bound is None else f"{bound:g}"), total

    def quantile(self, share: float) -> str:
        """The smallest bound that ``share`` of the values do not exceed."""
        return next((bound for bound, total in self.cumulative() if total >= share * self.count), "+Inf")


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with one set of labels, as its process last told it. ``seen`` is monotonic."""

    name: str
    kind: Kind
    unit: str
    description: str
    labels: tuple[tuple[str, str], ...]
    value: float | Distribution
    seen: float

    @property
    def prometheus_name(self) -> str:
        return prometheus_name(self.name, self.kind, self.unit)


class MetricStore:
    """Series in memory. Those of a process that has gone are forgotten after five minutes."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], Series] = {}

    def add(self, series: Iterable[Series]) -> None:
        """Keep these, in place of what was known of the same labels."""
        for each in series:
            if len(self._series) < _MOST_SERIES or (each.name, each.labels) in self._series:
                self._series[each.name, each.labels] = each

    def latest(self) -> list[Series]:
        """What is known, in order of names and labels."""
        oldest = time.monotonic() - _FORGET_SECONDS
        for key in [key for key, series in self._series.items() if series.seen < oldest]:
            del self._series[key]
        return [self._series[key] for key in sorted(self._series)]


def prometheus_name(name: str, kind: Kind, unit: str) -> str:
    """The name the collector's Prometheus exporter gives: underscores, the unit, ``_total`` on counters."""
    words = name.replace(".", "_")
    suffix = _UNITS.get(unit, "")
    if suffix and not words.endswith(f"_{suffix}"):
        words = f"{words}_{suffix}"
    return f"{words}_total" if kind == "counter" and not words.endswith("_total") else words


def prometheus_text(series: Iterable[Series]) -> str:
    """Prometheus' text format 0.0.4."""
    lines: list[str] = []
    for name, alike in groupby(sorted(series, key=_order), key=lambda each: each.prometheus_name):
        members = list(alike)
        lines += [f"# HELP {name} {_help(members[0].description)}", f"# TYPE {name} {members[0].kind}"]
        for each in members:
            lines += _samples(name, each)
    return "".join(f"{line}\n" for line in lines)


def _order(series: Series) -> tuple[str, tuple[tuple[str, str], ...]]:
    return series.prometheus_name, series.labels


def _samples(name: str, series: Series) -> list[str]:
    labels = dict(series.labels)
    value = series.value
    if not isinstance(value, Distribution):
        return [f"{name}{_labels(labels)} {_number(value)}"]
    lines = [f"{name}_bucket{_labels(labels | {'le': bound})} {count}" for bound, count in value.cumulative()]
    return [*lines, f"{name}_sum{_labels(labels)} {_number(value.sum)}", f"{name}_count{_labels(labels)} {value.count}"]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name.replace(".", "_")}="{_quoted(text)}"' for name, text in labels.items())
    return f"{{{','.join(pairs)}}}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
