from __future__ import annotations

import stat
from pathlib import Path

import pytest
from preau_stack import control
from preau_stack.data_folder import AlreadyRunningError, DataFolder
from preau_stack.databases import service_databases
from preau_stack.environment import Platform, gateway_environment, service_environment
from preau_stack.secrets_file import new_secrets


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / ".preau")
    folder.prepare()
    return folder


def test_secrets_are_made_once_and_private(folder: DataFolder) -> None:
    first = folder.secrets()
    assert folder.secrets() == first
    assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_only_one_platform_holds_a_folder(folder: DataFolder) -> None:
    folder.lock()
    other = DataFolder(folder.path)
    assert other.is_locked()
    with pytest.raises(AlreadyRunningError):
        other.lock()
    folder.unlock()
    assert not other.is_locked()


def test_reset_refuses_while_running_and_deletes_after(folder: DataFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write_state({"phase": "ready"})
    folder.lock()
    assert control.reset(DataFolder(folder.path), is_sure=True) == 1
    assert "stop it first" in capsys.readouterr().err
    folder.unlock()
    assert control.reset(DataFolder(folder.path), is_sure=True) == 0
    assert not folder.path.exists()


def test_reset_deletes_no_folder_that_is_not_a_platforms(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    assert control.reset(DataFolder(tmp_path / "letters"), is_sure=True) == 1
    assert (tmp_path / "letters").exists()


def test_each_process_is_told_its_own_secrets_and_no_others(tmp_path: Path) -> None:
    secrets = new_secrets()
    names = ("identity", "agenda", "billing", "payment", "gateway")
    platform = Platform(
        databases=service_databases("postgresql://postgres:root@127.0.0.1:1/postgres", secrets),
        nats_url="nats://127.0.0.1:2",
        ports={name: 1000 + index for index, name in enumerate(names)},
        secrets=secrets,
        data_dir=tmp_path,
        clock={"NOW": "2025-08-20T09:00:00-04:00", "NOW_ANCHOR": "2026-01-01T00:00:00+00:00"},
    )
    agenda = service_environment(platform, "agenda")
    assert agenda["PREAU_DATABASE_URL"] == f"postgresql://agenda_app:{secrets['agenda_app']}@127.0.0.1:1/agenda"
    assert agenda["PREAU_NOW"] == "2025-08-20T09:00:00-04:00"
    told = " ".join(agenda.values())
    assert not any(secrets[name] in told for name in ("service_operator", "billing_app", "encryption_key", "postgres"))
    assert secrets["encryption_key"] not in " ".join(gateway_environment(platform).values())
    assert secrets["service_operator"] in service_environment(platform, "identity")["PREAU_SERVICE_SECRETS"]
