"""Every alert is one promtool takes, asks for what exists, fires when it should and not otherwise, and says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.contract.alerts.promql import asked
from tests.contract.alerts.sources import RULES, RUNBOOKS, UNIT_TESTS, alerts, promtool, rules, series

SECTIONS = ["For parents", "First look", "Likely causes", "What to do", "Over when"]
VERBS = {"serve", "work", "migrate", "all", "replay", "rotate-keys"}


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(path: Path) -> None:
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_of_every_severity_has_a_series_that_fires_and_one_that_does_not() -> None:
    fires: dict[str, str] = {}
    quiet = set()
    for path in UNIT_TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            alert = case["name"].split()[0]
            for one in case["promql_expr_test"]:
                assert f'alertname="{alert}"' in one["expr"], case["name"]
                if one["exp_samples"]:
                    fires[alert] = fires.get(alert, "") + "".join(sample["labels"] for sample in one["exp_samples"])
                else:
                    quiet.add(alert)
    assert fires.keys() == quiet == alerts().keys()
    for name, found in alerts().items():
        for rule in found:
            for label, value in rule["labels"].items():
                assert f'{label}="{value}"' in fires[name], (name, label, value)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.get("alert") or rule["record"]))
def test_a_rule_asks_for_what_exists(rule: dict[str, str]) -> None:
    wanted = asked(rule["expr"])
    for metric, labels in wanted.metrics.items():
        assert metric in series(), metric
        assert labels <= series()[metric], (metric, labels - series()[metric])
    if known := set().union(*(series()[metric] for metric in wanted.metrics)):
        assert wanted.grouping <= known | {"slo"}, wanted.grouping - known


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on(name: str) -> None:
    for rule in alerts()[name]:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        assert len(rule["annotations"]["summary"]) < 120
        assert len(rule["annotations"]["description"]) > 60
        grouping = asked(rule["expr"]).grouping | set(rule["labels"])
        used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert used <= grouping, used - grouping


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == alerts().keys()
    index = (RUNBOOKS / "README.md").read_text()
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == pages


@pytest.mark.parametrize("name", alerts())
def test_a_runbook_answers_the_five_questions_with_commands_that_exist(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert all(part.strip() for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:])
    for link in re.findall(r"\]\((\w+)\.md\)", text):
        assert link in alerts(), link
    for module, verb in re.findall(r"\b(\w+_svc) (\S+?)[`\s]", text):
        assert (RULES.parents[3] / f"{module.replace('_', '-')}/src/{module}/__main__.py").exists(), module
        assert verb in VERBS, verb
    (query,) = re.findall(r"```promql\n(.*?)\n```", text, re.DOTALL)
    for metric, labels in asked(query).metrics.items():
        assert metric in series(), metric
        assert labels <= series()[metric], (metric, labels)
