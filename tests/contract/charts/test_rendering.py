"""The charts are well-formed, say what they are, and refuse what they do not know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.charts.conftest import Render
from tests.contract.charts.kubernetes_schemas import VERSIONS, problems
from tests.contract.charts.rendering import ROOT, VARIANTS, Rendered, helm

CHARTS = ("identity-svc", "agenda-svc", "billing-svc", "payment-gateway-svc", "gateway", "preau")


@pytest.mark.parametrize("chart", CHARTS)
def test_helm_lint_has_nothing_to_say(charts: Path, chart: str) -> None:
    done = helm("lint", "--strict", str(charts / chart))
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_every_variant_is_valid_on(render: Render, version: str) -> None:
    seen = {json.dumps(one, sort_keys=True): one for variant in VARIANTS for one in render(variant).objects}
    assert len(seen) > 100
    found = [problem for one in seen.values() for problem in problems(version, one)]
    assert found == []


def test_a_misspelt_field_would_be_seen(render: Render) -> None:
    broken = json.loads(json.dumps(render().one("Deployment", "preau-agenda")))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 40
    assert problems("1.37", broken)
    cluster = json.loads(json.dumps(render("production").one("Cluster", "preau-db")))
    cluster["spec"]["instance"] = 3
    assert problems("1.37", cluster)


def test_names_are_unique(rendered: Rendered) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered.objects]
    assert len(names) == len(set(names))
    assert all(one["metadata"]["namespace"] == "preau" for one in rendered.objects)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("agenda.replica=3", "replica"),
        ("global.natz.create=true", "natz"),
        ("identity.settings.sesion_idle_minutes=30", "sesion_idle_minutes"),
        ("identity.settings.session_idle_minutes=1", "session_idle_minutes"),
        ("gateway.edge.kind=nginx", "kind"),
        ("global.images.tag=latest", "tag"),
        ("global.now=2025-08-20T09:00:00-04:00", "now"),
        ("gateway.work.replicas=2", "work"),
        ("global.nats.replicas=2", "replicas"),
        ("global.nats.url=nats://user:word@bus:4222", "url"),
    ],
)
def test_a_value_that_means_nothing_is_refused(charts: Path, wrong: str, said: str) -> None:
    done = helm("template", "preau", str(charts / "preau"), "--set", wrong)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_patch_changes_its_object_only(render: Render) -> None:
    patch = '--set-json=agenda.patch=[{"target":"Deployment/work","merge":{"spec":{"minReadySeconds":9}}}]'
    patched, plain = render("default", patch), render()
    assert patched.one("Deployment", "preau-agenda-work")["spec"]["minReadySeconds"] == 9
    changed = [one for one in patched.objects if one not in plain.objects]
    assert [(one["kind"], one["metadata"]["name"]) for one in changed] == [("Deployment", "preau-agenda-work")]


def test_a_patch_of_nothing_is_refused(charts: Path) -> None:
    patch = '--set-json=agenda.patch=[{"target":"Deployment/migrate","merge":{}}]'
    done = helm("template", "preau", str(charts / "preau"), patch)
    assert "there is no Deployment/migrate in agenda" in done.stderr


def test_schemas_and_readme_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts/charts_generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
