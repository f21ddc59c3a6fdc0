from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from gateway.assets import Assets, town_theme
from gateway.settings import GatewaySettings
from gateway.town import Town
from preau.identity.v1.identity_service_pb2 import Tenant, Theme
from pydantic import ValidationError

ADDRESSES = dict.fromkeys(("identity_address", "agenda_address", "billing_address", "payment_address"), "127.0.0.1:1")


def settings(**values: Any) -> GatewaySettings:
    return GatewaySettings(**{**ADDRESSES, "service_secret": "s", "cookie_secret": "c" * 32, **values})


def test_production_wants_a_real_secret_and_the_real_time() -> None:
    assert settings(env="production").env == "production"
    with pytest.raises(ValidationError):
        settings(env="production", cookie_secret="short")
    with pytest.raises(ValidationError):
        settings(env="production", now="2025-08-20T09:00:00-04:00")


def test_the_demonstration_clock_starts_where_it_is_told() -> None:
    clock = settings(now="2025-08-20T09:00:00-04:00").clock()
    assert clock.now().isoformat().startswith("2025-08-20T13:00:0")


def test_the_address_to_listen_on_has_a_host_and_a_port() -> None:
    assert settings(listen="0.0.0.0:8080").host_and_port == ("0.0.0.0", 8080)  # noqa: S104
    assert settings(listen=":8080").host_and_port == ("127.0.0.1", 8080)


def test_a_file_is_found_by_its_lasting_and_its_plain_name(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "app.css").write_text("body{}")
    assets = Assets(tmp_path)
    url = assets.url("css/app.css")
    assert url.startswith("/static/css/app.")
    found = assets.find(url.removeprefix("/static/"))
    assert found is not None
    asset, is_lasting = found
    assert is_lasting
    assert asset.media_type == "text/css"
    assert asset.compressed is not None
    assert gzip.decompress(asset.compressed) == asset.content == b"body{}"
    plain = assets.find("css/app.css")
    assert plain is not None
    assert plain[1] is False
    assert assets.find("../secret") is None


def test_another_content_has_another_address(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("1")
    before = Assets(tmp_path).url("app.js")
    (tmp_path / "app.js").write_text("2")
    assert Assets(tmp_path).url("app.js") != before


def test_a_page_cannot_name_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Assets(tmp_path).url("missing.css")


@pytest.mark.parametrize(
    ("colours", "css"),
    [
        (("#00607a", "#b1361e"), ":root{--town:#00607a;--town-accent:#b1361e}"),
        (("#00607a", ""), ":root{--town:#00607a}"),
        (("", ""), ":root{}"),
    ],
)
async def test_a_town_without_a_colour_keeps_the_one_of_the_pages(colours: tuple[str, str], css: str) -> None:
    town = Town.of(Tenant(slug="a", time_zone="Europe/Paris", theme=Theme(primary=colours[0], accent=colours[1])))
    answer = await town_theme.fn(town)
    assert answer.content.decode() == css
