"""The town that a host name belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import grpc.aio
from preau.identity.v1.identity_service_pb2 import ResolveTenantRequest, Tenant
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call
from preau_kernel.errors import DomainError, ErrorKind, NotFoundError

from gateway.cache import ExpiringCache
from gateway.clients.deadlines import READ
from gateway.signing import fingerprint

_FRESH_SECONDS = 30.0
_UNKNOWN_SECONDS = 5.0
_HOSTS = 5_000
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Contact:
    """Where families turn to."""

    office_name: str
    phone: str
    email: str
    hours: str
    address: str


@dataclass(frozen=True, slots=True)
class Town:
    """A town, as pages need it."""

    number: int
    slug: str
    name: str
    zone: ZoneInfo
    locale: str
    primary: str
    accent: str
    contact: Contact
    news: str
    hold_minutes: int
    is_production: bool
    accessibility_state: str
    hosts: tuple[str, ...]
    theme_version: str

    @classmethod
    def of(cls, tenant: Tenant) -> Town:
        contact = tenant.contact
        return cls(
            number=tenant.number,
            slug=tenant.slug,
            name=tenant.name,
            zone=ZoneInfo(tenant.time_zone),
            locale=tenant.locale or "fr",
            primary=tenant.theme.primary,
            accent=tenant.theme.accent,
            contact=Contact(contact.office_name, contact.phone, contact.email, contact.hours, contact.address),
            news=tenant.news,
            hold_minutes=tenant.hold_minutes,
            is_production=tenant.is_production,
            accessibility_state=tenant.accessibility_state or "none",
            hosts=tuple(tenant.hosts),
            theme_version=fingerprint(tenant.theme.primary + tenant.theme.accent)[:8],
        )


class Towns:
    """Towns by host, asked of identity once in a while; unknown hosts are remembered for a few seconds too."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = IdentityServiceStub(channel)
        self._known: ExpiringCache[str, Town | _Unknown] = ExpiringCache(_HOSTS)

    def peek(self, host: str) -> Town | None:
        """The town without asking anybody: the usual case, free of any wait."""
        found = self._known.peek(host)
        return found if isinstance(found, Town) else None

    async def of_host(self, host: str) -> Town:
        """The town of a Host header. ``NOT_FOUND/UNKNOWN_TOWN`` when there is none."""
        host = host.lower()
        if not _HOST.fullmatch(host):
            raise NotFoundError("UNKNOWN_TOWN")
        found = await self._known.get(host, lambda: self._ask(host))
        if isinstance(found, Town):
            return found
        raise NotFoundError("UNKNOWN_TOWN")

    async def _ask(self, host: str) -> tuple[Town | _Unknown, float]:
        try:
            answer = await call(self._stub.ResolveTenant, ResolveTenantRequest(host=host), timeout=READ, token="")
        except DomainError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return _Unknown(), _UNKNOWN_SECONDS
            raise
        return Town.of(answer.tenant), _FRESH_SECONDS


class _Unknown:
    """A host that belongs to no town."""
