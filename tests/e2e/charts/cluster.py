"""The rendered one-node profile as containers: what a cluster's controllers would do, done by hand and in order.

A network with names that answer with every pod behind them (the headless Services), Jobs first, then Deployments, each
pod waited for by its own readiness; PostgreSQL and the payment simulator stand outside, as they do for the profile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES, create_databases
from preau_stack.ports import free_ports

from scripts.charts_secrets import Contents, Place, contents
from tests.e2e.charts.podman import ROOT, address, play, podman
from tests.e2e.charts.pods import Object, as_pod
from tests.e2e.charts.proxy import Proxy

RELEASE = "preau"
_PODS = ("Deployment", "StatefulSet")
_GRACE_SECONDS = 40
_PRE_STOP_SECONDS = 5
_READY_SECONDS = 90.0


class Cluster:
    """One installation. ``folder`` is as `preau up` would leave it, for `RunningPlatform`."""

    def __init__(self, folder: Path, brokers: int = 1) -> None:
        self._broker_count = brokers
        self.folder = DataFolder(folder)
        self.folder.prepare()
        self._work = folder / "kubernetes"
        self._name = f"preau-e2e-{os.getpid()}"
        self._proxy = Proxy()
        names = ["gateway", *SERVICES, "postgres", "nats_monitor"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._proxied = list(self.ports.values())
        self._secrets: Contents = {}
        self._objects: list[Object] = []
        self._pods: dict[str, list[str]] = {}
        self._made: list[str] = []
        self._beside: list[subprocess.Popen[bytes]] = []
        self._count = 0

    def up(self) -> None:
        """Everything, from nothing to ready."""
        known = self.folder.secrets()
        podman("network", "create", self._name)
        network = json.loads(podman("network", "inspect", self._name))[0]
        self.host = str(network["subnets"][0]["gateway"])
        self._start_postgres(known)
        self._start_receiver()
        self._secrets = contents(Place(RELEASE, database="postgresql://postgres:5432"), known)
        self._render()
        for port in self._proxied:
            self._proxy.listen(port)
        self._start_brokers()
        for job in self._of("Job"):
            self._run(job)
        # All at once, as on a cluster: they wait for each other.
        pods = [(self._play(deployment), deployment) for deployment in self._of("Deployment")]
        for pod, deployment in pods:
            self._admit(pod, deployment)
        self._start_simulator()
        self.point_stores()
        self.folder.path.joinpath("state.json").write_text(json.dumps({"ports": self.ports, "phase": "ready"}))

    def down(self) -> None:
        """Leave nothing behind."""
        for process in self._beside:
            process.terminate()
            process.wait(10)
        for pod in self._made:
            podman("pod", "rm", "--force", "--time", "1", pod, check=False)
        podman("rm", "--force", "--time", "1", "--volumes", f"{self._name}-postgres", check=False)
        for volume in podman("volume", "ls", "--quiet").split():
            if volume.startswith(self._name):
                podman("volume", "rm", volume, check=False)
        podman("network", "rm", "--force", self._name, check=False)
        self._proxy.close()

    def left(self) -> list[str]:
        """Names of what is still there: containers and pods, volumes, networks."""
        lists = [("ps", "--all", "--pod", "--format", "{{.Names}} {{.PodName}}"), ("volume", "ls", "--quiet")]
        lists += [("network", "ls", "--quiet", "--format", "{{.Name}}")]
        return [name for each in lists for name in podman(*each).split() if name.startswith(self._name)]

    def deployments(self) -> list[str]:
        return [one["metadata"]["name"] for one in self._of("Deployment")]

    def replace(self, name: str) -> None:
        """What a rollout does: a new pod, ready, before the old one leaves, and the pause before it is told to end."""
        (deployment,) = [one for one in self._of("Deployment") if one["metadata"]["name"] == name]
        leaving = list(self._pods[name])
        self._start(deployment)
        self._pods[name] = [pod for pod in self._pods[name] if pod not in leaving]
        self._point(name)
        time.sleep(_PRE_STOP_SECONDS)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        for pod in leaving:
            # As a kubelet does: a pod keeps its network until its process has said good-bye on it.
            podman("stop", "--time", str(_GRACE_SECONDS), f"{pod}-{container['name']}")
            podman("pod", "rm", "--force", pod)

    def logs(self) -> dict[str, str]:
        """What every pod has logged."""
        return {pod: podman("pod", "logs", pod, check=False) for pods in self._pods.values() for pod in pods}

    def brokers(self) -> list[str]:
        """The broker's nodes, by the names of their pods' places."""
        (broker,) = self._of("StatefulSet")
        return [f"{broker['metadata']['name']}-{rank}" for rank in range(self._broker_count)]

    def workloads(self) -> list[str]:
        """Everything that runs: Deployments, the broker's nodes, the database."""
        return [*self.deployments(), *self.brokers(), "postgres"]

    def container(self, workload: str) -> str:
        """The container of a Deployment's newest pod, of one of the broker's nodes, or of the database."""
        if workload == "postgres":
            return f"{self._name}-postgres"
        name, _, rank = workload.rpartition("-") if workload in self.brokers() else (workload, "", "-1")
        (kind,) = [one for one in self._objects if one["metadata"]["name"] == name and one["kind"] in _PODS]
        (container,) = kind["spec"]["template"]["spec"]["containers"]
        return f"{self._pods[name][int(rank)]}-{container['name']}"

    def point_stores(self) -> None:
        """For those who look into the books; the database's address may be another after a restart."""
        (broker,) = self._of("StatefulSet")
        self._proxy.point(self.ports["postgres"], [(address(f"{self._name}-postgres", self._name), 5432)])
        self._proxy.point(
            self.ports["nats_monitor"], [(self._address(pod), 8222) for pod in self._pods[broker["metadata"]["name"]]]
        )

    def is_ready(self) -> bool:
        """Whether every pod says so itself, now."""
        for workload in [*self._of("Deployment"), *self._of("StatefulSet")]:
            (container,) = workload["spec"]["template"]["spec"]["containers"]
            ports = {one["name"]: one["containerPort"] for one in container.get("ports", ())}
            probe = container.get("readinessProbe")
            for pod in self._pods[workload["metadata"]["name"]]:
                if probe is not None and not _probe(probe, self._address(pod), ports)():
                    return False
        return True

    def _of(self, kind: str) -> list[Object]:
        return [one for one in self._objects if one["kind"] == kind]

    def _render(self) -> None:
        charts = self._work / "charts"
        subprocess.run([ROOT / "scripts/charts.sh", charts], check=True, capture_output=True)
        command = [str(ROOT / ".venv/bin/helm"), "template", RELEASE, str(charts / "preau"), "--namespace", "preau"]
        command += ["--values", str(ROOT / "charts/preau/values-one-node.yaml")]
        command += ["--values", str(Path(__file__).parent / "values.yaml")]
        command += ["--set-string", f"global.nowAnchor={datetime.now(UTC).isoformat()}"]
        command += ["--set", f"global.nats.replicas={self._broker_count}"]
        command += ["--set", f"global.telemetry.endpoint={self._otlp},global.telemetry.ratio=1"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        self._objects = [one for one in yaml.safe_load_all(done.stdout) if one]

    def _start_brokers(self) -> None:
        (broker,) = self._of("StatefulSet")
        assert broker["spec"]["replicas"] == self._broker_count
        name, peers = broker["metadata"]["name"], broker["spec"]["serviceName"]
        pods = [self._play(broker, f"{name}-{rank}.{peers}") for rank in range(self._broker_count)]
        # None is ready before the others are there.
        for pod in pods:
            self._admit(pod, broker)

    def _start(self, workload: Object) -> None:
        self._admit(self._play(workload), workload)

    def _admit(self, pod: str, workload: Object) -> None:
        """Give it a place once it is ready."""
        name = workload["metadata"]["name"]
        self._wait(pod, workload)
        self._pods.setdefault(name, []).append(pod)
        self._point(name)

    def _play(self, workload: Object, *names: str) -> str:
        self._count += 1
        name = workload["metadata"]["name"]
        pod = f"{self._name}-{self._count}-{name}"
        self._made.append(pod)
        play([*self._of("ConfigMap"), *as_pod(workload, pod, self._secrets, self._work)], self._name, name, *names)
        return pod

    def _run(self, job: Object) -> None:
        """Until it succeeds, as often as it may be tried."""
        failed = ""
        for _ in range(job["spec"]["backoffLimit"] + 1):
            pod = self._play(job)
            container = f"{pod}-{job['spec']['template']['spec']['containers'][0]['name']}"
            if podman("wait", container, seconds=_READY_SECONDS).strip() == "0":
                return
            failed = podman("logs", container)
        raise RuntimeError(f"{job['metadata']['name']} failed:\n{failed}")

    def _wait(self, pod: str, workload: Object) -> None:
        """Ask the pod what its readiness probe would."""
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        probe = container.get("readinessProbe")
        if probe is None:
            return
        where = self._address(pod)
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        is_ready = _probe(probe, where, ports)
        deadline = time.monotonic() + _READY_SECONDS
        while not is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pod} is not ready:\n{podman('pod', 'logs', pod, check=False)}")
            time.sleep(0.3)

    def _address(self, pod: str) -> str:
        infra = json.loads(podman("pod", "inspect", pod))["InfraContainerID"]
        return address(infra, self._name)

    def _point(self, deployment: str) -> None:
        service = deployment.removeprefix(f"{RELEASE}-")
        if service in self.ports:
            port = 8080 if service == "gateway" else 50051
            self._proxy.point(self.ports[service], [(self._address(pod), port) for pod in self._pods[deployment]])

    def _start_postgres(self, known: dict[str, str]) -> None:
        name = f"{self._name}-postgres"
        podman(
            "run", "--detach", "--restart", "always", "--name", name, "--network", f"{self._name}:alias=postgres", "--read-only",
            "--tmpfs", "/tmp",  # noqa: S108 - the container's own
            "--volume", f"{name}:/data", "--env", f"POSTGRES_PASSWORD={known['postgres']}",
            "localhost/preau/postgres:0.1.0",
        )  # fmt: skip
        url = f"postgresql://postgres:{known['postgres']}@{address(name, self._name)}:5432/postgres"
        deadline = time.monotonic() + 60
        while True:
            try:
                create_databases(url, known)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _start_receiver(self) -> None:
        """The stack's own, where a cluster has its collector: what pods send is seen as on one machine."""
        port, page = free_ports(2)
        self._otlp = f"http://{self.host}:{port}"
        self.ports["trace_page"] = page
        self._run_beside(
            "preau_stack.trace_receiver",
            {
                "PREAU_LISTEN": f"127.0.0.1:{page}",
                "PREAU_OTLP_LISTEN": f"{self.host}:{port}",
                "PREAU_TRACE_DATA": str(self._work),
            },
        )

    def _start_simulator(self) -> None:
        (port,) = free_ports(1)
        self.simulator_url = f"http://{self.host}:{port}"
        clock = {"PREAU_NOW": "2025-08-20T09:00:00-04:00", "PREAU_NOW_ANCHOR": datetime.now(UTC).isoformat()}
        listen = {"PREAU_LISTEN": f"{self.host}:{port}", "PREAU_SIMULATOR_DATA": str(self._work)}
        self._run_beside("payfip_simulator", clock | listen)

    def _run_beside(self, module: str, settings: dict[str, str]) -> None:
        """On the host, at an address that both browsers here and pods there can reach."""
        with self.folder.log(module).open("ab") as log:
            self._beside.append(
                subprocess.Popen([sys.executable, "-m", module], env={**os.environ, **settings}, stdout=log, stderr=log)
            )


def _probe(probe: dict[str, Any], where: str, ports: dict[str, int]) -> Callable[[], bool]:
    if "grpc" in probe:
        return lambda: _serves(f"{where}:{probe['grpc']['port']}")
    return lambda: _answers(f"http://{where}:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}")


def _serves(target: str) -> bool:
    with grpc.insecure_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
