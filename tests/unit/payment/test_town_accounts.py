"""A town's account at its provider, and who may touch it."""

from __future__ import annotations

import pytest
from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.application.record_town import RecordTown, record_town
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import TenantId, TenantSlug

from tests.unit.payment.fakes import (
    OPERATOR,
    SERVICE,
    make_guardian,
)
from tests.unit.payment.world import World


async def test_a_parent_may_not_poll_configure_or_test(world: World) -> None:
    parent = make_guardian("h1")
    settings = ProviderSettings("payfip", {"client_number": "123456"})

    for call in (world.poll.town(parent), world.configure(settings, parent), world.check(parent)):
        with pytest.raises(DomainError) as caught:
            await call
        assert caught.value.kind is ErrorKind.FORBIDDEN


async def test_a_setting_that_cannot_be_right_is_refused_and_the_old_one_kept(world: World) -> None:
    before = dict(world.database.tables.settings)

    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("payfip", {}), OPERATOR)

    assert caught.value.reason == "CLIENT_NUMBER_INVALID"
    assert world.database.tables.settings == before


async def test_an_unknown_provider_is_refused(world: World) -> None:
    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("paypig", {}), OPERATOR)

    assert caught.value.reason == "PROVIDER_UNKNOWN"


@pytest.mark.parametrize(("is_production", "mode", "warned"), [(True, "T", 1), (True, "W", 0), (False, "T", 0)])
async def test_test_mode_in_a_production_town_is_allowed_and_reported(
    world: World, *, is_production: bool, mode: str, warned: int
) -> None:
    world.database.tables.is_production = is_production

    await world.configure(ProviderSettings("payfip", {"client_number": "123456", "mode": mode}), OPERATOR)

    assert len(world.recorder.warned) == warned
    assert world.database.tables.settings["payfip"][0].values["mode"] == mode


async def test_the_settings_can_be_tried(world: World) -> None:
    description = await world.check(OPERATOR)

    assert (description.is_ok, description.labels) == (True, ("REGIE",))


async def test_a_town_is_recorded_as_identity_says(world: World) -> None:
    async with world.database.begin(SERVICE) as uow:
        await record_town(RecordTown(version=3, is_production=True), uow.towns)
        await uow.commit()

    assert world.database.tables.is_production


async def test_an_operators_token_for_no_town_configures_nothing(world: World) -> None:
    platform = Context(TenantId(0), TenantSlug(""), "service:operator", frozenset({"operator"}))

    with pytest.raises(DomainError) as caught:
        await world.configure(ProviderSettings("payfip", {"client_number": "123456"}), platform)

    assert caught.value.kind is ErrorKind.FORBIDDEN
