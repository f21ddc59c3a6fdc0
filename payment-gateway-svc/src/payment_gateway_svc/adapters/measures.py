"""What is measured of payments (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from preau_chassis.metrics import counter, gauge, histogram
from preau_chassis.readings import LastReading

from payment_gateway_svc.domain.attempt import PaymentAttempt
from payment_gateway_svc.domain.states import PaymentState

_PAYMENTS = counter("preau.payments", "{payment}", "Payment attempts that came to an end.")
_EXCHANGES = histogram("preau.provider.duration", "s", "One exchange with a provider.")
_OUTCOMES = {
    PaymentState.PAID: "paid",
    PaymentState.DENIED: "refused",
    PaymentState.CANCELLED: "cancelled",
    PaymentState.EXPIRED: "expired",
}


def count_end(town: str, attempt: PaymentAttempt) -> None:
    """Count an attempt that has just come to an end; one the provider was never asked for has failed, on our side."""
    outcome = _OUTCOMES.get(attempt.state) if attempt.is_asked else "failed"
    if outcome is not None:
        _PAYMENTS.add(1, {"preau.tenant": town, "preau.provider": attempt.provider, "preau.outcome": outcome})


def record_exchange(provider: str, operation: str, outcome: str, seconds: float) -> None:
    """Record one exchange: ``create`` or ``look_up``, which was done, refused, or found the provider unavailable."""
    attributes = {"preau.provider": provider, "preau.operation": operation, "preau.outcome": outcome}
    _EXCHANGES.record(seconds, attributes)


@dataclass(frozen=True, slots=True)
class OpenPayments:
    """How many attempts at a provider have no known end, and how old the oldest is; 0 when there is none."""

    provider: str
    count: int
    oldest_seconds: float


class OpenPaymentGauges:
    """Show the open payments of all towns as they were counted last; a provider without any shows 0."""

    def __init__(self, providers: Sequence[str], good_for: timedelta) -> None:
        self._providers = tuple(providers)
        self._open = LastReading(good_for)
        self._oldest = LastReading(good_for)
        self._gauges = (
            gauge("preau.payments.open", "{payment}", "Attempts whose end is not known yet.", self._open.read),
            gauge("preau.payments.oldest_open", "s", "Age of the oldest of them.", self._oldest.read),
        )

    def keep(self, found: Iterable[OpenPayments]) -> None:
        """Show these from now on."""
        shown = {name: OpenPayments(name, 0, 0.0) for name in self._providers}
        shown |= {each.provider: each for each in found}
        self._open.keep((each.count, {"preau.provider": each.provider}) for each in shown.values())
        self._oldest.keep((each.oldest_seconds, {"preau.provider": each.provider}) for each in shown.values())

    def close(self) -> None:
        """Show nothing any more."""
        for each in self._gauges:
            each.close()
