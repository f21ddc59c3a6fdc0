"""What a PromQL expression asks for: its metrics with the labels they are selected by, and every label it groups by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]|\$__rate_interval")
_CLAUSE = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SELECTION = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^{}]*)\}")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_WORDS = {
    "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset",
    "sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile", "sort", "sort_desc",
    "rate", "increase", "vector", "time", "floor", "histogram_quantile",
    "avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "quantile_over_time",
}  # fmt: skip


@dataclass(slots=True)
class Asked:
    """``metrics``: each with the labels it is selected by. ``grouping``: labels of by, on and the like."""

    metrics: dict[str, set[str]] = field(default_factory=dict)
    grouping: set[str] = field(default_factory=set)


def asked(expr: str) -> Asked:
    """What ``expr`` asks for. It has been read by promtool before: nothing here judges syntax."""
    found = Asked()
    text = _RANGE.sub(" ", _STRING.sub('""', expr))
    for clause in _CLAUSE.finditer(text):
        found.grouping |= set(_NAME.findall(clause[2]))
    text = _CLAUSE.sub(" ", text)
    for selection in _SELECTION.finditer(text):
        if not selection[1]:
            raise ValueError(f"a selection without a metric's name: {expr}")
        found.metrics.setdefault(selection[1], set()).update(_LABEL.findall(selection[2]))
    text = _SELECTION.sub(" ", text)
    for name in _bare(text):
        found.metrics.setdefault(name, set())
    return found


def _bare(text: str) -> Iterator[str]:
    for word in _NAME.finditer(text):
        # 1d after offset, 14.4 and the like are numbers, not names.
        if word[0] not in _WORDS and not text[word.start() - 1 : word.start()].isdigit():
            yield word[0]
