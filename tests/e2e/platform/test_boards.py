"""Boards and rules asked of a real Prometheus that reads the platform under a family's traffic: every one finds what it names."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.contract.alerts.promql import asked
from tests.contract.alerts.sources import ROOT, alerts, boards, panels, rules
from tests.e2e.platform.prometheus import Prometheus, fill, running_prometheus
from tests.e2e.platform.world import World, eventually

pytestmark = [
    pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is missing: scripts/promtool.sh"),
    pytest.mark.timeout(240),  # the platform's own start, and a minute of traffic
]
CONFIRMED = "sum(preau_paid_to_confirmed_seconds_count)"
DAYS = (("2025-09-01", "2025-09-05"), ("2025-09-08", "2025-09-12"))
OF_OTHERS = {
    metric["prometheus"] for metric in yaml.safe_load((ROOT / "docs/telemetry/metrics.yaml").read_text())["external"]
} | {"ALERTS"}
# Rightly empty on a platform where nothing is wrong: panels, metrics, and what rules select.
QUIET = {
    "Towns below 99 % today": "every town is well",
    "RPCs that fail by our fault, a second": "none fails",
    "Calls of the path that fail, a second": "none fails",
}
QUIET_METRICS = {"preau_holds_expired_total": "no hold ends within a minute"}
FAULTS = {
    'http_response_status_code=~"5.."': "no page fails",
    'rpc_response_status_code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"': "no call fails",
    'preau_outcome="unavailable"': "the provider answers",
    'preau_outcome!="good"': "no page is slow",
}
_SELECTOR = re.compile(r"[a-z][\w:]*\{[^{}]*\}")


@pytest.fixture(scope="module")
async def prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """After two families' weeks of which it saw the second come: a counter's first value moves no rate."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), world.platform.traces_url[7:]) as client:
        for first, last in DAYS:
            before = client.query(CONFIRMED)
            await _a_family(world, first, last)
            await _until(lambda before=before: client.query(CONFIRMED) > before)  # type: ignore[misc]
        # A town's holds are counted each half minute.
        await _until(lambda: client.query("count(preau_holds_open)"))
        # NaN until a rule that it stands on has seen something move.
        await _until(lambda: client.query("count(preau_slo:budget_left <= 1) == 3"))
        yield client


async def _until(holds: Callable[[], object]) -> None:
    async def answer() -> object:
        return await asyncio.to_thread(holds)

    await eventually(answer, 45.0)


async def _a_family(world: World, first: str, last: str) -> None:
    """Looks, mistypes, books, books again what is booked, pays, and waits for the confirmation."""
    family = await world.family()
    async with world.visitor(family.slug) as stranger:
        answer = await stranger.post("sessions", {"username": family.accounts[0], "password": "Faux-Mot-De-Passe-1"})
        assert answer.status_code == 401, answer.text
    async with world.parent(family) as parent:
        await parent.book(first, last)
        await parent.post("bulk-entries", parent.entry(first, last))
        invoice = await parent.issue()
        await world.payfip.pay(invoice["payment_url"])
        await parent.settled(invoice["id"])


def _chosen(prometheus: Prometheus, board: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Each way in which one may choose a board's variables. Not "all": ``.*`` is also true of a label that is not there."""
    ways: list[dict[str, str]] = [{}]
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        more = []
        for way in ways:
            offered = prometheus.choices(variable["query"]["query"], way)
            assert offered, f"nothing to choose for {variable['name']}"
            more += [way | {variable["name"]: value} for value in offered]
        ways = more
    yield from ways


@pytest.mark.parametrize("name", sorted(boards()))
def test_every_panel_of_a_board_shows_something(prometheus: Prometheus, name: str) -> None:
    ways = list(_chosen(prometheus, boards()[name]))
    silent = []
    for panel in panels(boards()[name]):
        for target in panel["targets"]:
            metrics = asked(target["expr"]).metrics.keys()
            if metrics <= OF_OTHERS or metrics <= QUIET_METRICS.keys() or panel["title"] in QUIET:
                continue
            if not any(prometheus.finite(fill(target["expr"], way)) for way in ways):
                silent.append(f"{panel['title']} {target['refId']}")
    assert silent == []


@pytest.mark.parametrize("name", sorted(boards()))
def test_prometheus_takes_every_query_of_a_board(prometheus: Prometheus, name: str) -> None:
    way = next(_chosen(prometheus, boards()[name]))
    for panel in panels(boards()[name]):
        for target in panel["targets"]:
            prometheus.query(fill(target["expr"], way))
    for annotation in boards()[name]["annotations"]["list"]:
        prometheus.query(fill(annotation["expr"], way))


def test_every_rule_is_evaluated_and_every_recording_has_series(prometheus: Prometheus) -> None:
    loaded = prometheus.rules()
    assert len(loaded) == len(rules())
    assert [(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"] == []
    empty = [rule["record"] for rule in rules() if "record" in rule and not prometheus.finite(_recorded(rule))]
    assert empty == []


def _recorded(rule: Mapping[str, Any]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in rule.get("labels", {}).items())
    return f"{rule['record']}{{{labels}}}"


def test_every_series_that_a_rule_selects_is_one_that_is_told(prometheus: Prometheus) -> None:
    selectors = {found for rule in rules() for found in _SELECTOR.findall(rule["expr"])}
    ours = {one for one in selectors if one.partition("{")[0] not in OF_OTHERS}
    assert len(ours) > 15
    assert [one for one in ours if not prometheus.query(f"count({_without_faults(one)})")] == []


def _without_faults(selector: str) -> str:
    """The selector with labels of any value where it asks for what is wrong."""
    for fault in FAULTS:
        label = re.split(r"\W", fault, maxsplit=1)[0]
        selector = selector.replace(fault, f'{label}!=""')
    return selector


def test_no_alert_of_a_platform_that_works_calls_somebody(prometheus: Prometheus) -> None:
    calling = [
        name
        for name, found in alerts().items()
        for rule in found
        if rule["labels"]["severity"] == "page" and prometheus.query(rule["expr"])
    ]
    assert calling == []


@pytest.mark.parametrize(
    "wrong",
    [
        'min(preau_job_success_age_seconds{preau_job="poll-payment"})',
        'max by (preau_provider) (preau_payments_oldest_open_seconds{preau_tenannt="casepilote"})',
        'rate(preau_paid_to_confirmed_seconds_bucket{le="60.0s"}[2m])',
    ],
)
def test_a_misspelt_question_would_be_noticed(prometheus: Prometheus, wrong: str) -> None:
    assert prometheus.finite(wrong) == []
