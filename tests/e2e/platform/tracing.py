"""Traces as the running platform's own receiver holds them."""

from __future__ import annotations

from typing import Any

import httpx
from preau_stack.running import RunningPlatform

from tests.e2e.platform.world import eventually

Edge = tuple[str, str]


async def listed(platform: RunningPlatform, name: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        items = (await client.get(f"{platform.traces_url}/api/traces")).json()["items"]
    return [each for each in items if each["name"] == name]


async def whole_trace(platform: RunningPlatform, trace_id: str, last: str) -> dict[str, Any]:
    """The trace once nothing is added to it any more."""
    seen = -1
    trace: dict[str, Any] = {}
    async with httpx.AsyncClient(trust_env=False) as client:

        async def is_whole() -> bool:
            nonlocal seen, trace
            answer = await client.get(f"{platform.traces_url}/api/traces/{trace_id}")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return False  # its first span is still on the way
            trace = answer.json()
            before, seen = seen, trace["span_count"]
            return before == seen and last in names(trace) and not _orphans(trace)

        await eventually(is_whole)
    return trace


def _orphans(trace: dict[str, Any]) -> list[str]:
    known = {span["span_id"] for span in trace["spans"]}
    return [span["name"] for span in trace["spans"] if span["parent_id"] and span["parent_id"] not in known]


def edges(trace: dict[str, Any]) -> set[Edge]:
    """(service and kind of the parent, service and kind of the child)."""
    by_id = {span["span_id"]: span for span in trace["spans"]}
    pairs = [(by_id[span["parent_id"]], span) for span in trace["spans"] if span["parent_id"] in by_id]
    return {(f"{above['service']} {above['kind']}", f"{below['service']} {below['kind']}") for above, below in pairs}


def names(trace: dict[str, Any]) -> list[str]:
    return [span["name"] for span in sorted(trace["spans"], key=lambda span: span["start_ns"])]


def root_of(trace: dict[str, Any], span: dict[str, Any]) -> str:
    by_id = {each["span_id"]: each for each in trace["spans"]}
    while span["parent_id"] in by_id:
        span = by_id[span["parent_id"]]
    return str(span["span_id"])
