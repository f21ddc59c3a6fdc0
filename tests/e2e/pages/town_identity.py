"""The small town's accounts, sessions and household behind identity's contract."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from preau.identity.v1 import identity_service_pb2 as identity
from preau_kernel.errors import DomainError, ErrorKind, PreconditionError

from tests.e2e.pages.small_town import (
    CHILDREN,
    NOW,
    SmallTown,
)
from tests.fixtures.fake_services import FakeIdentity
from tests.fixtures.fake_world import refuse


class TownIdentity(FakeIdentity):
    _world: SmallTown

    async def SignIn(self, request: Any, context: Any) -> Any:
        return self._with_end(await super().SignIn(request, context))

    async def ExchangeSession(self, request: Any, context: Any) -> Any:
        return self._with_end(await super().ExchangeSession(request, context))

    def _with_end(self, answer: Any) -> Any:
        if self._world.session_ends_at:
            answer.session_expires_at.FromDatetime(self._world.session_ends_at)
        return answer

    async def GetHousehold(self, request: Any, context: Any) -> Any:
        children = [
            identity.Child(
                id=key,
                first_name=name,
                last_name="Démo",
                school="École du Bourg",
                school_class=level,
                born_on="2017-03-04",
            )
            for key, name, level in CHILDREN
        ]
        guardians = [
            identity.Guardian(
                id="g1",
                first_name="Camille",
                last_name="Démo",
                email="camille@example.org",
                phone="0696 00 00 01",
                is_payer=True,
            ),
            identity.Guardian(id="g2", first_name="Alex", last_name="Démo"),
        ]
        address = identity.PostalAddress(line1="3 rue du Bourg", postal_code="97222", city="Case-Pilote")
        return identity.GetHouseholdResponse(
            household=identity.Household(
                id="household-1", children=children, guardians=guardians, is_resident=True, address=address
            )
        )

    async def GetAccount(self, request: Any, context: Any) -> Any:
        return identity.GetAccountResponse(account=self._account("parent.demo"))

    async def UpdateAccount(self, request: Any, context: Any) -> Any:
        await self._world.enter("UpdateAccount", request, context)
        return identity.UpdateAccountResponse(account=self._account("parent.demo"))

    async def ListSessions(self, request: Any, context: Any) -> Any:
        agents = [
            ("s1", True, "Mozilla/5.0 (X11; Linux) Firefox/140.0"),
            ("s2", False, "Mozilla/5.0 (iPhone) Safari/600"),
        ]
        sessions = []
        for key, is_current, agent in agents:
            session = identity.Session(id=key, user_agent=agent, is_current=is_current)
            session.created_at.FromDatetime(NOW - timedelta(days=2))
            session.last_seen_at.FromDatetime(NOW)
            sessions.append(session)
        return identity.ListSessionsResponse(sessions=sessions)

    async def CloseSession(self, request: Any, context: Any) -> Any:
        await self._world.enter("CloseSession", request, context)
        return identity.CloseSessionResponse()

    async def ChangePassword(self, request: Any, context: Any) -> Any:
        await self._world.enter("ChangePassword", request, context)
        if request.current_password != "Cantine-Demo-2025":
            await refuse(context, DomainError(ErrorKind.UNAUTHENTICATED, "SIGN_IN_FAILED"))
        return identity.ChangePasswordResponse()

    async def RequestPasswordReset(self, request: Any, context: Any) -> Any:
        await self._world.enter("RequestPasswordReset", request, context)
        return identity.RequestPasswordResetResponse()

    async def ResetPassword(self, request: Any, context: Any) -> Any:
        await self._world.enter("ResetPassword", request, context)
        if request.token != "bon":
            await refuse(context, PreconditionError("RESET_LINK_INVALID"))
        return identity.ResetPasswordResponse()

    @staticmethod
    def _account(username: str) -> identity.Account:
        return identity.Account(
            id="account-1",
            username=username,
            first_name="Camille",
            last_name="Démo",
            email="camille@example.org",
            household_id="household-1",
        )
