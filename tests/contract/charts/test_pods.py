"""Every pod is one the restricted policy admits, starts and stops gently, and asks for what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway.__main__ import STOP_SECONDS
from preau_chassis.constants import STOP_GRACE_SECONDS
from preau_chassis.migrations import TURN_SECONDS
from preau_chassis.server import LIVE

from tests.contract.charts.conftest import Render
from tests.contract.charts.rendering import SERVICES, Object, Rendered, environment, helm

# Traces, broker and database are closed after the last call.
LAST_SECONDS = 5


def container_of(pod: Object) -> Object:
    (container,) = pod["containers"]
    assert "initContainers" not in pod
    return dict(container)


def test_the_restricted_policy_admits_every_pod(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 10000, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        own = container_of(pod)["securityContext"]
        assert own["allowPrivilegeEscalation"] is False, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        assert own["readOnlyRootFilesystem"] is True, name
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}, name
        assert all(volume.keys() & {"emptyDir", "secret", "configMap"} for volume in pod["volumes"]), name


def test_no_pod_has_a_token_or_variables_of_services(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        account = rendered.one("ServiceAccount", pod["serviceAccountName"])
        assert account["automountServiceAccountToken"] is False


def test_memory_is_limited_and_cpu_is_not(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        resources = container_of(pod)["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}, name
        assert set(resources["limits"]) == {"memory"}, name


def test_images_are_pinned(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        _, _, tag = container_of(pod)["image"].rpartition(":")
        assert tag, name
        assert tag != "latest", name
        assert "/" not in tag, name


@pytest.mark.parametrize("role", ["serve", "work"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_ready_by_its_health_and_alive_by_itself(rendered: Rendered, service: str, role: str) -> None:
    name = f"preau-{service}" + ("" if role == "serve" else f"-{role}")
    pod = rendered.pods()[f"Deployment/{name}"]
    container = container_of(pod)
    assert container["args"] == [role]
    assert container["ports"] == [{"name": "grpc", "containerPort": 50051}]
    assert environment(pod)["PREAU_LISTEN"]["value"] == "0.0.0.0:50051"
    assert container["readinessProbe"]["grpc"] == {"port": 50051, "service": ""}
    # A database, a broker or a schema that is away at the start must restart nobody.
    assert container["startupProbe"]["grpc"] == {"port": 50051, "service": LIVE}
    assert container["livenessProbe"]["grpc"] == {"port": 50051, "service": LIVE}
    assert container["startupProbe"]["periodSeconds"] * container["startupProbe"]["failureThreshold"] >= 120
    assert not [probe for probe in container.values() if isinstance(probe, dict) and "tcpSocket" in probe]


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_that_has_not_told_of_its_health_for_half_a_minute_is_restarted(render: Render, service: str) -> None:
    for name in (f"preau-{service}", f"preau-{service}-work"):
        probe = container_of(render("production").pods()[f"Deployment/{name}"])["livenessProbe"]
        assert 20 <= probe["periodSeconds"] * probe["failureThreshold"] <= 60
        assert probe["timeoutSeconds"] < probe["periodSeconds"]


def test_a_migration_is_judged_by_its_end(rendered: Rendered) -> None:
    for each in rendered.of("Job"):
        container = container_of(each["spec"]["template"]["spec"])
        assert not container.keys() & {"ports", "startupProbe", "livenessProbe", "readinessProbe"}
        assert "PREAU_LISTEN" not in environment(each["spec"]["template"]["spec"])


def test_the_gateway_is_probed_by_its_own_pages(render: Render) -> None:
    container = container_of(render().pods()["Deployment/preau-gateway"])
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
    assert container["args"] == []


def test_a_pod_leaves_before_it_stops(rendered: Rendered) -> None:
    for each in rendered.of("Deployment"):
        pod = each["spec"]["template"]["spec"]
        pause = container_of(pod)["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause == 5
        assert pod["terminationGracePeriodSeconds"] == 40
        drain = max(STOP_GRACE_SECONDS, STOP_SECONDS)
        assert pause + drain + LAST_SECONDS <= pod["terminationGracePeriodSeconds"]
        assert each["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        keys = [one["topologyKey"] for one in pod["topologySpreadConstraints"]]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_a_hook_after_install_and_before_upgrade(render: Render, service: str) -> None:
    job = render("production").one("Job", f"preau-{service}-migrate")
    assert set(job["metadata"]["annotations"]["helm.sh/hook"].split(",")) == {"post-install", "pre-upgrade"}
    assert job["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
    assert container_of(job["spec"]["template"]["spec"])["args"] == ["migrate"]
    assert render("production").one("Deployment", f"preau-{service}-work")["spec"]["replicas"] == 2


def test_what_a_hook_needs_is_there_before_it(rendered: Rendered) -> None:
    """A pre-upgrade Job sees the last release's objects: it may use none that an upgrade brings changed values in."""
    for each in rendered.of("Job"):
        pod = each["spec"]["template"]["spec"]
        assert not any("configMap" in volume for volume in pod["volumes"])
        assert not any("configMapKeyRef" in one.get("valueFrom", {}) for one in container_of(pod)["env"])


