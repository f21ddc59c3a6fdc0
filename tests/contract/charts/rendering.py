"""Charts put together and rendered by helm, as objects."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
PROFILES = ("production", "staging", "one-node")
SERVICES = ("identity", "agenda", "billing", "payment")
WORKLOADS = ("Deployment", "StatefulSet", "Job")

Object = dict[str, Any]

VARIANTS: dict[str, list[str]] = {
    "default": [],
    **{profile: ["--values", str(ROOT / f"charts/preau/values-{profile}.yaml")] for profile in PROFILES},
    # Every switch the profiles leave off.
    "every-switch": [
        "--values",
        str(ROOT / "charts/preau/values-production.yaml"),
        "--set=global.env=test,global.now=2025-08-20T09:00:00-04:00,global.nowAnchor=2026-01-01T00:00:00Z",
        "--set=global.keda.enabled=true,global.images.pullSecrets={registry},global.priorityClassName=families-first",
        "--set=global.postgres.restore.server=preau-db,global.postgres.restore.targetTime=2026-01-02 03:04:05+00",
        "--set=global.postgres.backup.endpoint=https://s3.example.org,global.postgres.backup.server=preau-db-2",
        "--set=global.postgres.storage.className=fast,global.nats.storage.className=fast",
        "--set=gateway.edge.kind=gateway,gateway.edge.parent.name=public,gateway.edge.hosts={cantine.example.org}",
        "--set=global.collector.logs.endpoint=https://logs.example.org:443,global.collector.secret=collector",
        '--set-json=global.nats.monitors=[{"namespaceSelector":{"matchLabels":{"a":"b"}}}]',
    ],
    "everything-outside": [
        "--set=global.postgres.create=false,global.nats.create=false",
        '--set-json=global.postgres.to=[{"ipBlock":{"cidr":"10.1.2.3/32"}}]',
        '--set-json=global.nats.to=[{"ipBlock":{"cidr":"10.1.2.4/32"}}]',
        "--set=gateway.edge.kind=none",
    ],
    "lag-by-metric": [
        "--values",
        str(ROOT / "charts/preau/values-production.yaml"),
        "--set=global.lagMetric=preau_consumer_lag",
    ],
    "broker-by-file": [
        "--values",
        str(ROOT / "charts/preau/values-production.yaml"),
        "--set=global.nats.create=false,global.nats.url=tls://bus.example.org:4222,global.nats.credentialsFile=true",
        "--set=global.keda.enabled=true,global.keda.natsMonitor=bus.example.org:8222,global.keda.account=TOWNS",
    ],
}  # fmt: skip


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm; the caller judges the outcome."""
    program = ROOT / ".venv/bin/helm"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering."""

    text: str

    @cached_property
    def objects(self) -> list[Object]:
        return [one for one in yaml.load_all(self.text, Loader=yaml.CSafeLoader) if one]

    def of(self, *kinds: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        found = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} × {kind} {name}"
        return found[0]

    def pods(self) -> dict[str, Object]:
        """Every pod template's spec, by `kind/name`."""
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["spec"]["template"]["spec"]
            for each in self.of(*WORKLOADS)
        }


def environment(pod: Object) -> dict[str, Object]:
    """The variables of a pod's only container."""
    (container,) = pod["containers"]
    names = [one["name"] for one in container["env"]]
    assert len(names) == len(set(names)), "a variable is said twice"
    return {one["name"]: one for one in container["env"]}
