"""Every reason a refusal can carry, read from the sources. `python -m tests.contract.repo.reasons` prints docs/problems/index.md."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
INDEX = ROOT / "docs" / "problems" / "index.md"
SERVICES = {
    "chassis": "libs/chassis/src",
    "kernel": "libs/kernel/src",
    "identity": "identity-svc/src",
    "agenda": "agenda-svc/src",
    "billing": "billing-svc/src",
    "payment": "payment-gateway-svc/src",
    "gateway": "gateway/src",
}
_REASON = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_KERNEL_KINDS = {
    "InvalidError": "invalid",
    "NotFoundError": "not_found",
    "PreconditionError": "precondition",
    "ConflictError": "conflict",
    "ForbiddenError": "forbidden",
    "UnavailableError": "unavailable",
}
_KINDS = {
    "INVALID", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "EXISTS", "PRECONDITION", "CONFLICT", "QUOTA", "UNAVAILABLE", "TIMEOUT", "BUG",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A reason as one service gives it."""

    reason: str
    kind: str
    service: str
    status: int = 0
    """Of what the gateway answers without a service; else the kind's."""


@cache
def collect() -> frozenset[Found]:
    """Reasons of ``raise``, of error classes, of row refusals and of the gateway's own HTTP answers."""
    found: set[Found] = set()
    for service, folder in SERVICES.items():
        trees = [ast.parse(path.read_text()) for path in sorted((ROOT / folder).rglob("*.py"))]
        bases = _local_errors(trees)
        for tree in trees:
            found |= {Found(reason, kind, service) for reason, kind in _of_tree(tree, bases)}
            found |= {Found(reason, kind, service, status) for status, (reason, kind) in _of_table(tree).items()}
    return frozenset(found)


def _local_errors(trees: list[ast.Module]) -> dict[str, str]:
    """Kind by class name, for the error classes a service defines on top of the kernel's."""
    kinds = dict(_KERNEL_KINDS)
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(3):
        for node in classes:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in kinds:
                    kinds.setdefault(node.name, kinds[base.id])
    return kinds


def _of_tree(tree: ast.Module, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node, kinds)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _of_call(node, kinds.get(node.func.id, ""), node.func.id)


def _of_class(node: ast.ClassDef, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    if node.name == "Reason":
        for item in node.body:
            if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
                yield str(item.value.value), "precondition"
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            yield from _of_call(call, kinds.get(node.name, ""), "super")
        # A reason that is a parameter's default: the kernel's own words.
        if isinstance(call, ast.FunctionDef) and call.name == "__init__" and node.name in _KERNEL_KINDS:
            for default in call.args.defaults:
                if _is_reason(default):
                    yield str(ast.literal_eval(default)), _KERNEL_KINDS[node.name]


def _of_call(call: ast.Call, kind: str, name: str) -> Iterator[tuple[str, str]]:
    arguments = call.args
    if arguments and isinstance(arguments[0], ast.Attribute) and arguments[0].attr in _KINDS:
        kind, arguments = arguments[0].attr.lower(), arguments[1:]
    if not kind or not (name.endswith("Error") or name == "super") or not arguments:
        return
    first = arguments[0]
    for option in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
        if _is_reason(option):
            yield str(ast.literal_eval(option)), kind


def _of_table(tree: ast.Module) -> dict[int, tuple[str, str]]:
    """`_HTTP_REASONS` of the gateway: status -> (reason, kind)."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "_HTTP_REASONS":
            table: dict[int, tuple[str, str]] = ast.literal_eval(node.value) if node.value else {}
            return table
    return {}


def _is_reason(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_REASON.fullmatch(node.value))


def documented() -> dict[str, tuple[str, str, str, str]]:
    """reason -> (kinds, statuses, services, sentence) as the index says."""
    rows: dict[str, tuple[str, str, str, str]] = {}
    for line in INDEX.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            rows[cells[0].strip("`")] = (cells[1], cells[2], cells[3], cells[4])
    return rows


def rows() -> list[tuple[str, str, str, str, str]]:
    """What the index should say, by reason."""
    from gateway.lexicon import lexicon, unglued
    from gateway.problems import STATUS_OF
    from gateway.words import SENTENCES, say_reason
    from preau_kernel.errors import ErrorKind

    by_reason: dict[str, set[Found]] = {}
    for each in collect():
        by_reason.setdefault(each.reason, set()).add(each)
    table = []
    for reason in sorted(by_reason):
        kinds = sorted({each.kind for each in by_reason[reason]})
        statuses = sorted({str(each.status or STATUS_OF[ErrorKind(each.kind)]) for each in by_reason[reason]})
        services = sorted({each.service for each in by_reason[reason]})
        sentence = (
            SENTENCES[reason][0] if reason in SENTENCES else unglued(say_reason(reason, {}, lexicon("fr"), kinds[0]))
        )
        table.append((reason, ", ".join(kinds), ", ".join(statuses), ", ".join(services), sentence))
    return table


HEADER = """# Reasons

Every error answer of the JSON API carries one of these as `reason`; rows of a bulk entry that are skipped carry one too. They are API:
removing or renaming one is a breaking change. The sentence is what people read when all its facts are known; without them a shorter
one is said (`gateway/words.py`). Several statuses mean that several places use the reason. Reasons of `Reason` in agenda are given for
rows (200) and, when a single booking or cancellation is refused, with 409.

Four are given by the gateway for what never reaches a service: 400 `MALFORMED_REQUEST`, 405 `METHOD_NOT_ALLOWED`,
413 `PAYLOAD_TOO_LARGE`, 415 `UNSUPPORTED_MEDIA_TYPE`; 422 `INVALID_PAYLOAD` names the wrong fields in `errors[]`.
`INVALID_ID` of a service becomes the 404 of what the id would have named (`INVOICE_NOT_FOUND`, …), and `TOKEN_…` 503 `UNAVAILABLE`:
neither is a caller's to know.

| reason | kind | HTTP | given by | sentence |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    lines = [f"| `{reason}` | {kind} | {status} | {given} | {words} |" for reason, kind, status, given, words in rows()]
    sys.stdout.write(HEADER + "\n".join(lines) + "\n")
