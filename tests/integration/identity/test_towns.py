from typing import Any

import pytest
from preau.identity.v1 import identity_events_pb2 as events
from preau.identity.v1 import identity_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.identity.world import SECRETS, Town, World


async def resolve(world: World, host: str) -> pb.Tenant:
    answer: pb.ResolveTenantResponse = await world.call("ResolveTenant", pb.ResolveTenantRequest(host=host))
    return answer.tenant


async def upsert(world: World, token: str, **fields: Any) -> pb.Tenant:
    tenant = pb.Tenant(**fields)
    answer: pb.UpsertTenantResponse = await world.call("UpsertTenant", pb.UpsertTenantRequest(tenant=tenant), token)
    return answer.tenant


async def published(world: World, number: int, kind: str) -> list[bytes]:
    async with world.connect(number) as connection:
        rows = await connection.fetch(
            "SELECT body FROM outbox WHERE type = $1 ORDER BY id", f"preau.identity.v1.{kind}"
        )
    return [row["body"] for row in rows]


async def test_a_town_is_found_by_any_of_its_hosts_and_by_its_local_name(world: World) -> None:
    town = await world.make_town(hosts=["cantine.un.example", "un.example"])
    for host in ("cantine.un.example", "UN.example:8443", f"{town.slug}.localhost:8080", f"{town.slug}.LOCALHOST"):
        found = await resolve(world, host)
        assert (found.number, found.slug) == (town.number, town.slug)
    assert list(found.hosts) == ["cantine.un.example", "un.example"]


@pytest.mark.parametrize(
    "host", ["nowhere.example", "nowhere.localhost", "localhost", "127.0.0.1:8080", "", "a'b", "a\x00b"]
)
async def test_an_unknown_host_belongs_to_no_town(world: World, host: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await resolve(world, host)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.NOT_FOUND, "UNKNOWN_TOWN")


async def test_a_new_town_has_defaults_a_number_and_an_event(world: World) -> None:
    town = await world.make_town(contact=pb.Contact(office_name="Service scolaire", address="Mairie"))
    found = await resolve(world, f"{town.slug}.localhost")
    assert found.number == town.number > 0
    assert (found.locale, found.hold_minutes, found.is_production, found.accessibility_state) == (
        "fr",
        60,
        False,
        "none",
    )
    assert found.theme.primary.startswith("#")
    (body,) = await published(world, town.number, "TenantChanged")
    event = events.TenantChanged.FromString(body)
    assert (event.number, event.slug, event.name, event.version) == (town.number, town.slug, "Case-Pilote", 1)
    assert (event.office_name, event.office_address, event.hold_minutes) == ("Service scolaire", "Mairie", 60)


async def test_changing_a_town_keeps_its_number_and_raises_its_version(world: World) -> None:
    town = await world.make_town(hosts=["avant.example"])
    token = await world.operator()
    fields = {"slug": town.slug, "name": "Autre nom", "time_zone": "Europe/Paris", "hosts": ["apres.example"]}
    changed = await upsert(world, token, **fields)
    again = await upsert(world, token, **fields)
    assert changed.number == again.number == town.number
    assert (await resolve(world, "apres.example")).name == "Autre nom"
    with pytest.raises(DomainError):
        await resolve(world, "avant.example")
    versions = [
        events.TenantChanged.FromString(b).version for b in await published(world, town.number, "TenantChanged")
    ]
    assert versions == [1, 2]


async def test_two_towns_never_share_a_host(world: World) -> None:
    await world.make_town(hosts=["commune.example"])
    with pytest.raises(DomainError) as refusal:
        await world.make_town(hosts=["Commune.example"])
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.EXISTS, "HOST_TAKEN")
    assert refusal.value.metadata["host"] == "commune.example"


async def test_only_an_operator_changes_towns(world: World, town: Town) -> None:
    for token in (await town.token("gateway"), await town.token("billing")):
        with pytest.raises(DomainError) as refusal:
            await upsert(world, token, slug=town.slug, name="X", time_zone="Europe/Paris")
        assert refusal.value.kind is ErrorKind.FORBIDDEN


async def test_a_town_unreadable_on_white_is_refused(world: World) -> None:
    with pytest.raises(DomainError) as refusal:
        await world.make_town(theme=pb.Theme(primary="#ffcc00"))
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.INVALID, "CONTRAST_TOO_LOW")
    assert refusal.value.metadata["field"] == "theme.primary"


async def test_a_service_token_names_its_service_and_its_town(world: World, town: Town) -> None:
    claims = await world.claims(await town.token("billing"))
    assert (claims.subject, claims.tenant_id, claims.tenant_slug) == ("service:billing", town.number, town.slug)
    assert claims.roles == {"service"}
    assert (claims.expires_at - world.clock.now()).total_seconds() == 300


async def test_an_operator_may_speak_for_the_platform_or_for_a_town(world: World, town: Town) -> None:
    platform = await world.claims(await world.operator())
    local = await world.claims(await town.token("operator"))
    assert (platform.tenant_id, sorted(platform.roles)) == (0, ["operator"])
    assert (local.tenant_id, sorted(local.roles)) == (town.number, ["operator"])


@pytest.mark.parametrize(("service", "secret"), [("billing", "wrong"), ("billing", ""), ("nobody", ""), ("", "x")])
async def test_a_wrong_secret_and_an_unknown_service_are_refused_alike(
    world: World, town: Town, service: str, secret: str
) -> None:
    request = pb.IssueServiceTokenRequest(service=service, secret=secret, tenant_slug=town.slug)
    with pytest.raises(DomainError) as refusal:
        await world.call("IssueServiceToken", request)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.UNAUTHENTICATED, "SERVICE_SECRET_INVALID")


@pytest.mark.parametrize(
    ("slug", "reason"), [("", "TENANT_REQUIRED"), ("nulle-part", "UNKNOWN_TOWN"), ("a\x00", "UNKNOWN_TOWN")]
)
async def test_a_service_needs_a_town_that_exists(world: World, slug: str, reason: str) -> None:
    request = pb.IssueServiceTokenRequest(service="billing", secret=SECRETS["billing"], tenant_slug=slug)
    with pytest.raises(DomainError) as refusal:
        await world.call("IssueServiceToken", request)
    assert refusal.value.reason == reason
