"""The rules, the boards, and what series may be asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
RULES = ROOT / "charts/preau/files/alerts.yaml"
RUNBOOKS = ROOT / "docs/runbooks"
UNIT_TESTS = sorted(Path(__file__).parent.glob("*.yaml"))
# What Prometheus and its operator add to what they read.
TARGET = {"namespace", "pod", "container", "job", "instance", "exported_namespace"}

Rule = dict[str, Any]


def promtool(*arguments: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    """Run promtool; the caller judges the outcome."""
    program = shutil.which("promtool")
    assert program, "promtool is missing: scripts/promtool.sh"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=timeout)


@cache
def rules() -> tuple[Rule, ...]:
    document = yaml.safe_load(RULES.read_text())
    return tuple(rule for group in document["groups"] for rule in group["rules"])


def alerts() -> dict[str, list[Rule]]:
    """The rules of each alert, by its name."""
    found: dict[str, list[Rule]] = {}
    for rule in rules():
        if "alert" in rule:
            found.setdefault(rule["alert"], []).append(rule)
    return found


@cache
def series() -> dict[str, frozenset[str]]:
    """Every series that there is, with its labels."""
    document = yaml.safe_load((ROOT / "docs/telemetry/metrics.yaml").read_text())
    found: dict[str, set[str]] = {"ALERTS": {"alertname", "alertstate", "severity", "namespace"}}
    for metric in document["metrics"]:
        labels = {name.replace(".", "_") for name in metric["attributes"]} | {"service_name", "service_instance_id"}
        if metric["kind"] == "histogram":
            for part in ("bucket", "sum", "count"):
                found[f"{metric['prometheus']}_{part}"] = labels | ({"le"} if part == "bucket" else set())
        else:
            found[metric["prometheus"]] = labels
    for metric in document["external"]:
        found[metric["prometheus"]] = set(metric.get("labels", []))
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = {"slo", "preau_tenant"}
    return {name: frozenset(labels | TARGET) for name, labels in found.items()}


def boards() -> dict[str, dict[str, Any]]:
    """Every board, by the name of its file."""
    return {
        path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "charts/preau/dashboards").glob("*.json"))
    }


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (panel for panel in board["panels"] if panel["type"] != "row")
