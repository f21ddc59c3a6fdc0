"""Signing in and out."""

from __future__ import annotations

from litestar import Controller, delete, post
from litestar.params import JSONBody
from preau.identity.v1.identity_service_pb2 import SignInRequest, SignOutRequest

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS, IdempotencyKey
from gateway.api.schemas import OpenedSession, SignIn
from gateway.auth import Sessions, require_signed_in
from gateway.security import client_address, user_agent


class SessionsController(Controller):
    path = "/sessions"
    tags = ("Sessions",)

    @post(operation_id="openSession", responses=PROBLEMS)
    async def open_session(
        self, request: AnyRequest, data: JSONBody[SignIn], idempotency_key: IdempotencyKey = ""
    ) -> OpenedSession:
        """Open a session for a user name and password. The token is opaque; identity decides when it ends.

        The same key and body give the same token while its session is open, and 401 SESSION_EXPIRED once it is over.
        """
        caller = caller_of(request)
        service_token = await caller.clients.service_token(caller.town.slug)
        answer = await caller.clients.identity.sign_in(
            service_token,
            SignInRequest(
                username=data.username,
                password=data.password,
                client_address=client_address(request),
                user_agent=user_agent(request),
                request_id=caller.request_id(idempotency_key) if idempotency_key else "",
            ),
        )
        sessions: Sessions = request.app.state.sessions
        sessions.remember(caller.town, answer)
        return OpenedSession(answer.session_token, mapping.instant(answer.session_expires_at))

    @delete(
        "/current",
        operation_id="closeSession",
        responses=PROBLEMS,
        status_code=204,
        guards=[require_signed_in],
        security=BEARER,
    )
    async def close_session(self, request: AnyRequest) -> None:
        """Close the session this call was made with."""
        caller = caller_of(request)
        await caller.clients.identity.sign_out(caller.token, SignOutRequest(session_token=caller.visitor.session_token))
        sessions: Sessions = request.app.state.sessions
        sessions.forget_session(caller.town, caller.visitor.session_token)
