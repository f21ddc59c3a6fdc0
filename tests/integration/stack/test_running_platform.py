from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from preau_stack.data_folder import DataFolder
from preau_stack.running import SEPTEMBER_2025, RunningPlatform, running_platform
from preau_stack.testing import running_broker, running_postgres, temporary_folder

pytestmark = pytest.mark.timeout(300)
PROCESSES = ("identity", "agenda", "billing", "payment", "gateway", "simulator", "traces", "nats", "postgres")


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningPlatform]:
    with (
        temporary_folder() as folder,
        running_platform(folder / "data", {"PREAU_NOW": SEPTEMBER_2025, "PREAU_TRACE_RATIO": "1"}) as running,
    ):
        yield running


def preau(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "preau_stack.cli", *arguments, "--data", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def _eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_status_names_every_process_and_all_answer(platform: RunningPlatform) -> None:
    done = preau("status", "--json", folder=platform.folder.path)
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert report["phase"] == "ready"
    assert set(report["processes"]) == set(PROCESSES)
    assert report["addresses"]["casepilote"] == f"{platform.town_url()}/"


def test_both_towns_have_a_home_page_and_an_unknown_one_has_none(platform: RunningPlatform) -> None:
    for slug, name in (("casepilote", "Case-Pilote"), ("saint-aubin", "Saint-Aubin")):
        with platform.client(slug) as client:
            page = client.get("/")
        assert page.status_code == HTTPStatus.OK
        assert name in page.text
    with platform.client("nulle-part") as client:
        assert client.get("/").status_code == HTTPStatus.NOT_FOUND


def test_a_second_platform_on_the_same_folder_is_refused(platform: RunningPlatform) -> None:
    done = preau("up", folder=platform.folder.path)
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert preau("reset", "--yes", folder=platform.folder.path).returncode == 1


def test_loading_the_demo_towns_again_changes_nothing(platform: RunningPlatform) -> None:
    def seen() -> tuple[object, object]:
        with platform.client() as client:
            username, password = platform.account()
            token = client.post("/api/v1/sessions", json={"username": username, "password": password}).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            children = client.get("/api/v1/household", headers=headers).json()["children"]
            return children, client.get("/api/v1/activities", headers=headers).json()["items"]

    before = seen()
    assert [child["first_name"] for child in before[0]] == ["Maëlle", "Timéo"]  # type: ignore[attr-defined]
    assert len(before[1]) == 7  # type: ignore[arg-type]
    done = preau("demo", folder=platform.folder.path)
    assert done.returncode == 0, done.stderr
    assert seen() == before


def test_polling_answers_how_many_payments_were_looked_up(platform: RunningPlatform) -> None:
    done = preau("poll", folder=platform.folder.path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0 looked up, 0 settled.\n"


def test_a_request_is_seen_as_a_trace(platform: RunningPlatform) -> None:
    with platform.client() as client:
        assert client.get("/").status_code == HTTPStatus.OK
    address = preau("trace", folder=platform.folder.path).stdout.strip()
    assert address.rstrip("/") == platform.traces_url

    def services() -> set[str]:
        import httpx

        items = httpx.get(f"{address}api/traces").json()["items"]
        return {service for item in items for service in item["services"]}

    assert _eventually(lambda: {"gateway", "identity"} <= services())


@pytest.mark.parametrize("process", PROCESSES)
def test_a_killed_process_comes_back_and_pages_with_it(platform: RunningPlatform, process: str) -> None:
    platform.wait_until_healthy()
    before = platform.pid(process)
    platform.kill(process)
    assert _eventually(lambda: platform.folder.state()["processes"].get(process, before) != before)
    platform.wait_until_healthy()

    def page_is_back() -> bool:
        with platform.client() as client:
            return client.get("/").status_code == HTTPStatus.OK

    assert _eventually(page_is_back)


def test_servers_given_from_outside_are_used_instead_of_the_embedded_ones() -> None:
    with temporary_folder() as folder, running_postgres(folder) as postgres, running_broker(folder) as broker:
        given = {"PREAU_POSTGRES_URL": postgres.url(), "PREAU_NATS_URL": broker.url}
        with running_platform(folder / "data", given) as running:
            assert set(running.status()["processes"]) == set(PROCESSES) - {"postgres", "nats"}
            with running.client() as client:
                assert client.get("/").status_code == HTTPStatus.OK
            assert not (folder / "data" / "postgres").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind_and_the_folder_starts_again_on_the_same_ports(number: signal.Signals) -> None:
    with temporary_folder() as folder:
        first = _run_and_end(folder / "data", number)
        assert _run_and_end(folder / "data", number) == first


def _run_and_end(folder: Path, number: signal.Signals) -> dict[str, int]:
    started = preau("up", "--detach", "--port", "0", "--no-demo", folder=folder)
    assert started.returncode == 0, started.stderr
    state = DataFolder(folder).state()
    pids: list[int] = list(state["processes"].values())
    assert all(map(_is_alive, pids))
    os.kill(state["pid"], number)
    assert _eventually(lambda: not any(map(_is_alive, pids)))
    assert preau("status", folder=folder).returncode == 3
    return dict(state["ports"])
