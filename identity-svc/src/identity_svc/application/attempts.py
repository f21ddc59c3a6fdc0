"""Attempts are counted before their outcome is known, in PostgreSQL, so that all replicas count together."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from preau_kernel.ids import TenantId

from identity_svc.application.ports import SecretFactory, ThrottleRepository
from identity_svc.domain.errors import TooManyAttemptsError
from identity_svc.domain.throttle import ThrottlePolicy, blocked_until, forgive_attempt, register_attempt

ADDRESS_IS_KNOWN_FOR = timedelta(days=30)
IPV6_NETWORK = 64

Purpose = Literal["sign-in", "reset"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One counter and the rule it obeys."""

    key: bytes
    policy: ThrottlePolicy


async def register(store: ThrottleRepository, limits: Sequence[Limit], now: datetime) -> None:
    """Count one attempt on every limit, or ``TOO_MANY_ATTEMPTS`` and count nothing: waiting is never prolonged."""
    counters = await store.lock([limit.key for limit in limits], now)
    waits = [wait for counter in counters if (wait := blocked_until(counter, now))]
    if waits:
        raise TooManyAttemptsError(max(waits))
    for limit, counter in zip(limits, counters, strict=True):
        await store.save(limit.key, register_attempt(counter, limit.policy, now))


async def settle(store: ThrottleRepository, name: Limit, address: Limit | None, now: datetime) -> None:
    """After a success: forget the name's failures, and take the one attempt back from the address."""
    if address:
        # Both in one statement, in the order that ``register`` takes them: else two sign-ins wait for each other.
        _, counter = await store.lock([name.key, address.key], now)
        await store.save(address.key, forgive_attempt(counter, address.policy))
    await store.forget([name.key])


def name_key(
    secrets: SecretFactory, tenant_id: TenantId, purpose: Purpose, name: str, known_address: bytes = b""
) -> bytes:
    """The counter of a user name: one for all strange addresses, and one for each that its owner is known at.

    So strangers who hammer the name do not lock its owner out.
    """
    return secrets.fingerprint(tenant_id, purpose, name, known_address.hex())


def address_key(client_address: str) -> str:
    """An IPv6 subscriber owns a whole /64; one address of it is no identity."""
    try:
        address = ipaddress.ip_address(client_address.strip())
    except ValueError:
        return client_address.strip()[:100]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
    return str(address)
