"""What one town's parents live through."""

from __future__ import annotations

from scripts.boards.model import BAD, GOOD, WARN, Board, Panel, Query, Row, Variable
from scripts.boards.parts import NS, quantile, rate, share

TOWN = 'preau_tenant="$town"'

ONE_TOWN = Board(
    "town",
    "One town",
    "What do this town's parents live through? For the call from a town hall: « ça ne marche pas ».",
    [
        Row(
            "Are they served?",
            [
                Panel(
                    "Answered well, quarter of an hour",
                    "Which part of this town's requests came within a second, without a fault of ours?",
                    [Query(f"min(preau_town:good:ratio_rate15m{{{TOWN}, {NS}}})")],
                    unit="percentunit",
                    kind="stat",
                    base=BAD,
                    steps=[(WARN, 0.99), (GOOD, 0.999)],
                    width=6,
                    height=5,
                    runbook="PreauTownFails",
                ),
                Panel(
                    "Answered well, today",
                    "The same over a day: what to tell the town.",
                    [Query(f"min(preau_town:good:ratio_rate1d{{{TOWN}, {NS}}})")],
                    unit="percentunit",
                    kind="stat",
                    base=BAD,
                    steps=[(WARN, 0.99), (GOOD, 0.999)],
                    width=6,
                    height=5,
                ),
                Panel(
                    "Places held and unpaid",
                    "How many reservations wait for payment? They are free again when their hold ends.",
                    [Query(f"max(preau_holds_open{{{TOWN}, {NS}}})")],
                    kind="stat",
                    width=6,
                    height=5,
                ),
                Panel(
                    "Holds that end within 15 minutes",
                    "Are many about to lose their places? Beside a payment fault, tell the town.",
                    [Query(f"max(preau_holds_expiring{{{TOWN}, {NS}}})")],
                    kind="stat",
                    steps=[(WARN, 100), (BAD, 500)],
                    width=6,
                    height=5,
                    runbook="PreauHoldsExpiring",
                ),
            ],
        ),
        Row(
            "What they do",
            [
                Panel(
                    "Requests a second",
                    "Do parents come, and how are they answered: good, slow, failed?",
                    [Query(rate("preau_town_requests_total", TOWN, "preau_outcome"), "{{preau_outcome}}")],
                    unit="reqps",
                    stacked=True,
                    traces='{span.preau.tenant="$town" && status=error}',
                ),
                Panel(
                    "Sign-ins a second",
                    "Can they sign in? Many refused: wrong accounts given out, or somebody tries passwords.",
                    [Query(rate("preau_sign_ins_total", TOWN, "preau_outcome"), "{{preau_outcome}}")],
                    unit="reqps",
                    stacked=True,
                    runbook="PreauSignInsRefused",
                ),
                Panel(
                    "Reservations a second",
                    "Do they book, and are bookings paid for?",
                    [
                        Query(rate("preau_bookings_total", TOWN), "held"),
                        Query(rate("preau_confirmations_total", TOWN), "confirmed"),
                        Query(rate("preau_holds_expired_total", TOWN), "ended unpaid"),
                    ],
                    unit="ops",
                ),
                Panel(
                    "Rows refused a second, by reason",
                    "Why not? SESSION_FULL is success of a kind; NOT_ENROLLED en masse is a list that was not loaded.",
                    [Query(rate("preau_refusals_total", TOWN, "preau_reason"), "{{preau_reason}}")],
                    unit="ops",
                    stacked=True,
                    runbook="PreauRefusalsSurge",
                ),
                Panel(
                    "Payments by outcome, an hour",
                    "Do payments succeed? Some refusals are cards; all refused is a setting or the provider.",
                    [
                        Query(
                            f"sum by (preau_outcome) (increase(preau_payments_total{{{TOWN}, {NS}}}[1h]))",
                            "{{preau_outcome}}",
                        )
                    ],
                    stacked=True,
                ),
                Panel(
                    "Paid to confirmed",
                    "How long after payment do parents see « Paiement confirmé »? The dashed line is the service level.",
                    [Query(quantile(0.95, "preau_paid_to_confirmed_seconds", TOWN), "95 %")],
                    unit="s",
                    steps=[(BAD, 60)],
                    runbook="PreauConfirmationLate",
                ),
                Panel(
                    "Invoices an hour",
                    "Are invoices issued at the pace of the day?",
                    [Query(f"sum (increase(preau_invoices_total{{{TOWN}, {NS}}}[1h]))", "issued")],
                ),
                Panel(
                    "Refused share of sign-ins",
                    "Above a half for long is worth a call.",
                    [
                        Query(
                            share(
                                rate("preau_sign_ins_total", f'preau_outcome=~"refused|throttled", {TOWN}'),
                                rate("preau_sign_ins_total", TOWN),
                            ),
                            "refused",
                        )
                    ],
                    unit="percentunit",
                    steps=[(WARN, 0.5)],
                ),
            ],
        ),
    ],
    [Variable("town", "Town", f"label_values(preau_town_requests_total{{{NS}}}, preau_tenant)")],
)
