"""What providers give towns is unreadable at rest and cannot be moved or changed."""

from __future__ import annotations

import base64
import os

import pytest
from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.domain.errors import SettingsUnreadableError
from payment_gateway_svc.settings import PaymentSettings
from pydantic import SecretStr, ValidationError

PLAIN = b'{"client_number": "090909"}'


def make_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_what_is_sealed_opens_again_and_shows_nothing_meanwhile() -> None:
    box = SecretBox.from_base64(make_key())

    key_id, sealed = box.seal(PLAIN, "1:payfip")

    assert b"090909" not in sealed
    assert box.open(key_id, sealed, "1:payfip") == PLAIN


def test_the_same_words_are_sealed_differently_each_time() -> None:
    box = SecretBox.from_base64(make_key())

    assert box.seal(PLAIN, "1:payfip") != box.seal(PLAIN, "1:payfip")


@pytest.mark.parametrize("bound_to", ["2:payfip", "1:lyra", ""])
def test_a_row_moved_to_another_town_or_provider_does_not_open(bound_to: str) -> None:
    box = SecretBox.from_base64(make_key())
    key_id, sealed = box.seal(PLAIN, "1:payfip")

    with pytest.raises(SettingsUnreadableError):
        box.open(key_id, sealed, bound_to)


def test_one_changed_bit_anywhere_is_noticed() -> None:
    box = SecretBox.from_base64(make_key())
    key_id, sealed = box.seal(PLAIN, "1:payfip")

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SettingsUnreadableError):
            box.open(key_id, bytes(changed), "1:payfip")


def test_a_former_key_still_opens_and_the_new_one_seals() -> None:
    old, new = make_key(), make_key()
    key_id, sealed = SecretBox.from_base64(old).seal(PLAIN, "1:payfip")

    box = SecretBox.from_base64(new, old)

    assert box.open(key_id, sealed, "1:payfip") == PLAIN
    assert box.seal(PLAIN, "1:payfip")[0] != key_id


def test_a_lost_key_or_cut_bytes_are_a_clear_error() -> None:
    key_id, sealed = SecretBox.from_base64(make_key()).seal(PLAIN, "1:payfip")

    with pytest.raises(SettingsUnreadableError):
        SecretBox.from_base64(make_key()).open(key_id, sealed, "1:payfip")


@pytest.mark.parametrize("text", ["", "abc", base64.b64encode(b"short").decode()])
def test_a_key_that_is_no_key_stops_the_process_with_the_name_of_the_variable(text: str) -> None:
    with pytest.raises((ValidationError, ValueError), match="PREAU_ENCRYPTION_KEY"):
        PaymentSettings(encryption_key=SecretStr(text)).secret_box()
