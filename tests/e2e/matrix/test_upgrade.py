"""The release before this one and this one, on either schema and together: the main job passes at every step of an upgrade."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from preau_stack.environment import MODULES
from preau_stack.running import SEPTEMBER_2025, running_platform
from preau_stack.testing import temporary_folder

from tests.e2e.matrix.upgrade import PROCESSES, Upgrade, check_out, last_release
from tests.e2e.platform.world import World

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def upgrade() -> Iterator[tuple[Upgrade, Path]]:
    release = last_release()
    with temporary_folder() as folder:
        if not check_out(release, folder / "old"):
            pytest.skip(
                f"This clone lacks the commit of release {release.version} ({release.commit}): git fetch --unshallow"
            )
        yield Upgrade(folder / "links", folder / "old"), folder / "data"


@pytest.fixture(scope="module")
async def world(upgrade: tuple[Upgrade, Path]) -> AsyncIterator[World]:
    trees, data = upgrade
    with running_platform(data, {"PREAU_NOW": SEPTEMBER_2025} | trees.variables()) as platform:
        world = World(platform)
        yield world
        await world.close()


async def test_an_upgrade_passes_the_main_job_at_every_step(upgrade: tuple[Upgrade, Path], world: World) -> None:
    trees, _ = upgrade
    platform = world.platform

    async def step(name: str, *new: str) -> None:
        with _named(name):
            await trees.become(platform, new)
            await _main_job(world)

    await trees.check(platform)
    before = await world.family()
    async with world.parent(before) as parent:
        await parent.book("2025-09-01", "2025-09-30")
        invoice = await parent.issue()
    await step("new code, old schema", *PROCESSES)
    with _named("new migrations under old code"):
        await trees.become(platform, ())
        await trees.migrate(platform)
    # Before, timed jobs of the new code may say that the migration is due.
    bugs = len(world.bugs())
    await step("old code, new schema")
    for name in PROCESSES:
        await step(f"{name} is new, the others are old", name)
    for name in PROCESSES:
        await step(f"{name} is old, the others are new", *(each for each in PROCESSES if each != name))
    await step("new code, new schema", *PROCESSES)

    # An invoice of the old release, paid in the new one.
    async with world.parent(before) as parent:
        await world.payfip.pay(invoice["payment_url"])
        assert (await parent.settled(invoice["id"]))["number"] == invoice["number"]
    await world.audit("casepilote")
    assert not world.bugs()[bugs:]


def test_no_service_needs_a_newer_schema_than_the_last_release_has(upgrade: tuple[Upgrade, Path]) -> None:
    trees, _ = upgrade
    for module in MODULES.values():
        definition = import_module(f"{module}.bootstrap").DEFINITION
        folder = definition.migrations.relative_to(trees.new) / "versions"
        released = [path.name.partition("_")[0] for path in (trees.old / folder).glob("*.py")]
        assert definition.needs_revision in released, definition.name


async def _main_job(world: World) -> None:
    family = await world.family()
    async with world.parent(family) as parent:
        assert (await parent.book("2025-09-01", "2025-09-30"))["created"] == 72
        basket = await parent.basket()
        assert (basket["count"], basket["total"]["minor_units"]) == (72, 5400)
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        paid = await parent.settled(invoice["id"])
        assert (paid["total"]["minor_units"], paid["line_count"]) == (5400, 72)
    assert await world.books.statuses(family.id) == {2: 72}
    assert await world.books.payments_of(family.id) == 1
    assert await world.alerts(family) == []


@contextmanager
def _named(step: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        error.add_note(f"Step: {step}")
        raise
