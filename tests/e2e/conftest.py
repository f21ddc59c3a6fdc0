"""The running platform, once for all journeys, with the demo clock at the source document's month and every request traced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from preau_stack.running import SEPTEMBER_2025, RunningPlatform, running_platform
from preau_stack.testing import temporary_folder


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    environment = {"PREAU_NOW": SEPTEMBER_2025, "PREAU_TRACE_RATIO": "1", "PREAU_METRICS_SECONDS": "1"}
    with temporary_folder() as folder, running_platform(folder / "data", environment) as running:
        yield running
