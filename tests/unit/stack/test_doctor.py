from __future__ import annotations

from pathlib import Path

import pytest
from preau_stack import doctor


def test_what_is_missing_comes_with_one_apt_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.doctor(tmp_path) == 0
    said = capsys.readouterr().out
    assert "absent   Chromium" in said
    assert "As root: apt-get update && apt-get install -y chromium fontconfig fonts-dejavu-core prometheus" in said


def test_a_machine_with_everything_hears_no_apt_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if not doctor.find_chromium():
        pytest.skip("this machine has no Chromium")
    doctor.doctor(tmp_path)
    assert "MISSING" not in capsys.readouterr().out
