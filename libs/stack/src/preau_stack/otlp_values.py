"""Attributes as OTLP writes them, as plain text."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, str]:
    """Names and texts of a span's, a point's or a resource's attributes."""
    return {pair.key: _text(pair.value) for pair in pairs}


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return ", ".join(_text(each) for each in value.array_value.values)
    return str(getattr(value, kind)) if kind else ""