def test_grpc_services_are_headless_and_selectors_find_pods(rendered: Rendered) -> None:
    templates = [each["spec"]["template"]["metadata"]["labels"] for each in rendered.of("Deployment", "StatefulSet")]
    for service in rendered.of("Service"):
        selector = service["spec"]["selector"].items()
        matching = [labels for labels in templates if selector <= labels.items()]
        assert len(matching) == 1, service["metadata"]["name"]
        assert (service["spec"].get("clusterIP") == "None") is (service["metadata"]["name"] != "preau-gateway")


def test_a_budget_stands_where_there_is_more_than_one_pod(rendered: Rendered) -> None:
    budgets = {one["metadata"]["name"] for one in rendered.of("PodDisruptionBudget")}
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in rendered.of("HorizontalPodAutoscaler", "ScaledObject")}
    for each in rendered.of("Deployment", "StatefulSet"):
        name = each["metadata"]["name"]
        assert (name in scaled) is ("replicas" not in each["spec"])
        assert (name in budgets) is (name in scaled or each["spec"]["replicas"] > 1), name
    assert all(one["spec"]["maxUnavailable"] == 1 for one in rendered.of("PodDisruptionBudget"))


def test_production_scales_by_cpu_and_workers_by_lag_where_asked(render: Render) -> None:
    by_cpu = {one["metadata"]["name"] for one in render("production").of("HorizontalPodAutoscaler")}
    assert by_cpu == {"preau-identity", "preau-agenda", "preau-billing", "preau-gateway"}
    assert render("production").of("ScaledObject") == []
    billing = render("every-switch").one("ScaledObject", "preau-billing-work")
    place = {one["metadata"]["natsServerMonitoringEndpoint"] for one in billing["spec"]["triggers"]}
    assert place == {"preau-nats-peers.preau.svc:8222"}
    # KEDA asks the leader of a consumer by its name below that place.
    assert place == {f"{render('every-switch').one('StatefulSet', 'preau-nats')['spec']['serviceName']}.preau.svc:8222"}
    assert {one["metadata"]["account"] for one in billing["spec"]["triggers"]} == {"$G"}
    followed = {one["metadata"]["consumer"] for one in billing["spec"]["triggers"]}
    assert followed == {"billing-town", "billing-activities", "billing-basket", "billing-payments"}


def test_workers_follow_their_lag_without_keda_too(render: Render) -> None:
    rendered = render("lag-by-metric")
    assert rendered.of("ScaledObject") == []
    scaler = rendered.one("HorizontalPodAutoscaler", "preau-billing-work")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "preau-billing-work"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 12)
    metrics = [one["external"] for one in scaler["metrics"]]
    assert {one["metric"]["name"] for one in metrics} == {"preau_consumer_lag"}
    followed = {one["metric"]["selector"]["matchLabels"]["messaging_consumer_group_name"] for one in metrics}
    assert followed == {"billing-town", "billing-activities", "billing-basket", "billing-payments"}
    assert {one["target"]["averageValue"] for one in metrics} == {"100"}


def test_pods_that_answer_come_at_once_and_leave_slowly(render: Render) -> None:
    for each in render("production").of("HorizontalPodAutoscaler"):
        spec = each["spec"]
        assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
        (cpu,) = spec["metrics"]
        # Of a core: seventy percent of what a pod requests may be next to nothing.
        assert cpu["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "700m"}}
        pod = render("production").pods()[f"Deployment/{spec['scaleTargetRef']['name']}"]
        assert container_of(pod)["resources"]["requests"]["cpu"] == "500m"
        assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
        assert spec["behavior"]["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]


def test_a_migration_that_must_wait_is_tried_again_within_an_upgrades_time(rendered: Rendered) -> None:
    for each in rendered.of("Job"):
        assert each["spec"]["backoffLimit"] >= 3
        # `helm upgrade --timeout 15m`
        assert TURN_SECONDS * 2 < each["spec"]["activeDeadlineSeconds"] <= 900


def test_lag_is_asked_of_a_broker_elsewhere_where_one_says(render: Render, charts: Path) -> None:
    (trigger, *_) = render("broker-by-file").one("ScaledObject", "preau-agenda-work")["spec"]["triggers"]
    assert trigger["metadata"]["natsServerMonitoringEndpoint"] == "bus.example.org:8222"
    assert trigger["metadata"]["account"] == "TOWNS"
    wrong = "global.nats.create=false,global.keda.enabled=true,agenda.autoscaling.enabled=true"
    done = helm("template", "preau", str(charts / "preau"), "--set", wrong)
    assert "global.keda.natsMonitor" in done.stderr


def test_every_pod_has_the_priority_that_was_named(render: Render) -> None:
    for name, pod in render("every-switch").pods().items():
        if name.partition("/")[2].split("-")[1] in {*SERVICES, "gateway", "nats"}:
            assert pod["priorityClassName"] == "families-first", name
    assert render("every-switch").one("Cluster", "preau-db")["spec"]["priorityClassName"] == "families-first"
    assert not any("priorityClassName" in pod for pod in render("production").pods().values())


def test_a_volume_claim_has_one_writer(rendered: Rendered) -> None:
    for name, pod in rendered.pods().items():
        assert not any("persistentVolumeClaim" in volume for volume in pod["volumes"]), name
    for each in rendered.of("StatefulSet"):
        for claim in each["spec"]["volumeClaimTemplates"]:
            assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert rendered.of("PersistentVolumeClaim") == []
