from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from preau_stack.data_folder import DataFolder


def preau(*arguments: str, folder: Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "preau_stack.cli", *arguments, "--data", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=answer, timeout=60)


def test_a_taken_port_is_said_with_the_way_out_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = preau("up", "--port", port, folder=tmp_path / "data")
    assert done.returncode == 1
    assert f"Port {port} is taken. Choose another: PORT=18080 make run" in done.stdout
    assert preau("status", folder=tmp_path / "data").returncode == 3


def test_without_a_platform_status_says_so_and_down_has_nothing_to_do(tmp_path: Path) -> None:
    done = preau("status", "--json", folder=tmp_path / "none")
    assert done.returncode == 3
    assert json.loads(done.stdout)["running"] is False
    assert preau("down", folder=tmp_path / "none").stdout == "Préau is not running.\n"
    assert not (tmp_path / "none").exists()


def test_down_ends_no_process_that_is_not_the_platform(tmp_path: Path) -> None:
    """After a crash another program may have the number that the platform had; a backup holds the folder as a platform does."""
    folder = DataFolder(tmp_path)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder.write_state({"phase": "ready", "pid": stranger.pid, "ports": {}})
    folder.lock()
    try:
        done = preau("down", folder=tmp_path)
        assert done.returncode == 1
        assert f"another command (process {os.getpid()}) works on {tmp_path}" in done.stderr
        assert stranger.poll() is None
        status = json.loads(preau("status", "--json", folder=tmp_path).stdout)
        assert (status["running"], status["pid"]) == (False, None)
        assert "start it with `preau up`" in preau("demo", folder=tmp_path).stderr
    finally:
        folder.unlock()
        stranger.kill()
        stranger.communicate()


@pytest.mark.parametrize("verb", ["demo", "poll", "trace"])
def test_verbs_that_need_the_platform_say_how_to_start_it(tmp_path: Path, verb: str) -> None:
    done = preau(verb, folder=tmp_path / "none")
    assert done.returncode == 1
    assert "start it with `preau up`" in done.stderr


def test_reset_deletes_only_after_a_yes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    assert preau("reset", folder=folder, answer="\n").returncode == 1
    assert folder.exists()
    assert preau("reset", folder=folder).returncode == 1
    assert preau("reset", folder=folder, answer="y\n").returncode == 0
    assert not folder.exists()
