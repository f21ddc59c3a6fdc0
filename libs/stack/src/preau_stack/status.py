"""`preau status`: what runs, where, and whether it answers."""

from __future__ import annotations

import json
from typing import Any

from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.health import is_healthy

_PORT_OF = {
    **{service: service for service in SERVICES},
    "gateway": "gateway",
    "simulator": "simulator",
    "traces": "trace_page",
    "postgres": "postgres",
    "nats": "nats",
}


def status(folder: DataFolder, *, as_json: bool) -> int:
    """Print the report; 0 when ready and everything answers, 1 otherwise, 3 when nothing runs."""
    report = gather(folder)
    if as_json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
    if not report["running"]:
        return 3
    return 0 if report["phase"] == "ready" and all(each["healthy"] for each in report["processes"].values()) else 1


def gather(folder: DataFolder) -> dict[str, Any]:
    """The report as plain data."""
    state = folder.state()
    is_running = folder.is_running()
    processes = {}
    if is_running:
        ports: dict[str, int] = state.get("ports", {})
        expected = [name for name in _PORT_OF if name in state.get("expected", state.get("processes", {}))]
        for name in expected:
            port = ports[_PORT_OF[name]]
            pid = state.get("processes", {}).get(name)
            processes[name] = {"pid": pid, "port": port, "healthy": pid is not None and is_healthy(name, port)}
    return {
        "running": is_running,
        "phase": state.get("phase", "stopped") if is_running else "stopped",
        "pid": state.get("pid") if is_running else None,
        "data": str(folder.path),
        "clock": state.get("clock", {}),
        "addresses": state.get("addresses", {}) if is_running else {},
        "processes": processes,
    }


def _print(report: dict[str, Any]) -> None:
    if not report["running"]:
        print(f"Préau is not running on {report['data']}.")
        return
    print(f"Préau is {report['phase']} (process {report['pid']}, data {report['data']})")
    for name, each in report["processes"].items():
        print(
            f"  {name:<10} {each['pid'] or '-':>7}  127.0.0.1:{each['port']:<6} {'answers' if each['healthy'] else 'DOES NOT ANSWER'}"
        )
    for name, address in report["addresses"].items():
        print(f"  {name:<12} {address}")
