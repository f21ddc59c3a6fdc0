"""What `preau town` says before it asks any service."""

from __future__ import annotations

from pathlib import Path

import pytest
from preau_stack.data_folder import DataFolder
from preau_stack.town_command import SECRET, town

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "town.toml"
_AT = "identity=127.0.0.1:1,agenda=127.0.0.1:2,billing=127.0.0.1:3,payment=127.0.0.1:4"


def test_checking_needs_no_platform_and_says_what_each_file_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert town(DataFolder(tmp_path / "none"), [EXAMPLE], "", is_check=True) == 0
    assert capsys.readouterr().out == f"{EXAMPLE}: val-des-tilleuls is right: 7 activities, 2 households\n"
    assert not (tmp_path / "none").exists()


def test_without_a_platform_the_command_says_how_to_name_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert town(DataFolder(tmp_path / "none"), [EXAMPLE], "", is_check=False) == 1
    assert "start it with `preau up`, or say --at." in capsys.readouterr().err


@pytest.mark.parametrize(
    "at",
    ["identity=127.0.0.1:1", _AT + ",gateway=127.0.0.1:5", _AT.replace(":1", ""), _AT.replace("=127.0.0.1:4", "=")],
)
def test_elsewhere_is_four_addresses_with_their_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: str
) -> None:
    monkeypatch.setenv(SECRET, "known")
    assert town(DataFolder(tmp_path), [EXAMPLE], at, is_check=False) == 1
    wanted = "--at wants identity=HOST:PORT,agenda=HOST:PORT,billing=HOST:PORT,payment=HOST:PORT.\n"
    assert capsys.readouterr().err == wanted


def test_elsewhere_needs_the_operators_secret_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    assert town(DataFolder(tmp_path), [EXAMPLE], _AT, is_check=False) == 1
    assert capsys.readouterr().err == "--at needs the operator's secret in PREAU_OPERATOR_SECRET.\n"
