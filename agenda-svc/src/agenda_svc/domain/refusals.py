"""Why something cannot be, with the facts the sentence shown to people needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Reason(Enum):
    """API: listed in docs/problems/index.md."""

    SESSION_FULL = "SESSION_FULL"
    BOOKING_CUTOFF_PASSED = "BOOKING_CUTOFF_PASSED"
    CANCELLATION_CUTOFF_PASSED = "CANCELLATION_CUTOFF_PASSED"
    SITE_CLOSED = "SITE_CLOSED"
    NOT_THAT_WEEKDAY = "NOT_THAT_WEEKDAY"
    NOT_ENROLLED = "NOT_ENROLLED"
    REQUIRES_ACTIVITY = "REQUIRES_ACTIVITY"
    EXCLUDES_ACTIVITY = "EXCLUDES_ACTIVITY"
    ALREADY_RESERVED = "ALREADY_RESERVED"
    NOT_RESERVED = "NOT_RESERVED"
    NOT_OPEN_YET = "NOT_OPEN_YET"
    DAY_PAST = "DAY_PAST"


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    cutoff_at: datetime | None = None
    label: str = ""
    related_activity_id: str = ""

    def facts(self) -> dict[str, str]:
        """As error metadata; what is absent is left out."""
        facts: dict[str, str] = {}
        if self.cutoff_at is not None:
            facts["cutoff_at"] = self.cutoff_at.isoformat()
        if self.label:
            facts["label"] = self.label
        if self.related_activity_id:
            facts["related_activity_id"] = self.related_activity_id
        return facts


SESSION_FULL = Refusal(Reason.SESSION_FULL)
NOT_THAT_WEEKDAY = Refusal(Reason.NOT_THAT_WEEKDAY)
NOT_ENROLLED = Refusal(Reason.NOT_ENROLLED)
ALREADY_RESERVED = Refusal(Reason.ALREADY_RESERVED)
NOT_RESERVED = Refusal(Reason.NOT_RESERVED)
NOT_OPEN_YET = Refusal(Reason.NOT_OPEN_YET)
DAY_PAST = Refusal(Reason.DAY_PAST)
