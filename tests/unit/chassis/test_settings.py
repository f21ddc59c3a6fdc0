from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from preau_chassis.clock import clock_from
from preau_chassis.settings import ServiceSettings, SettingsError, load_settings, load_settings_or_exit


class OwnSettings(ServiceSettings):
    payment_address: str


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREAU_PAYMENT_ADDRESS", "127.0.0.1:1")
    for name in ("ENV", "NOW", "NOW_ANCHOR", "POOL_SIZE", "DATABASE_URL", "PAGE_TOKEN_KEY"):
        monkeypatch.delenv(f"PREAU_{name}", raising=False)


def test_settings_come_from_the_environment_and_cannot_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREAU_POOL_SIZE", "3")
    monkeypatch.setenv("PREAU_DATABASE_URL", "postgresql://u:pa55word@h/db")
    settings = load_settings(OwnSettings)
    assert (settings.pool_size, settings.payment_address) == (3, "127.0.0.1:1")
    assert settings.required("database_url") == "postgresql://u:pa55word@h/db"
    assert "pa55word" not in repr(settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.pool_size = 4


@pytest.mark.parametrize(
    ("name", "value"), [("POOL_SIZE", "0"), ("TRACE_RATIO", "2"), ("NOW", "2025-08-20T09:00:00"), ("ENV", "prod")]
)
def test_a_bad_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PREAU_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings(OwnSettings)
    assert str(raised.value).startswith(f"PREAU_{name}: ")
    assert "\n" not in str(raised.value)


def test_a_missing_value_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PREAU_PAYMENT_ADDRESS")
    with pytest.raises(SystemExit) as raised:
        load_settings_or_exit(OwnSettings)
    assert raised.value.code == 2
    assert capsys.readouterr().err == "PREAU_PAYMENT_ADDRESS: Field required\n"
    with pytest.raises(SettingsError, match="PREAU_OWNER_DATABASE_URL is not set"):
        ServiceSettings().required("owner_database_url")


def test_the_demonstration_clock_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREAU_ENV", "production")
    with pytest.raises(SettingsError, match="PREAU_PAGE_TOKEN_KEY"):
        load_settings(OwnSettings)
    monkeypatch.setenv("PREAU_PAGE_TOKEN_KEY", "k" * 32)
    load_settings(OwnSettings)
    monkeypatch.setenv("PREAU_NOW", "2025-08-20T09:00:00-04:00")
    with pytest.raises(SettingsError, match="PREAU_NOW is refused"):
        load_settings(OwnSettings)


def test_the_demonstration_clock_starts_at_its_instant() -> None:
    start = datetime.fromisoformat("2025-08-20T09:00:00-04:00")
    assert timedelta(0) <= clock_from(ServiceSettings(now=start)).now() - start < timedelta(seconds=5)
    anchored = clock_from(ServiceSettings(now=start, now_anchor=datetime.now(UTC) - timedelta(hours=2)))
    assert anchored.now() - start >= timedelta(hours=2)
    assert abs(clock_from(ServiceSettings()).now() - datetime.now(UTC)) < timedelta(seconds=5)
