from __future__ import annotations

from gateway.signing import Signer, fingerprint
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_opens_with_the_same_binding(payload: bytes, binding: str) -> None:
    signer = Signer("secret", "purpose")
    assert signer.open(signer.seal(payload, binding), binding) == payload


@given(st.text(max_size=100))
def test_no_other_text_opens(text: str) -> None:
    assert Signer("secret", "purpose").open(text) is None


def test_a_value_is_worthless_for_another_purpose_binding_or_secret() -> None:
    sealed = Signer("secret", "csrf").seal(b"x", "me")
    assert Signer("secret", "notice").open(sealed, "me") is None
    assert Signer("secret", "csrf").open(sealed, "you") is None
    assert Signer("other", "csrf").open(sealed, "me") is None


def test_a_changed_payload_does_not_open() -> None:
    signer = Signer("secret", "csrf")
    body, _, signature = signer.seal(b"12").partition(".")
    assert signer.open(f"{signer.seal(b'13').partition('.')[0]}.{signature}") is None
    assert signer.open(f"{body}.{signature[:-1]}") is None


def test_a_fingerprint_is_stable_and_takes_any_text() -> None:
    assert fingerprint("é\udcff") == fingerprint("é\udcff") != fingerprint("é")
