"""Every board is what its source says, asks for what exists, in queries promtool takes, and answers a question a panel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.alerts.promql import asked
from tests.contract.alerts.sources import ROOT, alerts, boards, panels, promtool, series

WANTED = {"overview", "town", "service", "payments", "opening", "stores"}
BOARDS = boards()
QUERIES = [
    pytest.param(target["expr"], panel["title"], id=f"{name}: {panel['title']} {target['refId']}")
    for name, board in BOARDS.items()
    for panel in panels(board)
    for target in panel["targets"]
]


def test_the_files_are_what_the_generator_writes() -> None:
    command = [sys.executable, str(ROOT / "scripts/dashboards.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_every_board_is_there() -> None:
    assert BOARDS.keys() == WANTED
    assert {board["uid"] for board in BOARDS.values()} == {f"preau-{name}" for name in WANTED}


@pytest.mark.parametrize(("expr", "title"), QUERIES)
def test_a_query_asks_for_what_exists(expr: str, title: str) -> None:
    wanted = asked(expr)
    assert wanted.metrics, title
    for metric, labels in wanted.metrics.items():
        assert metric in series(), metric
        assert labels <= series()[metric], (metric, labels - series()[metric])
        assert metric == "ALERTS" or metric.startswith("preau:") or "namespace" in labels, "which installation?"
    known = set().union(*(series()[metric] for metric in wanted.metrics))
    assert wanted.grouping <= known, wanted.grouping - known


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query_{index}", "expr": plain(parameter.values[0])} for index, parameter in enumerate(QUERIES)
    ]
    assert len(rules) > 80
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def plain(expr: Any) -> str:
    """Grafana's variables as values."""
    return re.sub(r"\$\w+", "value", str(expr).replace("$__rate_interval", "1m"))


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_legend_shows_labels_that_the_query_keeps(name: str) -> None:
    for panel in panels(BOARDS[name]):
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            of_metrics = set().union(*(series()[metric] for metric in asked(target["expr"]).metrics))
            kept = asked(target["expr"]).grouping or of_metrics
            assert shown <= kept, (panel["title"], shown - kept)


def test_a_curve_of_durations_shows_traces_on_it() -> None:
    targets = [(panel, target) for board in BOARDS.values() for panel in panels(board) for target in panel["targets"]]
    asking = {target["expr"] for _, target in targets if target.get("exemplar")}
    assert asking == {target["expr"] for panel, target in targets if _is_curve_of_durations(panel, target)}
    assert len(asking) > 8


def _is_curve_of_durations(panel: dict[str, Any], target: dict[str, Any]) -> bool:
    return panel["type"] == "timeseries" and "histogram_quantile(" in target["expr"]


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_panel_answers_a_question_in_a_unit(name: str) -> None:
    ids = []
    for panel in panels(BOARDS[name]):
        assert len(panel["description"]) > 15, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        ids.append(panel["id"])
    assert len(ids) == len(set(ids))
    rows = [panel for panel in BOARDS[name]["panels"] if panel["type"] == "row"]
    assert 2 <= len(rows) <= 5


@pytest.mark.parametrize("name", sorted(WANTED))
def test_panels_do_not_cover_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_links_lead_to_boards_and_runbooks_that_exist() -> None:
    led = set()
    for name, board in BOARDS.items():
        assert {link["url"] for link in board["links"]} == {f"/d/preau-{other}" for other in WANTED - {name}}
        for panel in panels(board):
            for link in panel.get("links", []):
                if runbook := re.fullmatch(r"\$\{runbooks\}/(\w+)\.md", link["url"]):
                    assert runbook[1] in alerts(), runbook[1]
                    led.add(runbook[1])
                else:
                    assert re.match(r"/d/preau-(\w+)\?", link["url"])[1] in WANTED  # type: ignore[index]
    # Those that no curve shows.
    assert alerts().keys() - led == {
        "PreauCertificateExpires", "PreauLettersLate", "PreauSigningKeyExpires", "PreauTelemetryMissing", "PreauTracesLost",
    }  # fmt: skip


def test_every_chosen_variable_is_one_of_the_board() -> None:
    for name, board in BOARDS.items():
        known = {variable["name"] for variable in board["templating"]["list"]}
        for panel in panels(board):
            for target in panel["targets"]:
                used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
                assert used <= known, (name, panel["title"], used - known)
