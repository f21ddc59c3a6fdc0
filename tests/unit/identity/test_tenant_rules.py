from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity_svc.domain.hosts import local_slug, normalise_host
from identity_svc.domain.tenants import PLATFORM_TENANT, Contact, Tenant, check_tenant
from identity_svc.domain.theme import Theme, contrast_on_white
from preau_kernel.errors import InvalidError
from preau_kernel.ids import TenantSlug

TOWN = Tenant(PLATFORM_TENANT, TenantSlug("casepilote"), "Case-Pilote", "America/Martinique")


def test_a_bare_town_gets_its_defaults() -> None:
    town = check_tenant(replace(TOWN, hold_minutes=0, locale="", accessibility_state=""))
    assert (town.hold_minutes, town.locale, town.accessibility_state) == (60, "fr", "none")
    assert town.hosts == ("casepilote.localhost",)


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"slug": "Case.Pilote"}, "SLUG_INVALID", "slug"),
        ({"slug": "a"}, "SLUG_INVALID", "slug"),
        ({"slug": "www"}, "SLUG_INVALID", "slug"),
        ({"slug": "platform"}, "SLUG_INVALID", "slug"),
        ({"name": " "}, "NAME_INVALID", "name"),
        ({"name": "Ville\r\nBcc: x"}, "NAME_INVALID", "name"),
        ({"time_zone": "Mars/Olympus"}, "TIME_ZONE_UNKNOWN", "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "TIME_ZONE_UNKNOWN", "time_zone"),
        ({"time_zone": ""}, "TIME_ZONE_UNKNOWN", "time_zone"),
        ({"locale": "français"}, "LOCALE_INVALID", "locale"),
        ({"hold_minutes": -1}, "HOLD_MINUTES_INVALID", "hold_minutes"),
        ({"hold_minutes": 20_000}, "HOLD_MINUTES_INVALID", "hold_minutes"),
        ({"accessibility_state": "perfect"}, "ACCESSIBILITY_STATE_INVALID", "accessibility_state"),
        ({"news": "x" * 10_001}, "NEWS_TOO_LONG", "news"),
        ({"news": "a\x00b"}, "TEXT_INVALID", "news"),
        ({"contact": Contact(hours="a\x1bb")}, "TEXT_INVALID", "contact.hours"),
        ({"contact": Contact(address="x" * 501)}, "TEXT_INVALID", "contact.address"),
        ({"contact": Contact(email="mairie")}, "EMAIL_INVALID", "contact.email"),
        ({"hosts": ("ok.example", "bad_host.example")}, "HOST_INVALID", "hosts[1]"),
        ({"hosts": ("saint-aubin.localhost",)}, "HOST_INVALID", "hosts[0]"),
        ({"hosts": ("192.0.2.1",)}, "HOST_INVALID", "hosts[0]"),
        ({"hosts": ("ville.42",)}, "HOST_INVALID", "hosts[0]"),
        ({"hosts": ("",)}, "HOST_INVALID", "hosts[0]"),
    ],
)
def test_a_wrong_town_is_refused_by_field(change: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_tenant(replace(TOWN, **change))
    assert (refusal.value.reason, refusal.value.metadata["field"]) == (reason, field)


def test_news_and_hours_may_have_lines() -> None:
    town = replace(TOWN, news="Rentrée.\r\n\r\nBonne année !", contact=Contact(hours="Lundi\nMardi"))
    assert check_tenant(town).news == town.news


def test_host_names_are_folded_and_keep_their_order() -> None:
    town = check_tenant(replace(TOWN, hosts=("Cantine.Case-Pilote.FR:443", "b.example", "cantine.case-pilote.fr")))
    assert town.hosts == ("cantine.case-pilote.fr", "b.example")


@pytest.mark.parametrize(
    ("host", "name", "slug"),
    [
        ("CasePilote.localhost:8080", "casepilote.localhost", "casepilote"),
        ("casepilote.localhost.", "casepilote.localhost", "casepilote"),
        ("a.b.localhost", "a.b.localhost", ""),
        ("localhost", "localhost", ""),
        ("cantine.example", "cantine.example", ""),
    ],
)
def test_a_host_header_gives_a_name_and_maybe_a_local_town(host: str, name: str, slug: str) -> None:
    assert normalise_host(host) == name
    assert local_slug(name) == slug


@pytest.mark.parametrize(
    ("colour", "ratio"), [("#000000", 21.0), ("#ffffff", 1.0), ("#767676", 4.54), ("#777777", 4.48), ("#ff0000", 4.0)]
)
def test_contrast_follows_wcag(colour: str, ratio: float) -> None:
    assert contrast_on_white(colour) == pytest.approx(ratio, abs=0.01)


def test_an_unreadable_colour_is_refused_with_its_ratio() -> None:
    with pytest.raises(InvalidError) as refusal:
        Theme(primary="#777777")
    assert refusal.value.reason == "CONTRAST_TOO_LOW"
    assert refusal.value.metadata == {"field": "theme.primary", "ratio": "4.48", "minimum": "4.5"}


@pytest.mark.parametrize("colour", ["blue", "#12345", "#gggggg", "#000000;}"])
def test_a_colour_is_six_hexadecimal_digits(colour: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        Theme(accent=colour)
    assert refusal.value.reason == "COLOUR_INVALID"


@given(st.integers(0, 0xFFFFFF))
def test_contrast_is_between_one_and_twenty_one(number: int) -> None:
    assert 0.999 <= contrast_on_white(f"#{number:06x}") <= 21.001
