"""Calls on identity: who is calling, from which town, for which household. Each raises ``DomainError``."""

from __future__ import annotations

import grpc.aio
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call

from gateway.clients.deadlines import READ, SIGN_IN, WRITE


class IdentityClient:
    """Identity, as the gateway uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = IdentityServiceStub(channel)

    async def sign_in(self, token: str, request: pb.SignInRequest) -> pb.SignInResponse:
        return await call(self._stub.SignIn, request, timeout=SIGN_IN, token=token)

    async def exchange_session(self, token: str, request: pb.ExchangeSessionRequest) -> pb.ExchangeSessionResponse:
        return await call(self._stub.ExchangeSession, request, timeout=READ, token=token)

    async def sign_out(self, token: str, request: pb.SignOutRequest) -> pb.SignOutResponse:
        return await call(self._stub.SignOut, request, timeout=WRITE, token=token)

    async def list_sessions(self, token: str, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        return await call(self._stub.ListSessions, request, timeout=READ, token=token)

    async def close_session(self, token: str, request: pb.CloseSessionRequest) -> pb.CloseSessionResponse:
        return await call(self._stub.CloseSession, request, timeout=WRITE, token=token)

    async def change_password(self, token: str, request: pb.ChangePasswordRequest) -> pb.ChangePasswordResponse:
        return await call(self._stub.ChangePassword, request, timeout=WRITE, token=token)

    async def request_password_reset(
        self, token: str, request: pb.RequestPasswordResetRequest
    ) -> pb.RequestPasswordResetResponse:
        return await call(self._stub.RequestPasswordReset, request, timeout=WRITE, token=token)

    async def reset_password(self, token: str, request: pb.ResetPasswordRequest) -> pb.ResetPasswordResponse:
        return await call(self._stub.ResetPassword, request, timeout=WRITE, token=token)

    async def get_account(self, token: str, request: pb.GetAccountRequest) -> pb.GetAccountResponse:
        return await call(self._stub.GetAccount, request, timeout=READ, token=token)

    async def update_account(self, token: str, request: pb.UpdateAccountRequest) -> pb.UpdateAccountResponse:
        return await call(self._stub.UpdateAccount, request, timeout=WRITE, token=token)

    async def get_household(self, token: str, request: pb.GetHouseholdRequest) -> pb.GetHouseholdResponse:
        return await call(self._stub.GetHousehold, request, timeout=READ, token=token)
