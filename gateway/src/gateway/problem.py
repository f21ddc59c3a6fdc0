"""An error as people and programs are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way to a person or a program."""

    status: int
    kind: str
    reason: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    title: str = ""
    sentence: str = ""
    trace_id: str = ""
    retry_path: str = "/"
