"""What is measured of billing (docs/telemetry/metrics.yaml)."""

from __future__ import annotations

from datetime import timedelta

from preau_chassis.metrics import counter, gauge
from preau_chassis.readings import LastReading

_INVOICES = counter("preau.invoices", "{invoice}", "Invoices issued.")


def count_invoice(town: str) -> None:
    """Count an invoice whose issue is committed."""
    _INVOICES.add(1, {"preau.tenant": town})


class BooksGauges:
    """Show what the timed jobs of this service found last."""

    def __init__(self, *, ledger_good_for: timedelta, unpriced_good_for: timedelta) -> None:
        self._wrong = LastReading(ledger_good_for)
        self._unpriced = LastReading(unpriced_good_for)
        self._gauges = (
            gauge("preau.ledger.wrong", "{entry}", "Ledger entries and invoices that do not agree.", self._wrong.read),
            gauge(
                "preau.billing.unpriced", "{message}", "Bookings that wait for a missing tariff.", self._unpriced.read
            ),
        )

    def keep_wrong(self, count: int) -> None:
        """Show this as the disagreements of all towns."""
        self._wrong.keep([(count, {})])

    def keep_unpriced(self, count: int) -> None:
        """Show this as the bookings of all towns that wait."""
        self._unpriced.keep([(count, {})])

    def close(self) -> None:
        """Show nothing any more."""
        for each in self._gauges:
            each.close()
