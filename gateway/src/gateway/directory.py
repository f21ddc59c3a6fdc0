"""Names the gateway puts beside ids: the household's children, the town's activities. Cached for seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preau.agenda.v1.agenda_service_pb2 import Activity, ListActivitiesRequest
from preau.identity.v1.identity_service_pb2 import Child, GetHouseholdRequest, Household

from gateway.activity_names import ActivityName, name_activities
from gateway.cache import ExpiringCache

if TYPE_CHECKING:
    from gateway.auth import Visitor
    from gateway.clients import Clients
    from gateway.town import Town

_SECONDS = 20.0
_HOUSEHOLDS = 20_000
_TOWNS = 2_000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A town's activities, in order and by id, and their names as pages show them. Shared by requests: never changed."""

    activities: tuple[Activity, ...]
    by_id: Mapping[str, Activity]
    names: Mapping[str, ActivityName]

    def name(self, activity_id: str) -> str:
        found = self.by_id.get(activity_id)
        return found.name if found else ""


class Directory:
    """Who and what, by id."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._households: ExpiringCache[tuple[int, str], Household] = ExpiringCache(_HOUSEHOLDS)
        self._catalogues: ExpiringCache[int, Catalogue] = ExpiringCache(_TOWNS)

    async def household(self, town: Town, visitor: Visitor) -> Household:
        """The visitor's household."""

        async def load() -> tuple[Household, float]:
            answer = await self._clients.identity.get_household(visitor.token, GetHouseholdRequest())
            return answer.household, _SECONDS

        return await self._households.get((town.number, visitor.household_id), load)

    async def children(self, town: Town, visitor: Visitor) -> dict[str, Child]:
        """The household's children by id, in the household's order."""
        household = await self.household(town, visitor)
        return {child.id: child for child in household.children}

    async def catalogue(self, town: Town, visitor: Visitor) -> Catalogue:
        """The town's activities."""

        async def load() -> tuple[Catalogue, float]:
            answer = await self._clients.agenda.list_activities(visitor.token, ListActivitiesRequest())
            found = tuple(answer.activities)
            names = {each.id: each for each in name_activities(found)}
            return Catalogue(found, {activity.id: activity for activity in found}, names), _SECONDS

        return await self._catalogues.get(town.number, load)
