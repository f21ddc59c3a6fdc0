"""The installation as tests of the whole platform hold it: they kill processes by name and look into the books."""

from __future__ import annotations

import os
import signal
import time

from preau_stack.running import RunningPlatform

from tests.e2e.charts.cluster import Cluster
from tests.e2e.charts.podman import podman


class ContainerPlatform(RunningPlatform):
    """`RunningPlatform`, with containers where the stack has processes."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.folder)
        self._cluster = cluster

    @property
    def simulator_url(self) -> str:
        return self._cluster.simulator_url

    def pid(self, process: str) -> int:
        """Of the first process in the container of a workload; 0 while there is none."""
        return int(podman("inspect", "--format", "{{.State.Pid}}", self._cluster.container(process)))

    def kill(self, process: str) -> None:
        """As a crash would: podman, like a kubelet, hears of it and starts the container again."""
        os.kill(self.pid(process), signal.SIGKILL)

    def is_back(self, process: str, before: int) -> bool:
        return self.pid(process) not in {0, before}

    def logs(self) -> dict[str, str]:
        return self._cluster.logs()

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        self._cluster.point_stores()
        deadline = time.monotonic() + seconds
        while not self._cluster.is_ready():
            if time.monotonic() > deadline:
                message = "some pods are not ready"
                raise TimeoutError(message)
            time.sleep(0.2)
