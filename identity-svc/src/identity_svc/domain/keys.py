"""Which key signs, which keys are published, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

KEY_LIFE = timedelta(days=30)
PUBLISHED_BEFORE_USE = timedelta(minutes=10)
TOKEN_LIFE = timedelta(minutes=5)
CLOCKS_DIFFER_BY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """A signing key's name and the instant from which it signs; it signs until the next one does."""

    kid: str
    signs_from: datetime


def signing_key(keys: Sequence[KeyPeriod], now: datetime) -> KeyPeriod | None:
    """The latest key whose time has come."""
    return max((key for key in keys if key.signs_from <= now), key=lambda key: key.signs_from, default=None)


def published_keys(keys: Sequence[KeyPeriod], now: datetime) -> list[KeyPeriod]:
    """The signing key, those to come, and old ones until the last token they signed has ended."""
    current = signing_key(keys, now)
    ordered = sorted(keys, key=lambda key: key.signs_from)
    published: list[KeyPeriod] = []
    for key, successor in zip_longest(ordered, ordered[1:]):
        signs_until = successor.signs_from if successor else None
        if key == current or signs_until is None or signs_until + TOKEN_LIFE + CLOCKS_DIFFER_BY > now:
            published.append(key)
    return published


def next_key_from(keys: Sequence[KeyPeriod], now: datetime, *, force: bool = False) -> datetime | None:
    """When a key that must be made now will start to sign, or ``None`` when none is due.

    Without a usable key the new one signs at once; else it is published first, so that no verifier meets an unknown key.
    """
    current = signing_key(keys, now)
    if current is None:
        return now
    if any(key.signs_from > now for key in keys):
        return None
    if force or now >= current.signs_from + KEY_LIFE - PUBLISHED_BEFORE_USE:
        return now + PUBLISHED_BEFORE_USE
    return None


def rotation_due(keys: Sequence[KeyPeriod]) -> datetime | None:
    """When the newest key must have been followed by another; ``None`` without any key."""
    return max((key.signs_from + KEY_LIFE for key in keys), default=None)


def unpublished_keys(keys: Sequence[KeyPeriod], now: datetime) -> list[KeyPeriod]:
    """Keys that verify nothing any more."""
    published = published_keys(keys, now)
    return [key for key in keys if key not in published]
