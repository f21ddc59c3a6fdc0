"""A real identity server in this process, on a real database, with a clock that tests move."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from identity_svc.bootstrap import build
from identity_svc.settings import IdentitySettings
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call, close_channel, open_channel
from preau_chassis.database import Database
from preau_chassis.server import GrpcServer
from preau_chassis.service import Parts, Runtime
from preau_chassis.tokens import JwksSource, TokenClaims, TokenVerifier
from preau_kernel.clock import FixedClock
from preau_kernel.ids import UuidV7Factory
from preau_stack.databases import ServiceDatabase

if TYPE_CHECKING:
    # Known to type checkers only.
    from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

START = datetime(2025, 8, 20, 13, tzinfo=UTC)
PASSWORD = "Cantine-Demo-2025"
SECRETS = {name: f"secret of {name}" for name in ("gateway", "agenda", "billing", "payment", "operator")}
_numbers = itertools.count(1)


def settings_for(database: ServiceDatabase, folder: Path, **changes: Any) -> IdentitySettings:
    values: dict[str, Any] = {
        "env": "test",
        "database_url": database.app_url,
        "work_database_url": database.work_url,
        "service_secrets": SECRETS,
        "mail_dir": folder / "mail",
        "signing_key_dir": folder / "keys",
        "password_memory_kib": 1024,
    }
    return IdentitySettings(**(values | changes))


@dataclass
class Town:
    """A town of this test, and its tokens."""

    world: World
    slug: str
    number: int = 0
    households: dict[str, pb.Household] = field(default_factory=dict)

    @property
    def reset_url(self) -> str:
        return f"http://{self.slug}.localhost:8080/nouveau-mot-de-passe"

    async def token(self, service: str = "gateway") -> str:
        return await self.world.service_token(service, self.slug)

    async def add_household(
        self, username: str = "parent.demo", password: str = PASSWORD, **changes: Any
    ) -> pb.Household:
        request = household_request(username=username, password=password, **changes)
        answer = await self.world.call("ImportHousehold", request, await self.token("operator"))
        household: pb.Household = answer.household
        self.households[username] = household
        return household

    async def sign_in(self, username: str = "parent.demo", password: str = PASSWORD, **more: str) -> pb.SignInResponse:
        request = pb.SignInRequest(
            username=username, password=password, **({"client_address": "192.0.2.1", "user_agent": "Firefox"} | more)
        )
        return cast("pb.SignInResponse", await self.world.call("SignIn", request, await self.token()))

    async def exchange(self, session_token: str) -> pb.ExchangeSessionResponse:
        request = pb.ExchangeSessionRequest(session_token=session_token)
        return cast("pb.ExchangeSessionResponse", await self.world.call("ExchangeSession", request, await self.token()))


@dataclass
class World:
    """The server and what it stands on."""

    database: ServiceDatabase
    clock: FixedClock
    stub: IdentityServiceAsyncStub
    parts: Parts
    verifier: TokenVerifier
    folder: Path
    address: str

    @property
    def jwks_source(self) -> JwksSource:
        assert self.parts.jwks_source is not None
        return self.parts.jwks_source

    async def call(self, method: str, request: Any, token: str = "") -> Any:
        return await call(getattr(self.stub, method), request, timeout=10, token=token)

    async def service_token(self, service: str, slug: str) -> str:
        request = pb.IssueServiceTokenRequest(service=service, secret=SECRETS[service], tenant_slug=slug)
        answer = await self.call("IssueServiceToken", request)
        return str(answer.access_token)

    async def operator(self) -> str:
        return await self.service_token("operator", "")

    async def claims(self, token: str) -> TokenClaims:
        return await self.verifier.verify(token)

    async def make_town(self, **changes: Any) -> Town:
        slug = changes.pop("slug", f"ville-{next(_numbers)}")
        tenant = pb.Tenant(**({"slug": slug, "name": "Case-Pilote", "time_zone": "America/Martinique"} | changes))
        answer = await self.call("UpsertTenant", pb.UpsertTenantRequest(tenant=tenant), await self.operator())
        return Town(self, slug, answer.tenant.number)

    async def run_job(self, name: str) -> None:
        (job,) = [job for job in self.parts.jobs if job.name == name]
        await job.run()

    def letters(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*.eml"))

    @asynccontextmanager
    async def connect(self, tenant_id: int | None = None, url: str = "") -> AsyncIterator[asyncpg.Connection]:
        """The app role's own connection, as some careless code would use it, inside one transaction."""
        connection = await asyncpg.connect(url or self.database.app_url)
        try:
            async with connection.transaction():
                if tenant_id is not None:
                    await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
                yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def running_world(
    database: ServiceDatabase, folder: Path, clock: FixedClock | None = None, **changes: Any
) -> AsyncIterator[World]:
    settings = settings_for(database, folder, **changes)
    clock = clock or FixedClock(START)
    app = Database(database.app_url, pool_size=4)
    work = Database(database.work_url, pool_size=2)
    runtime = Runtime(
        settings=settings,
        clock=clock,
        database=app,
        work_database=work,
        nats=cast("Any", None),
        page_tokens=cast("Any", None),
        name="identity",
        ids=UuidV7Factory(),
    )
    parts = await build(runtime)
    assert parts.jwks_source is not None
    verifier = TokenVerifier(parts.jwks_source, clock)
    server = GrpcServer(service="identity", listen="127.0.0.1:0")
    await server.start()
    await server.admit((), parts.servicers, verifier, parts.public_methods)
    address = f"127.0.0.1:{server.port}"
    channel = open_channel(address)
    try:
        yield World(database, clock, IdentityServiceStub(channel), parts, verifier, folder, address)
    finally:
        await close_channel(channel)
        await server.stop(grace=1)
        if parts.close is not None:
            await parts.close()
        await runtime.close()


def household_request(
    username: str = "parent.demo", password: str = PASSWORD, ref: str = "", email: str = "ada@example.org", **more: Any
) -> pb.ImportHouseholdRequest:
    return pb.ImportHouseholdRequest(
        external_ref=ref or f"ref-{username}",
        household=pb.Household(
            guardians=[
                pb.Guardian(first_name="Ada", last_name="Martin", email=email, phone="0596 00 00 01", is_payer=True),
                pb.Guardian(first_name="Bo", last_name="Martin"),
            ],
            children=[
                pb.Child(first_name="Chloé", last_name="Martin", born_on="2017-03-02", school="École du Bourg"),
                pb.Child(first_name="David", last_name="Martin", school_class="CM1"),
            ],
            is_resident=True,
            address=pb.PostalAddress(line1="1 rue du Port", postal_code="97222", city="Case-Pilote"),
        ),
        accounts=more.get("accounts", [pb.NewAccount(guardian_index=0, username=username, password=password)]),
    )


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
