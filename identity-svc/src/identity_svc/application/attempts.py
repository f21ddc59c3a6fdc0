"""Attempts are counted before their outcome is known, in PostgreSQL, so that all replicas count together."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from identity_svc.application.ports import ThrottleRepository
from identity_svc.domain.errors import TooManyAttemptsError
from identity_svc.domain.throttle import ThrottlePolicy, blocked_until, forgive_attempt, register_attempt

IPV6_NETWORK = 64


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


async def forgive(store: ThrottleRepository, limits: Sequence[Limit], now: datetime) -> None:
    """Take one attempt back from every limit."""
    counters = await store.lock([limit.key for limit in limits], now)
    for limit, counter in zip(limits, counters, strict=True):
        await store.save(limit.key, forgive_attempt(counter, limit.policy))


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
