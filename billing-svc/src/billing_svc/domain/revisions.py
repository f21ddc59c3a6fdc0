"""A household's events are applied once each, in order, whatever the bus does."""

from __future__ import annotations

from enum import Enum

from billing_svc.domain.errors import RevisionGapError


class Step(Enum):
    APPLY = "apply"
    SEEN = "seen"


def next_step(known: int, received: int) -> Step:
    """Whether to apply the event; ``UNAVAILABLE/REVISION_GAP`` while an earlier one is missing."""
    if received <= known:
        return Step.SEEN
    if received > known + 1:
        raise RevisionGapError(known, received)
    return Step.APPLY
