"""Identifiers. UUIDv7 for what crosses services; always lower-case strings on the wire."""

from __future__ import annotations

import os
import re
import time
from typing import NewType, Protocol
from uuid import UUID

TenantId = NewType("TenantId", int)
"""A town's number: small, given by identity, leads every key of every table of every service."""

TenantSlug = NewType("TenantSlug", str)
"""A town's short name, one token of NATS subjects and of host names."""

_SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])$")


def tenant_slug(text: str) -> TenantSlug:
    """Check a town's short name: 2 to 40 of ``a-z0-9-``, no dash at the ends. ``ValueError`` otherwise."""
    if not _SLUG.fullmatch(text):
        message = f"not a tenant slug: {text!r}"
        raise ValueError(message)
    return TenantSlug(text)


class IdFactory(Protocol):
    """Where new identifiers come from."""

    def new(self) -> UUID: ...


class UuidV7Factory:
    """Time-ordered identifiers of RFC 9562."""

    def new(self) -> UUID:
        return uuid7()


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then random bits (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
