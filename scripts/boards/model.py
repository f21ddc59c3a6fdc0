"""A Grafana board as plain data, and the JSON Grafana loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]

WIDTH = 24
RUNBOOKS = "${runbooks}"
# Service levels (docs/slo.md) as colours: below the first step is the base colour.
GOOD, WARN, BAD = "green", "orange", "red"
Steps = list[tuple[str, float]]


@dataclass(frozen=True)
class Query:
    """One PromQL expression and how its series are named."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True)
class Panel:
    """One question and its answer. ``steps`` are (colour, from) after the base; ``runbook`` is an alert's name."""

    title: str
    question: str
    queries: list[Query]
    unit: str = "short"
    kind: str = "timeseries"
    base: str = GOOD
    steps: Steps = field(default_factory=list)
    width: int = 8
    height: int = 7
    runbook: str = ""
    traces: str = ""
    maximum: float | None = None
    board: str = ""
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels side by side under a heading."""

    title: str
    panels: list[Panel]


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the board; its values are those of a label."""

    name: str
    label: str
    query: str
    many: bool = False


@dataclass(frozen=True)
class Board:
    """One file in charts/preau/dashboards."""

    uid: str
    title: str
    purpose: str
    rows: list[Row]
    variables: list[Variable] = field(default_factory=list)
    refresh: str = "30s"
    since: str = "now-3h"


NAMESPACE = Variable(
    "namespace", "Installation", "label_values(preau_event_loop_lag_seconds_count, namespace)", many=True
)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def rendered(board: Board, siblings: list[Board]) -> Json:
    """The board as Grafana's JSON, with links to its siblings."""
    return {
        "uid": f"preau-{board.uid}",
        "title": f"Préau / {board.title}",
        "description": board.purpose,
        "tags": ["preau"],
        "editable": False,
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": board.refresh,
        "time": {"from": board.since, "to": "now"},
        "graphTooltip": 1,
        "templating": {"list": _variables(board)},
        "links": [_sibling(one) for one in siblings if one is not board],
        "annotations": {"list": [_alerts()]},
        "panels": _panels(board),
    }


def _variables(board: Board) -> list[Json]:
    fixed: list[Json] = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {"name": "traces", "label": "Traces", "type": "datasource", "query": "tempo"},
        {"name": "runbooks", "type": "constant", "query": "docs/runbooks", "hide": 2},
    ]
    return fixed + [_choice(one) for one in [NAMESPACE, *board.variables]]


def _choice(variable: Variable) -> Json:
    many = {"includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        **(many if variable.many else {"includeAll": False, "multi": False}),
    }


def _sibling(board: Board) -> Json:
    return {
        "title": board.title,
        "type": "link",
        "url": f"/d/preau-{board.uid}",
        "keepTime": True,
        "includeVars": True,
        "tooltip": board.purpose,
    }


def _alerts() -> Json:
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Preau.*", alertstate="firing", severity="page", namespace=~"$namespace"}',
        "titleFormat": "{{alertname}}",
    }


def _panels(board: Board) -> list[Json]:
    panels: list[Json] = []
    y = 0
    for row in board.rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": []})
        panels[-1]["gridPos"] = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        y, x, tallest = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                y, x, tallest = y + tallest, 0, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(panel)})
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return panels


def _panel(panel: Panel) -> Json:
    steps: list[Json] = [{"color": panel.base, "value": None}]
    steps += [{"color": colour, "value": value} for colour, value in panel.steps]
    defaults: Json = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.unit == "percentunit" and panel.kind != "timeseries":
        defaults["decimals"] = 2
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    if panel.kind == "stat":
        defaults.pop("min")
        defaults["color"] = {"mode": "thresholds"}
    if panel.kind == "timeseries":
        style = {"mode": "dashed" if panel.steps else "off"}
        defaults["custom"] = {"fillOpacity": 10, "showPoints": "never", "thresholdsStyle": style}
        if panel.stacked:
            defaults["custom"] |= {"stacking": {"mode": "normal"}, "fillOpacity": 40}
    if links := _links(panel):
        defaults["links"] = links
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.question,
        "datasource": SOURCE,
        "targets": [_target(one, index, panel.kind) for index, one in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        **({"links": _panel_links(panel)} if panel.runbook or panel.board else {}),
    }


def _target(query: Query, index: int, kind: str) -> Json:
    is_instant = query.instant or kind in {"stat", "table", "bargauge"}
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": is_instant,
        "range": not is_instant,
        # A curve of durations shows the traces its processes named (exemplars).
        **({"exemplar": True} if not is_instant and "histogram_quantile(" in query.expr else {}),
        **({"format": "table"} if kind == "table" else {}),
    }


def _options(kind: str) -> Json:
    if kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"}
    if kind == "bargauge":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal", "displayMode": "basic"}
    return {"showHeader": True}


def _links(panel: Panel) -> list[Json]:
    """From a point of a curve to the traces of that moment."""
    if not panel.traces:
        return []
    ask = f'{{"datasource":"${{traces}}","queries":[{{"refId":"A","queryType":"traceql","query":{_quoted(panel.traces)}}}],'
    moment = '"range":{"from":"${__from}","to":"${__to}"}}'
    # Grafana puts its variables in before it opens the address: they stay as they are.
    url = "/explore?left=" + quote(ask + moment, safe="${}_:,")
    return [{"title": "Traces of this time", "url": url, "targetBlank": True}]


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _panel_links(panel: Panel) -> list[Json]:
    links = []
    if panel.runbook:
        links.append(
            {"title": f"Runbook {panel.runbook}", "url": f"{RUNBOOKS}/{panel.runbook}.md", "targetBlank": True}
        )
    if panel.board:
        links.append(
            {"title": "Look closer", "url": f"/d/preau-{panel.board}?${{__url_time_range}}&${{namespace:queryparam}}"}
        )
    return links
