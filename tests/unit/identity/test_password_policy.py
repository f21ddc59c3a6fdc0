import pytest
from identity_svc.domain.errors import PasswordTooWeakError
from identity_svc.domain.passwords import check_password, normalise_password
from preau_kernel.errors import ErrorKind


@pytest.mark.parametrize(
    "password",
    [
        "Cantine-Demo-2025",
        "Abcdef-12345",  # 12 characters, four classes
        "correct horse battery",  # long enough without variety
        "préau préau école",
        "tournesol2718!",
    ],
)
def test_long_or_varied_passwords_are_accepted(password: str) -> None:
    check_password(password, "parent.demo")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("Abc-12345xy", "too_short"),
        ("abcdefgh1234", "too_simple"),
        ("tournesolvif", "too_simple"),
        ("MotDePasse-2025", "too_common"),
        ("Azertyuiop123!", "too_common"),
        ("aaaaaaaaaaaaaaaa", "too_common"),
        ("azertyuiopqsdf", "too_common"),
        ("98765432109876", "too_common"),
        ("Parent.Demo-2025", "contains_username"),
        ("Ab1-" * 70, "too_long"),
        ("Ab1-" + "e\u0301" * 130, "too_long"),
    ],
)
def test_weak_passwords_are_refused_with_their_problem(password: str, problem: str) -> None:
    with pytest.raises(PasswordTooWeakError) as refusal:
        check_password(password, "parent.demo")
    assert refusal.value.kind is ErrorKind.INVALID
    assert refusal.value.reason == "PASSWORD_TOO_WEAK"
    assert refusal.value.metadata == {"field": "new_password", "problem": problem, "minimum_length": "12"}


def test_a_refusal_never_repeats_the_password() -> None:
    with pytest.raises(PasswordTooWeakError) as refusal:
        check_password("trop court", "parent.demo")
    assert "trop court" not in f"{refusal.value.message} {refusal.value.metadata}"


def test_the_same_text_from_two_keyboards_is_the_same_password() -> None:
    assert normalise_password("e\u0301cole") == normalise_password("\u00e9cole")
