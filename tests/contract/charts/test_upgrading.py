"""`helm upgrade` from the last release: the API server takes every change, and what an installation has said still holds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.charts.conftest import Render
from tests.contract.charts.rendering import PROFILES, ROOT, Object, Rendered, helm
from tests.contract.charts.test_settings import references
from tests.e2e.matrix.upgrade import check_out, last_release

# What the API server lets an upgrade change of a StatefulSet.
CHANGEABLE = {
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds",
    "persistentVolumeClaimRetentionPolicy",
}  # fmt: skip
LASTING = ("StatefulSet", "Cluster", "Database")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release's files, its charts put together in `out`."""
    folder = tmp_path_factory.mktemp("released")
    release = last_release()
    if not check_out(release, folder):
        pytest.skip(f"this clone has no commit {release.commit} of {release.version}: fetch it")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run([folder / "scripts/charts.sh", folder / "out"], check=True, capture_output=True, timeout=60)
    return folder


def rendered_by(released: Path, charts: Path, profile: str) -> Rendered:
    """`charts` with the profile as the last release had it."""
    values = released / f"charts/preau/values-{profile}.yaml"
    done = helm("template", "preau", str(charts / "preau"), "--namespace", "preau", "--values", str(values))
    assert done.returncode == 0, done.stderr
    return Rendered(done.stdout)


def unchangeable(each: Object) -> object:
    """What the API server refuses to change of an object of this kind."""
    spec = each.get("spec", {})
    fixed: dict[str, Callable[[], object]] = {
        "StatefulSet": lambda: {name: value for name, value in spec.items() if name not in CHANGEABLE},
        "Deployment": lambda: spec["selector"],
        "Service": lambda: spec.get("clusterIP", ""),
        "Cluster": lambda: [spec[volume].get("storageClass") for volume in ("storage", "walStorage")],
        "Database": lambda: (spec["name"], spec["cluster"]),
        "Job": lambda: each["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation",
    }
    find = fixed.get(each["kind"])
    return find() if find else None


@pytest.mark.parametrize("profile", PROFILES)
def test_an_upgrade_changes_nothing_that_cannot_be_changed(released: Path, charts: Path, profile: str) -> None:
    old = rendered_by(released, released / "out", profile)
    new = rendered_by(released, charts, profile)
    now = {(each["kind"], each["metadata"]["name"]): each for each in new.objects}
    compared = 0
    for each in old.objects:
        key = (each["kind"], each["metadata"]["name"])
        if key in now:
            assert unchangeable(now[key]) == unchangeable(each), key
            compared += unchangeable(each) is not None
        else:
            assert each["kind"] not in LASTING, f"{key} would be deleted"
    assert compared >= 20


@pytest.mark.parametrize("profile", PROFILES)
def test_the_secrets_of_an_installation_are_enough_for_the_next_release(
    released: Path, charts: Path, profile: str
) -> None:
    def needed(rendered: Rendered) -> set[tuple[str, str]]:
        return {(name, key) for name, key, is_optional in references(rendered) if not is_optional}

    had = {(name, key) for name, key, _ in references(rendered_by(released, released / "out", profile))}
    assert needed(rendered_by(released, charts, profile)) - had == set()


def test_a_field_that_cannot_be_changed_would_be_seen(render: Render) -> None:
    broker = render("production").one("StatefulSet", "preau-nats")
    other = broker | {"spec": broker["spec"] | {"podManagementPolicy": "OrderedReady"}}
    assert unchangeable(other) != unchangeable(broker)
    taller = broker | {"spec": broker["spec"] | {"replicas": 5}}
    assert unchangeable(taller) == unchangeable(broker)
