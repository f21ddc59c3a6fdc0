"""The code that runs: every member's modules, parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = {
    "libs/kernel/src": "", "libs/chassis/src": "", "libs/stack/src": "stack",
    "identity-svc/src": "identity", "agenda-svc/src": "agenda", "billing-svc/src": "billing",
    "payment-gateway-svc/src": "payment", "gateway/src": "gateway",
}  # fmt: skip
"""Each folder of sources, and the one service that is made of it; empty for what several share."""


@dataclass(frozen=True, slots=True)
class Source:
    """One module."""

    path: str
    service: str
    tree: ast.Module


@cache
def sources() -> tuple[Source, ...]:
    return tuple(_sources())


def _sources() -> Iterator[Source]:
    for folder, service in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            yield Source(name, service, ast.parse(path.read_text(), name))


def text_of(node: ast.expr | None) -> str | None:
    """The text of a literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def called(call: ast.Call) -> str:
    """The last part of what is called: ``b`` of ``a.b(...)``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
