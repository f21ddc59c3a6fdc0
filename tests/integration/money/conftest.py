"""The agenda's and billing's real databases side by side; their events are carried by hand, in the order a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.integration.agenda.conftest import (  # noqa: F401 - fixtures of the other side
    agenda_database,
    agenda_urls,
    agenda_work_database,
    new_world,
)
from tests.integration.agenda.world import activity
from tests.integration.billing.conftest import audit, platform, town  # noqa: F401 - fixtures of the other side
from tests.integration.billing.town import Town
from tests.integration.money.family import BothSides


@pytest.fixture
async def both_sides(
    new_world: Callable[..., Awaitable[Any]],  # noqa: F811 - the fixture imported above
    town: Town,  # noqa: F811 - the fixture imported above
) -> AsyncIterator[BothSides]:
    """A town of two activities with two places each, and a family of one child."""
    world = await (await new_world()).with_activities(activity("matin", 1), activity("soir", 2), capacity=2)
    sides = BothSides(world, town)
    await sides.open({"matin": 100, "soir": 60})
    yield sides
    sides.restore_clock()
