"""The pages of the footer."""

from __future__ import annotations

from litestar import Controller, get

from gateway.citizen.desk import Desk, Page


class InformationController(Controller):
    """What the law and good manners ask a town to publish."""

    @get("/accessibilite")
    async def accessibility(self, desk: Desk) -> Page:
        """« non conforme » until somebody has audited the town's site."""
        return desk.page("information/accessibility.html")

    @get("/mentions-legales")
    async def legal(self, desk: Desk) -> Page:
        """Who publishes."""
        return desk.page("information/legal.html")

    @get("/donnees-personnelles")
    async def privacy(self, desk: Desk) -> Page:
        """What is kept, why and how long."""
        return desk.page("information/privacy.html")

    @get("/contact")
    async def contact(self, desk: Desk) -> Page:
        """Who can help."""
        return desk.page("information/contact.html")

    @get("/plan-du-site")
    async def site_map(self, desk: Desk) -> Page:
        """Every page."""
        return desk.page("information/map.html")
