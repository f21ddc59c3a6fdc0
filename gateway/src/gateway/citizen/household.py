"""« Mon foyer »."""

from __future__ import annotations

from litestar import Controller, get

from gateway.auth import require_family
from gateway.citizen.dates import read_day
from gateway.citizen.desk import Desk, Page
from gateway.citizen.names import child_of
from gateway.directory import Directory


class HouseholdController(Controller):
    """Who the town knows the family to be."""

    path = "/foyer"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def show(self, desk: Desk) -> Page:
        """Adults, children, address."""
        directory: Directory = desk.request.app.state.directory
        household = await directory.household(desk.town, desk.visitor)
        children = [(child_of(child), read_day(child.born_on)) for child in household.children]
        return await desk.family_page("account/household.html", household=household, children=children)
