"""What `preau up` says when it is ready, and the addresses other commands answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from preau_stack.demo_towns import TOWNS
from preau_stack.ports import LOOPBACK


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """Every address a person opens, by name."""
    if not ports:
        return {}
    towns = {town.slug: f"http://{town.slug}.localhost:{ports['gateway']}/" for town in TOWNS}
    return towns | {
        "gateway": f"http://{LOOPBACK}:{ports['gateway']}/",
        "simulator": f"http://{LOOPBACK}:{ports['simulator']}/",
        "traces": f"http://{LOOPBACK}:{ports['trace_page']}/",
        "metrics": f"http://{LOOPBACK}:{ports['trace_page']}/metrics",
    }


def text(ports: Mapping[str, int], data: Path, seconds: float, *, with_demo: bool, clock_start: str = "") -> str:
    """The last lines of the start."""
    places = addresses(ports)
    lines = ["", f"Préau is ready ({seconds:.1f} s).", ""]
    if with_demo:
        lines += [f"  {town.name:<12} {places[town.slug]}   {town.username} / {town.password}" for town in TOWNS]
    else:
        lines.append(f"  Gateway      {places['gateway']}")
    if clock_start:
        lines.append(f"  Clock        started at {clock_start}, and runs on")
    lines += [f"  Traces       {places['traces']}", f"  Data, logs   {data}", "", "Ctrl-C stops everything.", ""]
    return "\n".join(lines)
