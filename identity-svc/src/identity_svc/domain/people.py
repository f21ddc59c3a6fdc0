"""Households, guardians, children and the accounts of guardians."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from preau_kernel.errors import InvalidError

LONGEST_TEXT = 200
LONGEST_EMAIL = 254
_USERNAME = re.compile(r"[^\s\x00-\x1f\x7f]{3,64}")
# What a browser's e-mail field takes, and neither empty parts between dots nor a domain without one.
_ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
_LANGUAGE = re.compile(r"([a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?")
# A French social security number (NIR), with 2A or 2B for who was born in Corsica: no field may hold one (CNIL).
_NIR = re.compile(r"(?<!\d)[12](?:[ .-]?\d){4}[ .-]?(?:\d[ .-]?\d|2[ABab])(?:[ .-]?\d){6}(?:[ .-]?\d{2})?(?!\d)")


@dataclass(frozen=True, slots=True)
class PostalAddress:
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class Guardian:
    """An adult with parental authority; ``is_payer`` says who is billed."""

    id: UUID
    first_name: str
    last_name: str
    email: str = ""
    phone: str = ""
    is_payer: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """Who attends."""

    id: UUID
    first_name: str
    last_name: str
    born_on: date | None = None
    school: str = ""
    school_class: str = ""


@dataclass(frozen=True, slots=True)
class Household:
    """Adults and children with one file."""

    id: UUID
    external_ref: str
    guardians: tuple[Guardian, ...]
    children: tuple[Child, ...]
    is_resident: bool = True
    address: PostalAddress = field(default_factory=PostalAddress)
    version: int = 1


@dataclass(frozen=True, slots=True)
class Account:
    """Someone who signs in; the password's hash never leaves the credentials it is kept in."""

    id: UUID
    username: str
    first_name: str
    last_name: str
    email: str
    language: str
    household_id: UUID | None
    roles: frozenset[str]


def username_key(username: str) -> str:
    """Two user names with the same key are the same name: case, width and outer blanks do not count."""
    # Cut first: one character may become eighteen, and normalising megabytes of them takes seconds.
    return storable(unicodedata.normalize("NFKC", username[:LONGEST_TEXT]).strip().casefold())


def storable(text: str) -> str:
    """Text as PostgreSQL can hold it: it has no NUL."""
    return text.replace("\x00", "\ufffd")


def check_username(username: str, field_name: str = "username") -> str:
    name = unicodedata.normalize("NFKC", username).strip()
    if not _USERNAME.fullmatch(name):
        raise InvalidError("USERNAME_INVALID", field_name, "3 to 64 characters without blanks")
    _check_no_nir(name, field_name)
    return name


def check_email(email: str, field_name: str = "email") -> str:
    """An address to write to, or nothing."""
    email = email.strip()
    if email and not is_email(email):
        raise InvalidError("EMAIL_INVALID", field_name, "not an e-mail address")
    return email


def is_email(text: str) -> bool:
    """Whether a letter can be sent there."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def check_language(language: str, field_name: str = "language") -> str:
    if not _LANGUAGE.fullmatch(language):
        raise InvalidError("LANGUAGE_INVALID", field_name, "a language is like fr or en-GB")
    return language


def check_household(household: Household) -> Household:
    """A file with at least one guardian, exactly one payer, names for all, and no social security number anywhere."""
    if not 0 < len(household.external_ref) <= LONGEST_TEXT or not household.external_ref.isprintable():
        raise InvalidError("EXTERNAL_REF_INVALID", "external_ref", "1 to 200 printable characters")
    _check_no_nir(household.external_ref, "external_ref")
    if not household.guardians:
        raise InvalidError("GUARDIAN_REQUIRED", "household.guardians", "at least one guardian")
    if sum(guardian.is_payer for guardian in household.guardians) != 1:
        raise InvalidError("PAYER_REQUIRED", "household.guardians", "exactly one guardian is billed")
    for position, guardian in enumerate(household.guardians):
        path = f"household.guardians[{position}]"
        _check_person(guardian.first_name, guardian.last_name, path)
        check_email(guardian.email, f"{path}.email")
        _check_text(guardian.phone, f"{path}.phone")
    for position, child in enumerate(household.children):
        path = f"household.children[{position}]"
        _check_person(child.first_name, child.last_name, path)
        _check_text(child.school, f"{path}.school")
        _check_text(child.school_class, f"{path}.school_class")
    address = household.address
    for name in ("line1", "line2", "postal_code", "city"):
        _check_text(getattr(address, name), f"household.address.{name}")
    return household


def _check_person(first_name: str, last_name: str, path: str) -> None:
    for name, value in (("first_name", first_name), ("last_name", last_name)):
        if not value.strip():
            raise InvalidError("NAME_INVALID", f"{path}.{name}", "a name is required")
        _check_text(value, f"{path}.{name}")


def _check_text(value: str, path: str) -> None:
    if len(value) > LONGEST_TEXT or any(unicodedata.category(character) == "Cc" for character in value):
        raise InvalidError("TEXT_INVALID", path, "at most 200 printable characters")
    _check_no_nir(value, path)


def _check_no_nir(value: str, path: str) -> None:
    if _NIR.search(value):
        raise InvalidError("SOCIAL_SECURITY_NUMBER_REFUSED", path, "a social security number must not be kept")
