"""A session slides while it is used and ends for good at a fixed hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """``idle`` since the last use, ``longest`` since sign-in; the earlier of the two ends the session."""

    idle: timedelta
    longest: timedelta

    def ends_at(self, created_at: datetime) -> datetime:
        """The hour that no use moves."""
        return created_at + self.longest

    def expires_at(self, created_at: datetime, used_at: datetime) -> datetime:
        return min(used_at + self.idle, self.ends_at(created_at))


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    is_current: bool
