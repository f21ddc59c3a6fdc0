"""From « Générer la facture et payer » to « Paiement confirmé »."""

from __future__ import annotations

from scripts.boards.model import BAD, WARN, Board, Panel, Query, Row
from scripts.boards.parts import NS, level, most, quantile, rate, share, zero

PAYMENTS = Board(
    "payments",
    "Payment path",
    "Does money get through? Invoice, provider, look-up, settlement, confirmation, in the order a payment goes.",
    [
        Row(
            "Does it get through?",
            [
                level(
                    "Paid is confirmed",
                    "confirmation",
                    "Within 60 s of payment?",
                    "PreauConfirmationLate",
                    "payments",
                    "99 %",
                ),
                Panel(
                    "Open payments",
                    "How many payments have no known end? Parents at the provider's page are among them.",
                    [Query(f"sum by (preau_provider) ({most('preau_payments_open', '', 'preau_provider')})")],
                    kind="stat",
                    width=6,
                    height=5,
                ),
                Panel(
                    "Oldest open payment",
                    "And for how long?",
                    [Query(most("preau_payments_oldest_open_seconds", "", "preau_provider"), "{{preau_provider}}")],
                    unit="s",
                    kind="stat",
                    steps=[(WARN, 3600), (BAD, 10800)],
                    width=6,
                    height=5,
                    runbook="PreauPaymentOpenTooLong",
                ),
                zero("Ledger wrong", "Do the books agree?", most("preau_ledger_wrong"), "PreauLedgerWrong", width=6),
            ],
        ),
        Row(
            "The provider",
            [
                Panel(
                    "Exchanges that fail",
                    "Does the provider answer? Above a half, parents cannot begin to pay.",
                    [
                        Query(
                            share(
                                rate(
                                    "preau_provider_duration_seconds_count",
                                    'preau_outcome="unavailable"',
                                    "preau_provider, preau_operation",
                                ),
                                rate("preau_provider_duration_seconds_count", "", "preau_provider, preau_operation"),
                            ),
                            "{{preau_provider}} {{preau_operation}}",
                        )
                    ],
                    unit="percentunit",
                    steps=[(WARN, 0.05), (BAD, 0.5)],
                    runbook="PreauProviderDown",
                    traces='{resource.service.name="payment" && status=error}',
                ),
                Panel(
                    "Time of an exchange, 95 %",
                    "How long does the provider take? Parents wait for « create ».",
                    [
                        Query(
                            quantile(0.95, "preau_provider_duration_seconds", "", "preau_operation"),
                            "{{preau_operation}}",
                        )
                    ],
                    unit="s",
                    steps=[(WARN, 2), (BAD, 10)],
                    traces='{resource.service.name="payment" && duration>2s}',
                ),
                Panel(
                    "Payments by outcome, an hour",
                    "How do payments end? Compare with last week at this hour before worrying about refusals.",
                    [
                        Query(
                            f"sum by (preau_outcome) (increase(preau_payments_total{{{NS}}}[1h]))", "{{preau_outcome}}"
                        )
                    ],
                    stacked=True,
                ),
            ],
        ),
        Row(
            "From paid to confirmed",
            [
                Panel(
                    "Paid to confirmed",
                    "How long between the provider's word and « Paiement confirmé »? The dashed line is the service level.",
                    [
                        Query(quantile(0.5, "preau_paid_to_confirmed_seconds"), "half"),
                        Query(quantile(0.95, "preau_paid_to_confirmed_seconds"), "95 %"),
                        Query(quantile(0.99, "preau_paid_to_confirmed_seconds"), "99 %"),
                    ],
                    unit="s",
                    steps=[(BAD, 60)],
                    runbook="PreauConfirmationLate",
                    traces='{resource.service.name="agenda" && name=~"consume .*"}',
                ),
                Panel(
                    "Step by step, an hour",
                    "Where does the path break? Paid, then confirmed; a gap that grows is between the two.",
                    [
                        Query(f"sum (increase(preau_invoices_total{{{NS}}}[1h]))", "invoices issued"),
                        Query(
                            f'sum (increase(preau_payments_total{{preau_outcome="paid", {NS}}}[1h]))', "payments made"
                        ),
                        Query(f"sum (increase(preau_paid_to_confirmed_seconds_count{{{NS}}}[1h]))", "confirmed"),
                    ],
                    runbook="PreauPaidNotConfirmed",
                ),
                Panel(
                    "The poller's last good turn",
                    "Is the provider asked about what was never notified? Every five minutes.",
                    [Query(f'min(preau_job_success_age_seconds{{preau_job="poll-payments", {NS}}})', "age")],
                    unit="s",
                    steps=[(WARN, 600), (BAD, 900)],
                    runbook="PreauPollerLate",
                ),
                Panel(
                    "Messages on the way",
                    "Does a consumer of the path lag?",
                    [
                        Query(
                            most(
                                "preau_consumer_pending",
                                'messaging_consumer_group_name=~"billing-payments|agenda-settlements|billing-basket"',
                                "messaging_consumer_group_name",
                            ),
                            "{{messaging_consumer_group_name}}",
                        )
                    ],
                    steps=[(WARN, 200), (BAD, 1000)],
                    runbook="PreauConsumerLag",
                ),
                Panel(
                    "Dead letters",
                    "Was a message given up?",
                    [
                        Query(
                            most("preau_dead_letters", "", "messaging_consumer_group_name"),
                            "{{messaging_consumer_group_name}}",
                        )
                    ],
                    steps=[(BAD, 1)],
                    runbook="PreauDeadLetters",
                ),
                Panel(
                    "Calls of the path that fail, a second",
                    "IssueInvoice, StartPayment, CreatePayment, HandleNotification: does one fail?",
                    [
                        Query(
                            rate(
                                "rpc_server_call_duration_seconds_count",
                                'rpc_method=~".*/(IssueInvoice|StartPayment|CreatePayment|HandleNotification|RefreshPayment)", '
                                'rpc_response_status_code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"',
                                "rpc_method, rpc_response_status_code",
                            ),
                            "{{rpc_method}} {{rpc_response_status_code}}",
                        )
                    ],
                    unit="reqps",
                    traces='{resource.service.name=~"billing|payment" && status=error}',
                ),
            ],
        ),
    ],
    since="now-6h",
)
