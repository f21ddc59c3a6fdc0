"""8:30 on opening day: thousands of families at once."""

from __future__ import annotations

from scripts.boards.model import BAD, WARN, Board, Panel, Query, Row, Variable
from scripts.boards.parts import NS, WRITES, level, most, quantile, rate

TOWNS = 'preau_tenant=~"$town"'

OPENING = Board(
    "opening",
    "Opening day",
    "Bookings open at 8:30. Do families get in, do they get places, is there room for the next minute? Look at it from 8:15 on.",
    [
        Row(
            "Do they get in?",
            [
                level("Bookings succeed", "bookings", "Are saves done?", "PreauBookingsFail", "service", "99.9 %"),
                level("Pages answer", "pages", "Do pages come?", "PreauPagesFail", "service", "99.9 %"),
                Panel(
                    "Bookings a second",
                    "How many reservations are made?",
                    [Query(rate("preau_bookings_total", TOWNS, span="1m"))],
                    unit="ops",
                    kind="stat",
                    width=6,
                    height=5,
                ),
                Panel(
                    "Since 30 minutes",
                    "How many places have families so far?",
                    [Query(f"sum (increase(preau_bookings_total{{{TOWNS}, {NS}}}[30m]))")],
                    kind="stat",
                    width=6,
                    height=5,
                ),
                Panel(
                    "Sign-ins a second",
                    "The wave comes first here. argon2id makes each cost CPU on purpose: throttled is a slow-down, not a loss.",
                    [Query(rate("preau_sign_ins_total", TOWNS, "preau_outcome", "1m"), "{{preau_outcome}}")],
                    unit="reqps",
                    stacked=True,
                ),
                Panel(
                    "Bookings a second, by town",
                    "Which town opened?",
                    [
                        Query(
                            f"topk(10, {rate('preau_bookings_total', TOWNS, 'preau_tenant', '1m')})", "{{preau_tenant}}"
                        )
                    ],
                    unit="ops",
                    stacked=True,
                ),
                Panel(
                    "Rows refused a second, by reason",
                    "Why not? SESSION_FULL: places are gone. NOT_OPEN_YET: they are early. NOT_ENROLLED: look at the town's lists.",
                    [Query(rate("preau_refusals_total", TOWNS, "preau_reason", "1m"), "{{preau_reason}}")],
                    unit="ops",
                    stacked=True,
                    runbook="PreauRefusalsSurge",
                ),
            ],
        ),
        Row(
            "Is it fast?",
            [
                Panel(
                    "Time of a save, agenda",
                    "Do saves queue behind each other?",
                    [
                        Query(
                            quantile(0.5, "rpc_server_call_duration_seconds", f'rpc_method=~"{WRITES}"', "rpc_method"),
                            "half {{rpc_method}}",
                        ),
                        Query(
                            quantile(0.99, "rpc_server_call_duration_seconds", f'rpc_method=~"{WRITES}"', "rpc_method"),
                            "99 % {{rpc_method}}",
                        ),
                    ],
                    unit="s",
                    steps=[(WARN, 1), (BAD, 5)],
                    traces='{resource.service.name="agenda" && duration>1s}',
                ),
                Panel(
                    "Time of a page, 95 %",
                    "Which page is slow for parents?",
                    [
                        Query(
                            f"topk(8, {quantile(0.95, 'http_server_request_duration_seconds', '', 'http_route')})",
                            "{{http_route}}",
                        )
                    ],
                    unit="s",
                    steps=[(BAD, 1)],
                    traces='{resource.service.name="gateway" && duration>1s}',
                ),
                Panel(
                    "Basket behind bookings",
                    "Does billing keep up? A parent's basket waits two seconds for it at the most.",
                    [
                        Query(
                            most("preau_consumer_pending", 'messaging_consumer_group_name="billing-basket"'),
                            "billing-basket",
                        )
                    ],
                    steps=[(WARN, 200), (BAD, 1000)],
                    runbook="PreauConsumerLag",
                ),
            ],
        ),
        Row(
            "Is there room for the next minute?",
            [
                Panel(
                    "CPU a pod, by service",
                    "Who is full? A process uses one core at the most: at 0.7 the autoscaler adds pods.",
                    [
                        Query(
                            'max by (container, pod) (rate(container_cpu_usage_seconds_total{container="serve", '
                            f"{NS}}}[$__rate_interval])) > 0.3",
                            "{{pod}}",
                        )
                    ],
                    steps=[(WARN, 0.7), (BAD, 0.95)],
                ),
                Panel(
                    "Pods",
                    "Does the autoscaler follow, and how far may it go?",
                    [
                        Query(
                            most("kube_horizontalpodautoscaler_status_current_replicas", "", "horizontalpodautoscaler"),
                            "{{horizontalpodautoscaler}}",
                        )
                    ],
                    runbook="PreauAtMaximum",
                ),
                Panel(
                    "Waiting for a connection",
                    "Is the database the narrow place?",
                    [Query(most("db_client_connection_pending_requests", "", "service_name"), "{{service_name}}")],
                    steps=[(BAD, 4)],
                    runbook="PreauPoolExhausted",
                ),
            ],
        ),
        Row(
            "Will they pay in time?",
            [
                Panel(
                    "Places held and unpaid",
                    "How many reservations wait for payment?",
                    [Query(f"sum ({most('preau_holds_open', TOWNS, 'preau_tenant')})", "held")],
                ),
                Panel(
                    "Holds that end within 15 minutes",
                    "An hour after the opening the first ones end: a hill here beside failing payments is worth a call to the town.",
                    [Query(f"sum ({most('preau_holds_expiring', TOWNS, 'preau_tenant')})", "ending")],
                    runbook="PreauHoldsExpiring",
                ),
                Panel(
                    "Confirmed and ended unpaid, a minute",
                    "Do payments follow the bookings?",
                    [
                        Query(f"60 * {rate('preau_confirmations_total', TOWNS)}", "confirmed"),
                        Query(f"60 * {rate('preau_holds_expired_total', TOWNS)}", "ended unpaid"),
                    ],
                    board="payments",
                ),
            ],
        ),
    ],
    [Variable("town", "Town", f"label_values(preau_bookings_total{{{NS}}}, preau_tenant)", many=True)],
    refresh="10s",
    since="now-1h",
)
