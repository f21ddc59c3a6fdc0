from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import (
    IdentityServiceServicer,
    IdentityServiceStub,
    add_IdentityServiceServicer_to_server,
)
from preau_chassis.client import call, deadline
from preau_chassis.server import Servicer, current_claims, current_context
from preau_chassis.testing import TokenMint, running_server
from preau_kernel.errors import DomainError, ErrorKind, InvalidError, PreconditionError

from tests.integration.chassis.conftest import context

if TYPE_CHECKING:
    from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

NAME = "preau.identity.v1.IdentityService"
ERRORS = {
    "invalid": InvalidError("BAD_DAY", "day", "not a day", day="2025-02-30"),
    "precondition": PreconditionError("SESSION_FULL", capacity="40"),
    "quota": DomainError(ErrorKind.QUOTA, "TOO_MANY_ATTEMPTS", retry_after_seconds="1.5"),
    **{
        kind.value: DomainError(kind, f"A_{kind.name}", "words", fact="1")
        for kind in ErrorKind
        if kind
        not in {ErrorKind.INVALID, ErrorKind.PRECONDITION, ErrorKind.QUOTA, ErrorKind.BUG, ErrorKind.UNAVAILABLE}
    },
}


class Answers(IdentityServiceServicer):
    """GetHousehold fails as its id says; GetAccount tells the caller; ListSessions hangs; ResolveTenant is public."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def GetHousehold(self, request: pb.GetHouseholdRequest, _context: Any) -> pb.GetHouseholdResponse:
        if request.id == "bug":
            raise RuntimeError("secret=42")
        raise ERRORS[request.id]

    async def GetAccount(self, _request: pb.GetAccountRequest, _context: Any) -> pb.GetAccountResponse:
        caller = current_context()
        return pb.GetAccountResponse(
            account=pb.Account(
                id=caller.actor,
                username=caller.tenant_slug,
                household_id=caller.household_id,
                roles=sorted(caller.roles),
                language=current_claims().session_id,
            )
        )

    async def ListSessions(self, _request: pb.ListSessionsRequest, _context: Any) -> pb.ListSessionsResponse:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return pb.ListSessionsResponse()

    async def ResolveTenant(self, request: pb.ResolveTenantRequest, _context: Any) -> pb.ResolveTenantResponse:
        return pb.ResolveTenantResponse(tenant=pb.Tenant(slug=request.host))


@dataclass(frozen=True)
class Served:
    stub: IdentityServiceAsyncStub
    channel: grpc.aio.Channel
    mint: TokenMint
    answers: Answers

    @property
    def token(self) -> str:
        return self.mint.token(context(), session_id="s1")


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    mint, answers = TokenMint(), Answers()  # type: ignore[abstract] # the other methods are not called
    servicer = Servicer(add_IdentityServiceServicer_to_server, answers, NAME)
    public = frozenset({f"/{NAME}/ResolveTenant"})
    async with running_server([servicer], mint, service="identity", public_methods=public) as channel:
        yield Served(IdentityServiceStub(channel), channel, mint, answers)


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_crosses_the_wire_unchanged(served: Served, name: str) -> None:
    with pytest.raises(DomainError) as raised:
        await call(served.stub.GetHousehold, pb.GetHouseholdRequest(id=name), timeout=2.0, token=served.token)
    sent = ERRORS[name]
    received = raised.value
    assert (received.kind, received.reason, received.message) == (sent.kind, sent.reason, sent.message)
    assert received.metadata == sent.metadata


async def test_details_are_those_of_the_error_model(served: Served) -> None:
    async def details(name: str) -> Status:
        metadata = [("authorization", f"Bearer {served.token}")]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await served.stub.GetHousehold(pb.GetHouseholdRequest(id=name), timeout=2.0, metadata=metadata)
        found = dict(raised.value.trailing_metadata() or ())
        return Status.FromString(found["grpc-status-details-bin"])

    info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
    invalid = await details("invalid")
    assert invalid.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("BAD_DAY", "identity.preau")
    assert invalid.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "day"
    assert (await details("quota")).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


async def test_the_text_of_an_unexpected_exception_stays_inside(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DomainError) as raised:
        await call(served.stub.GetHousehold, pb.GetHouseholdRequest(id="bug"), timeout=2.0, token=served.token)
    assert raised.value.kind is ErrorKind.BUG
    assert raised.value.reason == "INTERNAL"
    assert raised.value.metadata["error_id"]
    assert "42" not in str(raised.value)


async def test_the_caller_comes_from_the_token(served: Served) -> None:
    account = (await call(served.stub.GetAccount, pb.GetAccountRequest(), timeout=2.0, token=served.token)).account
    assert (account.id, account.username, account.household_id) == ("tester", "casepilote", "household")
    assert list(account.roles) == ["guardian"]
    assert account.language == "s1"


async def test_bad_tokens_are_refused(served: Served) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    bad = {
        "": "TOKEN_MISSING",
        "nonsense": "TOKEN_INVALID",
        served.token[:-8] + "AAAAAAAA": "TOKEN_INVALID",
        TokenMint().token(context()): "TOKEN_INVALID",
        TokenMint("other").token(context()): "TOKEN_INVALID",
        served.mint.sign(
            {"iss": "someone", "aud": "preau", "sub": "x", "tid": 1, "town": "t", "exp": 4102444800}
        ): "TOKEN_INVALID",
        served.mint.token(context(), expires_at=past): "TOKEN_EXPIRED",
    }
    for token, reason in bad.items():
        with pytest.raises(DomainError) as raised:
            await call(served.stub.GetAccount, pb.GetAccountRequest(), timeout=2.0, token=token)
        assert (raised.value.kind, raised.value.reason) == (ErrorKind.UNAUTHENTICATED, reason)


async def test_a_public_method_needs_no_token(served: Served) -> None:
    answer = await call(served.stub.ResolveTenant, pb.ResolveTenantRequest(host="x"), timeout=2.0)
    assert answer.tenant.slug == "x"


async def test_a_call_without_a_deadline_is_refused(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.ResolveTenant(pb.ResolveTenantRequest())
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_call_that_cannot_end_in_time_is_refused(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await served.stub.ResolveTenant(pb.ResolveTenantRequest(), timeout=0.09)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    with deadline(0.05), pytest.raises(DomainError) as refused:
        await call(served.stub.ResolveTenant, pb.ResolveTenantRequest(), timeout=2.0)
    assert refused.value.reason == "DEADLINE_EXCEEDED"


async def test_a_deadline_ends_the_work_on_the_server(served: Served) -> None:
    with pytest.raises(DomainError) as raised:
        await call(served.stub.ListSessions, pb.ListSessionsRequest(), timeout=0.3, token=served.token)
    assert raised.value.kind is ErrorKind.TIMEOUT
    async with asyncio.timeout(2):
        await served.answers.cancelled.wait()


async def test_an_absent_server_is_unavailable() -> None:
    from preau_chassis.client import close_channel, open_channel

    channel = open_channel("127.0.0.1:1")
    stub: IdentityServiceAsyncStub = IdentityServiceStub(channel)
    with pytest.raises(DomainError) as raised:
        await call(stub.ResolveTenant, pb.ResolveTenantRequest(), timeout=1.0)
    assert raised.value.kind in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}
    await close_channel(channel)


async def test_health_and_unimplemented_answer_plainly(served: Served) -> None:
    health: Any = health_pb2_grpc.HealthStub(served.channel)
    answer: Any = await health.Check(health_pb2.HealthCheckRequest(service=NAME), timeout=2.0)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(DomainError) as raised:
        await call(served.stub.SignOut, pb.SignOutRequest(), timeout=2.0, token=served.token)
    assert raised.value.kind is ErrorKind.BUG
