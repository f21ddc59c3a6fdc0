"""What has served is forgotten in every town, whatever happens in one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from identity_svc.application.purge_expired import purge_expired
from preau_kernel.clock import FixedClock
from preau_kernel.context import Context
from preau_kernel.errors import UnavailableError

TOWNS = ("casepilote", "petit-val", "saint-aubin")


class Directory:
    async def all(self) -> list[Any]:
        return [SimpleNamespace(number=number, slug=slug) for number, slug in enumerate(TOWNS, start=1)]


class Town:
    def __init__(self, slug: str, purged: list[str]) -> None:
        self._slug = slug
        self._purged = purged
        self.housekeeping = self

    async def purge(self, *_: object) -> None:
        if self._slug == "petit-val":
            raise UnavailableError("DATABASE_BUSY")

    async def commit(self) -> None:
        self._purged.append(self._slug)


async def test_a_town_that_fails_does_not_keep_the_data_of_the_others() -> None:
    purged: list[str] = []

    @asynccontextmanager
    async def open_town(context: Context, *_: object) -> AsyncIterator[Any]:
        yield Town(context.tenant_slug, purged)

    factory: Any = open_town
    directory: Any = Directory()
    with pytest.raises(UnavailableError):
        await purge_expired(factory, directory, FixedClock(datetime(2025, 9, 1, tzinfo=UTC)))

    assert purged == ["casepilote", "saint-aubin"]
