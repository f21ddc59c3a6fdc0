"""Is the platform well? The first board of the morning."""

from __future__ import annotations

from scripts.boards.model import BAD, WARN, Board, Panel, Query, Row
from scripts.boards.parts import BAD_CODES, budget, consumer_lag, level, most, outbox_age, quantile, rate, share, zero

GATEWAY = 'service_name="gateway"'

OVERVIEW = Board(
    "overview",
    "Platform overview",
    "Is the platform well, and if not, where to look? Three service levels, what should be nought, traffic, room.",
    [
        Row(
            "Are parents served?",
            [
                level(
                    "Pages answer", "pages", "Do pages come, within a second?", "PreauPagesFail", "service", "99.9 %"
                ),
                level("Bookings succeed", "bookings", "Are saves done?", "PreauBookingsFail", "opening", "99.9 %"),
                level(
                    "Paid is confirmed",
                    "confirmation",
                    "Within 60 s of payment?",
                    "PreauConfirmationLate",
                    "payments",
                    "99 %",
                ),
                Panel(
                    "Alerts that page",
                    "What has somebody been called for?",
                    [
                        Query(
                            'sum by (alertname) (ALERTS{alertname=~"Preau.*", alertstate="firing", severity="page", '
                            'namespace=~"$namespace"})',
                            "{{alertname}}",
                        )
                    ],
                    kind="stat",
                    steps=[(BAD, 1)],
                    width=6,
                    height=5,
                ),
                budget("pages", "Pages: budget left"),
                budget("bookings", "Bookings: budget left"),
                budget("confirmation", "Confirmation: budget left"),
                Panel(
                    "Towns below 99 % today",
                    "Which towns fare worse than the rest?",
                    [Query('sort(preau_town:good:ratio_rate1d{namespace=~"$namespace"} < 0.99)', "{{preau_tenant}}")],
                    unit="percentunit",
                    kind="bargauge",
                    base=BAD,
                    steps=[(WARN, 0.9)],
                    width=6,
                    height=4,
                    runbook="PreauTownFails",
                    board="town",
                ),
            ],
        ),
        Row(
            "What should be nought",
            [
                zero("Dead letters", "Messages given up?", most("preau_dead_letters"), "PreauDeadLetters"),
                zero("Ledger wrong", "Do the books agree?", most("preau_ledger_wrong"), "PreauLedgerWrong"),
                zero("Unpriced", "Is a tariff missing?", most("preau_billing_unpriced"), "PreauUnpriced"),
                zero(
                    "Outbox, s",
                    "Whole seconds the oldest event waits.",
                    f"floor({most('preau_outbox_age_seconds')})",
                    "PreauOutboxStuck",
                    unit="s",
                ),
                Panel(
                    "Payment poller",
                    "When did the last turn end well? Every five minutes is normal.",
                    [Query('min(preau_job_success_age_seconds{preau_job="poll-payments", namespace=~"$namespace"})')],
                    unit="s",
                    kind="stat",
                    steps=[(WARN, 600), (BAD, 900)],
                    width=4,
                    height=4,
                    runbook="PreauPollerLate",
                ),
                Panel(
                    "Oldest open payment",
                    "How long has a payment's end been unknown? A parent at the provider's page takes minutes.",
                    [Query(most("preau_payments_oldest_open_seconds"))],
                    unit="s",
                    kind="stat",
                    steps=[(WARN, 3600), (BAD, 10800)],
                    width=4,
                    height=4,
                    runbook="PreauPaymentOpenTooLong",
                ),
            ],
        ),
        Row(
            "Traffic",
            [
                Panel(
                    "Requests a second, by answer",
                    "How much is asked, and what is answered? 5xx is our fault; 4xx mostly is not.",
                    [Query(rate("http_server_request_duration_seconds_count", GATEWAY, "http_response_status_code"))],
                    unit="reqps",
                    stacked=True,
                    traces='{resource.service.name="gateway" && status=error}',
                ),
                Panel(
                    "Time of a page",
                    "How long do parents wait? The dashed line is the service level.",
                    [
                        Query(quantile(0.5, "http_server_request_duration_seconds", GATEWAY), "half"),
                        Query(quantile(0.95, "http_server_request_duration_seconds", GATEWAY), "95 %"),
                        Query(quantile(0.99, "http_server_request_duration_seconds", GATEWAY), "99 %"),
                    ],
                    unit="s",
                    steps=[(BAD, 1)],
                    traces='{resource.service.name="gateway" && duration>1s}',
                ),
                Panel(
                    "RPCs that fail by our fault",
                    "Which service fails? Part of its calls that end INTERNAL, UNKNOWN, UNAVAILABLE or DEADLINE_EXCEEDED.",
                    [
                        Query(
                            share(
                                rate(
                                    "rpc_server_call_duration_seconds_count",
                                    f'rpc_response_status_code=~"{BAD_CODES}"',
                                    "service_name",
                                ),
                                rate("rpc_server_call_duration_seconds_count", "", "service_name"),
                            ),
                            "{{service_name}}",
                        )
                    ],
                    unit="percentunit",
                    steps=[(BAD, 0.001)],
                    traces="{status=error}",
                    board="service",
                ),
            ],
        ),
        Row(
            "Room",
            [
                outbox_age(),
                consumer_lag(),
                Panel(
                    "Waiting for a connection",
                    "Is a pool too small, or a query too slow?",
                    [
                        Query(
                            most("db_client_connection_pending_requests", "", "service_name"),
                            "{{service_name}}",
                        )
                    ],
                    steps=[(BAD, 4)],
                    runbook="PreauPoolExhausted",
                ),
            ],
        ),
    ],
)
