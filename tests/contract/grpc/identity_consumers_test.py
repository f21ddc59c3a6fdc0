"""What each consumer expects of identity, run on the real servicer and a real database."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from preau.identity.v1 import identity_events_pb2 as events
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.messaging import subject_of
from preau_kernel.errors import DomainError, ErrorKind
from preau_stack.databases import ServiceDatabase

from tests.integration.identity.world import Town, World, running_world


@pytest.fixture(scope="module")
async def family(
    migrated: Callable[[str], ServiceDatabase], parts: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    keys = Path(parts.environment("identity")["PREAU_SIGNING_KEY_DIR"])
    folder = tmp_path_factory.mktemp("identity-contract")
    async with running_world(migrated("identity"), folder, signing_key_dir=keys) as world:
        town = await world.make_town(slug="contrat", hosts=["contrat.example"])
        await town.add_household()
        yield town


def payload_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def refusal_of(world: World, method: str, request: Any, token: str) -> tuple[ErrorKind, str, set[str]]:
    with pytest.raises(DomainError) as refusal:
        await world.call(method, request, token)
    return refusal.value.kind, refusal.value.reason, set(refusal.value.metadata)


async def test_every_service_expects_these_claims_in_a_service_token(family: Town) -> None:
    claims = payload_of(await family.token("agenda"))
    assert claims.pop("exp") > 0
    assert claims == {
        "iss": "preau-identity",
        "aud": "preau",
        "sub": "service:agenda",
        "tid": family.number,
        "town": "contrat",
        "hh": "",
        "roles": ["service"],
    }


async def test_every_service_expects_these_claims_in_a_parent_s_token(family: Town) -> None:
    opened = await family.sign_in()
    claims = payload_of(opened.access_token)
    assert set(claims) == {"iss", "aud", "sub", "tid", "town", "hh", "roles", "sid", "exp"}
    assert (claims["sub"], claims["hh"]) == (opened.account.id, opened.account.household_id)
    assert (claims["tid"], claims["town"], claims["roles"]) == (family.number, "contrat", ["guardian"])


async def test_the_gateway_expects_a_town_by_host_and_a_reason_for_none(family: Town) -> None:
    world = family.world
    tenant = (await world.call("ResolveTenant", pb.ResolveTenantRequest(host="contrat.example:443"))).tenant
    assert (tenant.slug, tenant.number, list(tenant.hosts)) == ("contrat", family.number, ["contrat.example"])
    unknown = await refusal_of(world, "ResolveTenant", pb.ResolveTenantRequest(host="x.example"), "")
    assert unknown == (ErrorKind.NOT_FOUND, "UNKNOWN_TOWN", set())


async def test_the_gateway_expects_these_reasons_when_people_sign_in(family: Town) -> None:
    world, token = family.world, await family.token()
    wrong = pb.SignInRequest(username="quelqu'un", password="x", client_address="192.0.2.99")
    assert await refusal_of(world, "SignIn", wrong, token) == (ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED", set())
    for _ in range(4):
        await refusal_of(world, "SignIn", wrong, token)
    throttled = await refusal_of(world, "SignIn", wrong, token)
    assert throttled == (ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", {"retry_at"})
    gone = pb.ExchangeSessionRequest(session_token="x")
    assert await refusal_of(world, "ExchangeSession", gone, token) == (
        ErrorKind.UNAUTHENTICATED,
        "SESSION_EXPIRED",
        set(),
    )


async def test_the_gateway_expects_these_reasons_for_new_passwords(family: Town) -> None:
    world = family.world
    parent = (await family.sign_in()).access_token
    weak = pb.ChangePasswordRequest(current_password="x", new_password="x")
    assert await refusal_of(world, "ChangePassword", weak, parent) == (
        ErrorKind.INVALID,
        "PASSWORD_TOO_WEAK",
        {"field", "problem", "minimum_length"},
    )
    spent = pb.ResetPasswordRequest(token="x", new_password="Nouveau-Secret-77")
    assert await refusal_of(world, "ResetPassword", spent, await family.token()) == (
        ErrorKind.PRECONDITION,
        "RESET_LINK_INVALID",
        set(),
    )


async def test_billing_expects_the_names_and_address_an_invoice_prints(family: Town) -> None:
    household_id = family.households["parent.demo"].id
    request = pb.GetHouseholdRequest(id=household_id)
    household = (await family.world.call("GetHousehold", request, await family.token("billing"))).household
    (payer,) = [guardian for guardian in household.guardians if guardian.is_payer]
    assert (payer.first_name, payer.last_name) == ("Ada", "Martin")
    assert (household.address.line1, household.address.postal_code) == ("1 rue du Port", "97222")
    assert [child.first_name for child in household.children] == ["Chloé", "David"]


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (events.TenantChanged, "evt.contrat.identity.tenant.changed.v1"),
        (events.HouseholdChanged, "evt.contrat.identity.household.changed.v1"),
    ],
)
def test_agenda_and_billing_expect_events_under_these_subjects(message: Any, subject: str) -> None:
    assert subject_of("contrat", message) == subject
