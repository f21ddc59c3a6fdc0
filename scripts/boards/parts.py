"""Queries and panels that several boards show."""

from __future__ import annotations

from scripts.boards.model import BAD, GOOD, WARN, Panel, Query

NS = 'namespace=~"$namespace"'
BAD_CODES = "INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"
WRITES = ".*/(CreateReservations|CancelReservations|ApplyBulkEntry|UndoBulkEntry|RenewHolds|RestoreExpiredHolds)"


def rate(metric: str, selectors: str = "", by: str = "", span: str = "$__rate_interval") -> str:
    """``sum by (by) (rate(metric{selectors}))`` of the chosen installations."""
    inside = f"{NS}, {selectors}" if selectors else NS
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({metric}{{{inside}}}[{span}]))"


def share(part: str, whole: str) -> str:
    """What part of the whole: nought when there is no such part, nothing while there is no whole."""
    return f"(({part}) or 0 * ({whole})) / ({whole})"


def quantile(at: float, histogram: str, selectors: str = "", by: str = "") -> str:
    """That quantile of a histogram, in seconds."""
    groups = ", ".join(part for part in (by, "le") if part)
    return f"histogram_quantile({at}, {rate(f'{histogram}_bucket', selectors, groups)})"


def most(metric: str, selectors: str = "", by: str = "") -> str:
    """The largest of a gauge that several processes show."""
    inside = f"{NS}, {selectors}" if selectors else NS
    grouping = f" by ({by})" if by else ""
    return f"max{grouping} ({metric}{{{inside}}})"


def level(title: str, slo: str, question: str, runbook: str, board: str, target: str) -> Panel:
    """A service level now, coloured by how fast its budget is used."""
    expr = f'1 - sum(preau_slo:bad:rate5m{{slo="{slo}", {NS}}}) / sum(preau_slo:all:rate5m{{slo="{slo}", {NS}}})'
    low, high = (0.97, 0.99) if slo == "confirmation" else (0.985, 0.999)
    return Panel(
        title,
        f"{question} Target {target} over 30 days; empty when nothing is asked.",
        [Query(expr)],
        unit="percentunit",
        kind="stat",
        base=BAD,
        steps=[(WARN, low), (GOOD, high)],
        width=6,
        height=5,
        runbook=runbook,
        board=board,
    )


def budget(slo: str, title: str) -> Panel:
    """What is left of a budget."""
    return Panel(
        title,
        "How much of the errors allowed in 30 days is left? Below a quarter, changes wait.",
        [Query(f'min(preau_slo:budget_left{{slo="{slo}", {NS}}})')],
        unit="percentunit",
        kind="stat",
        base=BAD,
        steps=[(WARN, 0.25), (GOOD, 0.5)],
        width=6,
        height=4,
    )


def zero(title: str, question: str, expr: str, runbook: str, width: int = 4, unit: str = "short") -> Panel:
    """A number that should be nought."""
    return Panel(
        title, question, [Query(expr)], unit=unit, kind="stat", steps=[(BAD, 1)], width=width, height=4, runbook=runbook
    )


def outbox_age(by_service: str = "") -> Panel:
    selectors = f'service_name=~"{by_service}"' if by_service else ""
    return Panel(
        "Age of the oldest event not published",
        "Do services hear of each other? Seconds are normal under load; a line that climbs is a relay that stands still.",
        [Query(most("preau_outbox_age_seconds", selectors, "service_name"), "{{service_name}}")],
        unit="s",
        steps=[(WARN, 5), (BAD, 60)],
        runbook="PreauOutboxStuck",
    )


def consumer_lag(selectors: str = "") -> Panel:
    label = "messaging_consumer_group_name"
    return Panel(
        "Messages waiting, by consumer",
        "Who is behind? Baskets follow billing-basket, confirmations agenda-settlements.",
        [Query(most("preau_consumer_pending", selectors, label), f"{{{{{label}}}}}")],
        steps=[(WARN, 200), (BAD, 1000)],
        runbook="PreauConsumerLag",
    )
