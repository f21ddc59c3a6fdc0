"""A service as one declaration, and ``run``: serve, work, migrate, all, replay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from nats.aio.client import Client as Nats
from preau_kernel.clock import Clock
from preau_kernel.ids import IdFactory, UuidV7Factory

from preau_chassis.client import close_channel, open_channel
from preau_chassis.consumers import Consumer
from preau_chassis.database import Database
from preau_chassis.jobs import Job
from preau_chassis.pagination import PageTokens
from preau_chassis.remote_identity import ServiceTokens
from preau_chassis.server import Servicer
from preau_chassis.settings import ServiceSettings
from preau_chassis.tokens import JwksSource

__all__ = ["Job", "Parts", "Runtime", "ServiceDefinition", "Servicer", "run"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of."""

    servicers: Sequence[Servicer] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Job] = ()
    public_methods: frozenset[str] = frozenset()
    jwks_source: JwksSource | None = None
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(slots=True)
class Runtime:
    """What the chassis has ready for a service's ``build``."""

    settings: Any
    clock: Clock
    database: Database
    work_database: Database
    nats: Nats
    page_tokens: PageTokens
    name: str
    ids: IdFactory = field(default_factory=UuidV7Factory)
    _channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)
    _tokens: ServiceTokens | None = None

    def channel(self, address: str) -> grpc.aio.Channel:
        """The channel to ``address``; the same one every time."""
        if address not in self._channels:
            self._channels[address] = open_channel(address)
        return self._channels[address]

    def identity_channel(self) -> grpc.aio.Channel:
        """The channel to identity-svc."""
        return self.channel(self.settings.required("identity_address"))

    async def service_token(self, tenant_slug: str) -> str:
        """This service's own token for one town."""
        if self._tokens is None:
            secret = self.settings.required("service_secret")
            self._tokens = ServiceTokens(
                service=self.name, secret=secret, channel=self.identity_channel, clock=self.clock
            )
        return await self._tokens.token(tenant_slug)

    async def close(self) -> None:
        """Close channels and connections."""
        for channel in self._channels.values():
            await close_channel(channel)
        await self.database.close()
        if self.work_database is not self.database:
            await self.work_database.close()


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """A service's name, settings, schema, events and how it is put together."""

    name: str
    settings: type[ServiceSettings]
    migrations: Path
    events: tuple[type[Message], ...]
    build: Callable[[Runtime], Awaitable[Parts]]
    needs_revision: str = "0001"
    """The oldest schema this code runs on: the newest of the release before, since pods may come before a migration."""


def run(definition: ServiceDefinition, arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says: ``serve``, ``work``, ``all``, ``migrate`` or ``replay <durable>``; the exit status."""
    from preau_chassis.verbs import run_verb

    return run_verb(definition, arguments)
