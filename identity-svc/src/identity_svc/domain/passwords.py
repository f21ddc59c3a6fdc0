"""What a password must be: CNIL recommendation 2022-100, by length and variety, never by forced renewal."""

from __future__ import annotations

import unicodedata

from identity_svc.domain.errors import PasswordTooWeakError

MINIMUM_LENGTH = 12
LENGTH_WITHOUT_VARIETY = 14
REQUIRED_CLASSES = 3
MAXIMUM_LENGTH = 256
FEWEST_DIFFERENT_CHARACTERS = 5
SHORTEST_NAME_LOOKED_FOR = 4

# What remains of a password when only its letters are kept; digits and signs around such a word add little.
_COMMON_CORES = frozenset(
    {
        "abcdefghijkl", "admin", "administrateur", "administrator", "amoureux", "anniversaire", "azerty", "azertyuiop",
        "azertyuiopqsdfghjklm", "bonjour", "bonjourbonjour", "changeme", "changezmoi", "chocolat", "chouchou", "coucou",
        "doudou", "football", "iloveyou", "jetaime", "letmein", "loulou", "maison", "marseille", "monmotdepasse",
        "motdepasse", "nicolas", "olympique", "password", "passwordpassword", "princesse", "qwerty", "qwertyuiop",
        "qwertyuiopasdfghjkl", "secret", "soleil", "superman", "welcome",
    }
)  # fmt: skip
_RUNS = "01234567890123456789 abcdefghijklmnopqrstuvwxyz azertyuiopqsdfghjklmwxcvbn qwertyuiopasdfghjklzxcvbnm"


def normalise_password(password: str) -> str:
    """The same text typed on two keyboards gives the same bytes (NFKC, as NIST SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, username: str, field: str = "new_password") -> None:
    """``PASSWORD_TOO_WEAK`` unless long and varied enough, uncommon, and not built on the user name."""
    problem = "too_long" if len(password) > MAXIMUM_LENGTH else _problem(normalise_password(password), username)
    if problem:
        raise PasswordTooWeakError(problem, MINIMUM_LENGTH, field)


def _problem(password: str, username: str) -> str:
    if len(password) > MAXIMUM_LENGTH:
        return "too_long"
    if len(password) < MINIMUM_LENGTH:
        return "too_short"
    if len(password) < LENGTH_WITHOUT_VARIETY and _classes(password) < REQUIRED_CLASSES:
        return "too_simple"
    folded = _fold(password)
    name = _fold(username)
    if len(name) >= SHORTEST_NAME_LOOKED_FOR and name in folded:
        return "contains_username"
    letters = "".join(character for character in folded if character.isalpha())
    if letters in _COMMON_CORES or len(set(folded)) < FEWEST_DIFFERENT_CHARACTERS or _is_run(folded):
        return "too_common"
    return ""


def _classes(password: str) -> int:
    kinds = {
        "lower" if character.islower() else "upper" if character.isupper() else "digit" if character.isdigit() else "x"
        for character in password
    }
    return len(kinds)


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _is_run(folded: str) -> bool:
    return folded in _RUNS or folded[::-1] in _RUNS
