"""PayFiP's rules, checked before it is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_gateway_svc.adapters.psp import payfip_rules as rules
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider
from payment_gateway_svc.application.ports import Notification, ProviderSettings
from preau_kernel.errors import DomainError, ErrorKind, InvalidError
from preau_kernel.money import Money

from tests.unit.payment.fakes import make_order

FORM = "application/x-www-form-urlencoded"
ID_OP = "cc0cb210-1cd4-11ea-8cca-0213ad91a103"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": Money(99)}, "AMOUNT_TOO_SMALL"),
        ({"amount": Money(-5400)}, "AMOUNT_TOO_SMALL"),
        ({"amount": Money(10_000_000)}, "AMOUNT_TOO_LARGE"),
        ({"amount": Money(5400, "USD")}, "CURRENCY_NOT_SUPPORTED"),
        ({"debt_reference": "ABCD"}, "DEBT_REFERENCE_INVALID"),
        ({"debt_reference": "CP-2025-000123"}, "DEBT_REFERENCE_INVALID"),
        ({"debt_reference": "A" * 31}, "DEBT_REFERENCE_INVALID"),
        ({"debt_reference": "CP2025000123\n"}, "DEBT_REFERENCE_INVALID"),
        ({"payer_email": ""}, "PAYER_EMAIL_INVALID"),
        ({"payer_email": "a@b.c"}, "PAYER_EMAIL_INVALID"),
        ({"payer_email": "no-at-sign.example"}, "PAYER_EMAIL_INVALID"),
        ({"payer_email": "a@" + "b" * 79}, "PAYER_EMAIL_INVALID"),
        ({"payer_email": "parent\uffff@example.org"}, "PAYER_EMAIL_INVALID"),
        ({"fiscal_year": 25}, "FISCAL_YEAR_INVALID"),
        ({"return_url": "https://x/" + "a" * 241}, "RETURN_URL_INVALID"),
        ({"return_url": "javascript:alert(1)"}, "RETURN_URL_INVALID"),
        ({"notify_url": "https://x/" + "a" * 241}, "NOTIFY_URL_INVALID"),
        ({"notify_url": ""}, "NOTIFY_URL_INVALID"),
        ({"notify_url": "https://x/\uffff"}, "NOTIFY_URL_INVALID"),
    ],
)
def test_what_payfip_would_refuse_is_refused_before_it_is_asked(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidError) as caught:
        rules.check_order(replace(make_order(), **change))

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Money(100)},
        {"amount": Money(9_999_999)},
        {"debt_reference": "A" * 30},
        {"debt_reference": "abc123"},
        {"payer_email": "ab@c.d"},
        {"return_url": "https://x/" + "a" * 240},
    ],
)
def test_the_limits_themselves_are_accepted(change: dict[str, Any]) -> None:
    rules.check_order(replace(make_order(), **change))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"client_number": "12345", "mode": "T"}, "CLIENT_NUMBER_INVALID"),
        ({"client_number": "12345a", "mode": "T"}, "CLIENT_NUMBER_INVALID"),
        ({"client_number": "١٢٣٤٥٦", "mode": "T"}, "CLIENT_NUMBER_INVALID"),
        ({"client_number": "123456", "mode": "A"}, "PROVIDER_MODE_INVALID"),
        ({"client_number": "123456"}, "PROVIDER_MODE_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "file:///etc/passwd"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "page_url": "x"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "http://payfip:port/"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "http://payfip:99999/"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "http://payfip..fr/"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "http://xn--/"}, "PROVIDER_URL_INVALID"),
        ({"client_number": "123456", "mode": "T", "service_url": "http://payfip/\x7f"}, "PROVIDER_URL_INVALID"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(values: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidError) as caught:
        rules.Account.of(ProviderSettings("payfip", values))

    assert caught.value.reason == reason


def test_without_addresses_the_real_service_is_meant() -> None:
    account = rules.Account.of(ProviderSettings("payfip", {"client_number": "123456", "mode": "W"}))

    assert account.service_url == "https://www.payfip.gouv.fr/tpa/services/securite"
    assert account.page_url == "https://www.payfip.gouv.fr/tpa/paiementws.web"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cantine & périscolaire – sept. 2025 (école d'Ajoupa)", "Cantine periscolaire sept 2025 ecole d Ajoupa"),
        ("Accueil de la sœur", "Accueil de la soeur"),
        ("  \t", ""),
        ("a" * 150, "a" * 100),
    ],
)
def test_the_description_is_written_as_payfip_accepts_it(text: str, expected: Any) -> None:
    assert rules.normalise_object(text) == expected


@given(st.text())
def test_any_description_becomes_letters_digits_and_spaces(text: str) -> None:
    written = rules.normalise_object(text)

    assert len(written) <= 100
    assert written.isascii()
    assert all(character.isalnum() or character == " " for character in written)


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        ("20082025", "1502", datetime(2025, 8, 20, 13, 2, tzinfo=UTC)),
        ("15012025", "0030", datetime(2025, 1, 14, 23, 30, tzinfo=UTC)),
        ("", "", None),
        ("99999999", "9999", None),
    ],
)
def test_the_instant_of_payment_is_read_as_paris_time(day: str, hour: str, expected: Any) -> None:
    assert rules.settled_at({"dattrans": day, "heurtrans": hour}) == expected


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("R3", ErrorKind.INVALID, "DEBT_REFERENCE_INVALID"),
        ("A1", ErrorKind.INVALID, "PAYER_EMAIL_INVALID"),
        ("A2", ErrorKind.INVALID, "PAYER_EMAIL_INVALID"),
        ("M1", ErrorKind.INVALID, "AMOUNT_INVALID"),
        ("M3", ErrorKind.INVALID, "AMOUNT_TOO_SMALL"),
        ("M5", ErrorKind.INVALID, "AMOUNT_TOO_LARGE"),
        ("N1", ErrorKind.INVALID, "NOTIFY_URL_INVALID"),
        ("D1", ErrorKind.INVALID, "RETURN_URL_INVALID"),
        ("T1", ErrorKind.PRECONDITION, "PROVIDER_SETTINGS_REFUSED"),
        ("T2", ErrorKind.PRECONDITION, "PROVIDER_SETTINGS_REFUSED"),
        ("T4", ErrorKind.PRECONDITION, "PROVIDER_SETTINGS_REFUSED"),
        ("S1", ErrorKind.PRECONDITION, "PROVIDER_SETTINGS_REFUSED"),
        ("ZZ", ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
    ],
)
def test_each_code_of_the_service_has_a_meaning_of_ours(code: str, kind: ErrorKind, reason: str) -> None:
    error = rules.creation_refusal(code)

    assert isinstance(error, DomainError)
    assert (error.kind, error.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        (f"idop={ID_OP}", b"", ""),
        (f"idOp={ID_OP}", b"", ""),
        ("", f"idop={ID_OP}".encode(), FORM),
        ("x=1", f"IDOP={ID_OP}".encode(), f"{FORM}; charset=UTF-8"),
    ],
)
async def test_a_notification_is_read_from_query_or_form_whatever_the_case(
    query: str, body: bytes, content_type: str
) -> None:
    async with httpx.AsyncClient() as client:
        found = PayfipProvider(client, 1.0).parse_notification(Notification(query, body, content_type))

    assert found is not None
    assert found.provider_ref == ID_OP


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ("", b"", ""),
        ("idop=", b"", ""),
        ("idop=" + "a" * 65, b"", ""),
        ("idop=%27%20OR%201%3D1", b"", ""),
        ("", f"idop={ID_OP}".encode(), "application/json"),
        ("", b"\xff\xfe\x00", FORM),
        ("a=1&" * 60, b"", ""),
        ("", b"a=1&" * 60, FORM),
    ],
)
async def test_what_is_no_notification_is_not_taken_for_one(query: str, body: bytes, content_type: str) -> None:
    async with httpx.AsyncClient() as client:
        assert PayfipProvider(client, 1.0).parse_notification(Notification(query, body, content_type)) is None
