"""What identity measures: sign-ins by outcome, and the signing key's remaining life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from preau_chassis.testing import Recorded, recorded_metrics
from preau_kernel.clock import FixedClock
from preau_kernel.errors import DomainError
from preau_stack.databases import ServiceDatabase

from tests.integration.identity.test_signing_keys import own_database
from tests.integration.identity.world import START, Town, World, minutes, running_world

__all__ = ["own_database"]

DAY = timedelta(days=1).total_seconds()


def sign_ins(recorded: Recorded, town: Town) -> dict[str, float]:
    return {
        str(each["preau.outcome"]): recorded.value("preau.sign_ins", each)
        for each in recorded.attributes("preau.sign_ins")
        if each["preau.tenant"] == town.slug
    }


async def refused(town: Town, reason: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await town.sign_in(password="wrong")
    assert refusal.value.reason == reason


async def test_sign_ins_are_counted_by_outcome_in_their_town(world: World, family: Town) -> None:
    other = await world.make_town()
    with recorded_metrics() as recorded:
        await family.sign_in()
        for _ in range(5):
            await refused(family, "SIGN_IN_FAILED")
        await refused(family, "TOO_MANY_ATTEMPTS")
        await refused(other, "SIGN_IN_FAILED")
        assert sign_ins(recorded, family) == {"done": 1, "refused": 5, "throttled": 1}
        assert sign_ins(recorded, other) == {"refused": 1}


async def test_a_sign_in_that_is_sent_again_opens_and_counts_one_session(family: Town) -> None:
    request_id = str(uuid4())
    with recorded_metrics() as recorded:
        first = await family.sign_in(request_id=request_id)
        again = await family.sign_in(request_id=request_id)
        assert again.session_token == first.session_token
        assert sign_ins(recorded, family) == {"done": 1}


@pytest.fixture
async def own_world(own_database: ServiceDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(own_database, tmp_path, FixedClock(START)) as running:
        yield running


async def key_life(world: World, recorded: Recorded) -> float | None:
    await world.run_job("watch-signing-key")
    return (
        recorded.value("preau.signing_key.expires_in") if recorded.attributes("preau.signing_key.expires_in") else None
    )


async def test_the_signing_key_shows_how_long_until_the_next_must_be_there(own_world: World) -> None:
    with recorded_metrics() as recorded:
        assert await key_life(own_world, recorded) is None, "no key yet"
        await own_world.operator()
        assert await key_life(own_world, recorded) == 30 * DAY

        own_world.clock.advance(timedelta(days=29))
        assert await key_life(own_world, recorded) == DAY
        own_world.clock.advance(timedelta(days=3))
        assert await key_life(own_world, recorded) == -2 * DAY, "nobody has rotated"

        await own_world.run_job("rotate-keys")
        assert await key_life(own_world, recorded) == 30 * DAY + minutes(10).total_seconds()


async def test_a_key_that_cannot_sign_here_does_not_count(
    own_world: World,
    own_database: ServiceDatabase,
    tmp_path: Path,
) -> None:
    await own_world.operator()
    own_world.clock.advance(timedelta(days=10))
    with recorded_metrics() as recorded:
        async with running_world(own_database, tmp_path / "elsewhere", own_world.clock) as stranger:
            assert await key_life(stranger, recorded) is None
        assert await key_life(own_world, recorded) == 20 * DAY
