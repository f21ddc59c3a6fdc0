from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from identity_svc.domain.people import (
    Child,
    Guardian,
    Household,
    PostalAddress,
    check_email,
    check_household,
    check_username,
    username_key,
)
from preau_kernel.errors import InvalidError

ID = UUID(int=1)
HOUSEHOLD = Household(
    ID,
    "ref-1",
    (Guardian(ID, "Ada", "Martin", "ada@example.org", "06 12 34 56 78", is_payer=True), Guardian(ID, "Bo", "Martin")),
    (Child(ID, "Chloé", "Martin", None, "École du Bourg", "CE1"),),
)


def test_a_complete_household_is_accepted() -> None:
    assert check_household(HOUSEHOLD) is HOUSEHOLD


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"external_ref": ""}, "EXTERNAL_REF_INVALID", "external_ref"),
        ({"external_ref": "a\x00"}, "EXTERNAL_REF_INVALID", "external_ref"),
        ({"guardians": ()}, "GUARDIAN_REQUIRED", "household.guardians"),
        ({"guardians": (Guardian(ID, "A", "B"),)}, "PAYER_REQUIRED", "household.guardians"),
        ({"guardians": (Guardian(ID, "A", "B", is_payer=True),) * 2}, "PAYER_REQUIRED", "household.guardians"),
        ({"guardians": (Guardian(ID, "", "B", is_payer=True),)}, "NAME_INVALID", "household.guardians[0].first_name"),
        (
            {"guardians": (Guardian(ID, "A", "B", "a@b", is_payer=True),)},
            "EMAIL_INVALID",
            "household.guardians[0].email",
        ),
        ({"children": (Child(ID, "A", " "),)}, "NAME_INVALID", "household.children[0].last_name"),
        ({"children": (Child(ID, "A", "B", school="x\ny"),)}, "TEXT_INVALID", "household.children[0].school"),
        ({"address": PostalAddress(line1="x" * 201)}, "TEXT_INVALID", "household.address.line1"),
        (
            {"address": PostalAddress(line2="NIR 2 69 05 49 588 157 80")},
            "SOCIAL_SECURITY_NUMBER_REFUSED",
            "household.address.line2",
        ),
        (
            {"address": PostalAddress(line2="1 85 07 2A 004 157")},
            "SOCIAL_SECURITY_NUMBER_REFUSED",
            "household.address.line2",
        ),
        ({"external_ref": "269054958815780"}, "SOCIAL_SECURITY_NUMBER_REFUSED", "external_ref"),
        (
            {"children": (Child(ID, "A", "B", school_class="1691275123456"),)},
            "SOCIAL_SECURITY_NUMBER_REFUSED",
            "household.children[0].school_class",
        ),
    ],
)
def test_a_wrong_household_is_refused_by_field(change: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_household(replace(HOUSEHOLD, **change))
    assert (refusal.value.reason, refusal.value.metadata["field"]) == (reason, field)


def test_international_phone_numbers_are_not_taken_for_social_security_numbers() -> None:
    phone = replace(HOUSEHOLD.guardians[0], phone="+596 696 12 34 56")
    assert check_household(replace(HOUSEHOLD, guardians=(phone,)))


def test_case_and_width_make_no_other_user_name() -> None:
    assert username_key(" Parent.Demo ") == username_key("parent.demo") == username_key("ｐarent.demo")


def test_a_name_of_megabytes_is_no_work() -> None:
    assert len(username_key("\ufdfa" * 1_000_000)) < 10_000


@pytest.mark.parametrize("name", ["ab", "a b c", "x" * 65, "tab\tbed", ""])
def test_odd_user_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_username(name)
    assert refusal.value.reason == "USERNAME_INVALID"


def test_a_social_security_number_is_no_user_name() -> None:
    with pytest.raises(InvalidError) as refusal:
        check_username("2690549588157")
    assert (refusal.value.reason, refusal.value.metadata["field"]) == ("SOCIAL_SECURITY_NUMBER_REFUSED", "username")


@pytest.mark.parametrize(
    "email",
    [
        "a@b",
        "a b@c.fr",
        "a@b.fr\nBcc: c@d.fr",
        "<a@b.fr>",
        "a@@b.fr",
        "x" * 250 + "@b.fr",
        "a(b@c.fr",
        "[a@c.fr",
        "a@[c.fr",
        "a:b@c.fr",
        '"a@c.fr',
        "a..b@c.fr",
        "a@c..fr",
        "a@-c.fr",
        "élodie@c.fr",
    ],
)
def test_odd_addresses_are_refused(email: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_email(email)
    assert refusal.value.reason == "EMAIL_INVALID"


@pytest.mark.parametrize("email", ["a@b.fr", "Jean-Luc.O'Neil+cantine@mairie.case-pilote.example", "a_1@b2.c3.museum"])
def test_usual_addresses_are_taken(email: str) -> None:
    assert check_email(f" {email} ") == email


def test_no_address_is_an_answer() -> None:
    assert check_email(" ") == ""
