"""gRPC in, use cases out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1 import identity_service_pb2_grpc as rpc
from preau_chassis.calls import current_claims, current_context
from preau_chassis.wire import parse_uuid, timestamp_to_wire
from preau_kernel.errors import DomainError
from preau_kernel.ids import IdFactory

from identity_svc.application.change_password import ChangePassword, change_password
from identity_svc.application.close_session import close_session
from identity_svc.application.exchange_session import ExchangePorts, exchange_session
from identity_svc.application.get_account import get_account
from identity_svc.application.get_household import get_household
from identity_svc.application.import_household import import_household
from identity_svc.application.issue_service_token import IssueServiceToken, issue_service_token
from identity_svc.application.list_sessions import list_sessions
from identity_svc.application.ports import SessionExchange, TenantDirectory
from identity_svc.application.request_password_reset import RequestPasswordReset, request_password_reset
from identity_svc.application.reset_password import ResetPassword, reset_password
from identity_svc.application.resolve_tenant import resolve_tenant
from identity_svc.application.sign_in import SignIn, SignInPorts, sign_in
from identity_svc.application.sign_out import sign_out
from identity_svc.application.update_account import UpdateAccount, update_account
from identity_svc.application.upsert_tenant import upsert_tenant
from identity_svc.entrypoints.measures import count_refused_sign_in, count_sign_in
from identity_svc.entrypoints.messages import (
    account_to_wire,
    household_to_wire,
    import_from_wire,
    session_to_wire,
    tenant_from_wire,
    tenant_to_wire,
)

_Call = Any
"""grpc.aio's call object; everything we need of it the chassis has read already."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the servicer hands to the use cases."""

    sign_in: SignInPorts
    exchange: SessionExchange
    directory: TenantDirectory
    service_secrets: Mapping[str, str]
    ids: IdFactory


