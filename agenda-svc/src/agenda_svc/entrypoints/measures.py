"""What is counted where a command is answered or an event taken in (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from preau_chassis.metrics import counter, histogram

from agenda_svc.domain.offer import Slot
from agenda_svc.domain.refusals import Refusal

_REFUSALS = counter("preau.refusals", "{row}", "Rows of a booking that were skipped or refused, by reason.")
_PAID_TO_CONFIRMED = histogram(
    "preau.paid_to_confirmed", "s", "From the provider's word being known here to the reservations being confirmed."
)


def count_refusals(town: str, skipped: Sequence[tuple[Slot, Refusal]]) -> None:
    """Count the rows of one booking that could not be, once a reason."""
    # Few objects are told for many rows: counting objects first takes a third of the time of hashing each row's reason.
    told: dict[int, Refusal] = {}
    rows: dict[int, int] = {}
    for _, refusal in skipped:
        key = id(refusal)
        if key in rows:
            rows[key] += 1
        else:
            rows[key], told[key] = 1, refusal
    for key, count in rows.items():
        _REFUSALS.add(count, {"preau.tenant": town, "preau.reason": told[key].reason.value})


def count_refusal(town: str, reason: str) -> None:
    """Count a booking that was refused whole."""
    _REFUSALS.add(1, {"preau.tenant": town, "preau.reason": reason})


def record_confirmation(town: str, paid_known_at: datetime, now: datetime) -> None:
    """Record how long it took until the reservations were confirmed. Two machines' clocks may differ a little."""
    _PAID_TO_CONFIRMED.record(max(0.0, (now - paid_known_at).total_seconds()), {"preau.tenant": town})
