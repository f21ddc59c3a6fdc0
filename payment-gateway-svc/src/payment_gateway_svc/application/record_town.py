"""Keeps the little this service must know of a town."""

from __future__ import annotations

from dataclasses import dataclass

from payment_gateway_svc.application.ports import TownRepository


@dataclass(frozen=True, slots=True)
class RecordTown:
    """What identity says, whole at each change."""

    version: int
    is_production: bool


async def record_town(command: RecordTown, towns: TownRepository) -> None:
    """An older event never overwrites a newer one."""
    await towns.save(command.version, is_production=command.is_production)
