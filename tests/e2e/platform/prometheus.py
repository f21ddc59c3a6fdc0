"""A real Prometheus that reads the running platform as one in a cluster reads the collector, with the chart's own rules."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from preau_stack.ports import LOOPBACK, free_ports

from tests.contract.alerts.sources import RULES

# What the operator adds to a pod it reads (charts/preau/templates/monitoring.yaml).
TARGET = {"namespace": "preau", "pod": "preau-collector-0", "container": "collector", "endpoint": "metrics"}
WINDOW = "2m"
"""Longer than a test: a rate over it sees all that moved since Prometheus began."""
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_START_SECONDS = 20.0


class Prometheus:
    """Its HTTP API, and Grafana's part of a query: the variables."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=20, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def query(self, expr: str) -> list[float]:
        """The values of the series that ``expr`` gives now. ``AssertionError`` when Prometheus refuses it."""
        answer = self._client.post("/query", data={"query": expr}).json()
        assert answer["status"] == "success", f"{answer['error']}: {expr}"
        assert answer["data"]["resultType"] == "vector", expr
        return [float(each["value"][1]) for each in answer["data"]["result"]]

    def finite(self, expr: str) -> list[float]:
        """The same without what Grafana draws nothing for."""
        return [value for value in self.query(expr) if math.isfinite(value)]

    def choices(self, query: str, chosen: Mapping[str, str]) -> list[str]:
        """What Grafana offers for a variable made by ``label_values(series, label)``."""
        found = _LABEL_VALUES.fullmatch(query)
        assert found, query
        answer = self._client.get(f"/label/{found['label']}/values", params={"match[]": fill(found["series"], chosen)})
        return list(answer.raise_for_status().json()["data"])

    def rules(self) -> list[dict[str, Any]]:
        """Every rule it has loaded, with what became of its last evaluation."""
        groups = self._client.get("/rules").raise_for_status().json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def is_ready(self) -> bool:
        """Whether it has read the platform at least twice."""
        try:
            return bool(self.query("min(count_over_time(up[1m])) >= 2 and min(up) == 1"))
        except (httpx.TransportError, json.JSONDecodeError):
            return False


def fill(expr: str, chosen: Mapping[str, str]) -> str:
    """``expr`` with Grafana's variables replaced."""
    expr = expr.replace("$__rate_interval", WINDOW)
    return re.sub(r"\$(\w+)", lambda name: chosen[name[1]], expr)


def _configuration(folder: Path, metrics: str) -> Path:
    """Reads every second, and judges as often. Labels that the collector's exporter adds of itself are added here."""
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    added = [
        {"source_labels": ["service_name"], "target_label": "job", "replacement": "preau/$1"},
        {"source_labels": ["service_instance_id"], "target_label": "instance"},
        {"target_label": "service_namespace", "replacement": "preau"},
        {"target_label": "service_version", "replacement": "0.0.0"},
    ]
    scrape = {
        "job_name": "preau/preau-collector",
        "honor_labels": True,
        "static_configs": [{"targets": [metrics], "labels": TARGET}],
        "metric_relabel_configs": added,
    }
    document = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [scrape],
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@contextmanager
def running_prometheus(folder: Path, metrics: str) -> Iterator[Prometheus]:
    """Debian's Prometheus, reading ``metrics`` (host:port) until the end."""
    program = shutil.which("prometheus")
    assert program
    (port,) = free_ports(1)
    command = [
        program,
        f"--config.file={_configuration(folder, metrics)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    client = Prometheus(f"http://{LOOPBACK}:{port}")
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not client.is_ready():
            said = (folder / "prometheus.log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(20)