class IdentityServicer(rpc.IdentityServiceServicer):
    """Shape checks and mapping; who may call is each use case's first line."""

    def __init__(self, ports: Ports) -> None:
        common = ports.sign_in
        self._ports = ports
        self._sign_in = common
        self._uow_factory = common.uow_factory
        self._hasher = common.hasher
        self._signer = common.signer
        self._secrets = common.secrets
        self._clock = common.clock
        self._exchange = ExchangePorts(ports.exchange, common.signer, common.secrets, common.clock, common.sessions)

    async def ResolveTenant(self, request: pb.ResolveTenantRequest, context: _Call) -> pb.ResolveTenantResponse:
        tenant = await resolve_tenant(request.host, self._ports.directory)
        return pb.ResolveTenantResponse(tenant=tenant_to_wire(tenant))

    async def IssueServiceToken(
        self, request: pb.IssueServiceTokenRequest, context: _Call
    ) -> pb.IssueServiceTokenResponse:
        command = IssueServiceToken(request.service, request.secret, request.tenant_slug)
        token = await issue_service_token(
            command, self._ports.service_secrets, self._ports.directory, self._signer, self._clock
        )
        return pb.IssueServiceTokenResponse(access_token=token.text, expires_at=timestamp_to_wire(token.expires_at))

    async def GetJwks(self, request: pb.GetJwksRequest, context: _Call) -> pb.GetJwksResponse:
        return pb.GetJwksResponse(jwks_json=await self._signer.jwks(self._clock.now()))

    async def SignIn(self, request: pb.SignInRequest, context: _Call) -> pb.SignInResponse:
        command = SignIn(
            username=request.username,
            password=request.password,
            client_address=request.client_address,
            user_agent=request.user_agent,
            request_id=parse_uuid(request.request_id, "request_id") if request.request_id else None,
        )
        caller = current_context()
        try:
            result = await sign_in(command, caller, self._sign_in)
        except DomainError as error:
            count_refused_sign_in(caller.tenant_slug, error)
            raise
        if not result.is_repeated:
            count_sign_in(caller.tenant_slug)
        return pb.SignInResponse(
            session_token=result.session_token,
            session_expires_at=timestamp_to_wire(result.session_expires_at),
            access_token=result.access.text,
            access_expires_at=timestamp_to_wire(result.access.expires_at),
            account=account_to_wire(result.account),
        )

    async def ExchangeSession(self, request: pb.ExchangeSessionRequest, context: _Call) -> pb.ExchangeSessionResponse:
        result = await exchange_session(request.session_token, current_context(), self._exchange)
        return pb.ExchangeSessionResponse(
            access_token=result.access.text,
            access_expires_at=timestamp_to_wire(result.access.expires_at),
            session_expires_at=timestamp_to_wire(result.session_expires_at),
            account=account_to_wire(result.account),
        )

    async def SignOut(self, request: pb.SignOutRequest, context: _Call) -> pb.SignOutResponse:
        await sign_out(request.session_token, current_context(), self._uow_factory, self._secrets, self._clock)
        return pb.SignOutResponse()

    async def ListSessions(self, request: pb.ListSessionsRequest, context: _Call) -> pb.ListSessionsResponse:
        sessions = await list_sessions(current_context(), current_claims().session_id, self._uow_factory, self._clock)
        return pb.ListSessionsResponse(sessions=[session_to_wire(session) for session in sessions])

    async def CloseSession(self, request: pb.CloseSessionRequest, context: _Call) -> pb.CloseSessionResponse:
        await close_session(request.id, current_context(), self._uow_factory, self._clock)
        return pb.CloseSessionResponse()

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: _Call) -> pb.ChangePasswordResponse:
        command = ChangePassword(request.current_password, request.new_password, current_claims().session_id)
        await change_password(command, current_context(), self._uow_factory, self._hasher, self._secrets, self._clock)
        return pb.ChangePasswordResponse()

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: _Call
    ) -> pb.RequestPasswordResetResponse:
        command = RequestPasswordReset(request.username, request.reset_url, request.client_address)
        await request_password_reset(
            command, current_context(), self._uow_factory, self._ports.directory, self._secrets, self._clock
        )
        return pb.RequestPasswordResetResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: _Call) -> pb.ResetPasswordResponse:
        await reset_password(
            ResetPassword(request.token, request.new_password),
            current_context(),
            self._uow_factory,
            self._hasher,
            self._secrets,
            self._clock,
        )
        return pb.ResetPasswordResponse()

    async def GetAccount(self, request: pb.GetAccountRequest, context: _Call) -> pb.GetAccountResponse:
        account = await get_account(current_context(), self._uow_factory)
        return pb.GetAccountResponse(account=account_to_wire(account))

    async def UpdateAccount(self, request: pb.UpdateAccountRequest, context: _Call) -> pb.UpdateAccountResponse:
        command = UpdateAccount(
            email=request.email if request.HasField("email") else None,
            language=request.language if request.HasField("language") else None,
        )
        account = await update_account(command, current_context(), self._uow_factory, self._clock)
        return pb.UpdateAccountResponse(account=account_to_wire(account))

    async def GetHousehold(self, request: pb.GetHouseholdRequest, context: _Call) -> pb.GetHouseholdResponse:
        household = await get_household(request.id, current_context(), self._uow_factory)
        return pb.GetHouseholdResponse(household=household_to_wire(household))

    async def UpsertTenant(self, request: pb.UpsertTenantRequest, context: _Call) -> pb.UpsertTenantResponse:
        tenant = await upsert_tenant(
            tenant_from_wire(request.tenant),
            current_context(),
            self._uow_factory,
            self._ports.directory,
            self._clock,
        )
        return pb.UpsertTenantResponse(tenant=tenant_to_wire(tenant))

    async def ImportHousehold(self, request: pb.ImportHouseholdRequest, context: _Call) -> pb.ImportHouseholdResponse:
        result = await import_household(
            import_from_wire(request),
            current_context(),
            self._uow_factory,
            self._hasher,
            self._clock,
            self._ports.ids,
        )
        return pb.ImportHouseholdResponse(household=household_to_wire(result.household), was_created=result.was_created)
