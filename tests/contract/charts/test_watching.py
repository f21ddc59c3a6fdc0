"""Traces and metrics find their way out, and Prometheus and Grafana find what they load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.contract.charts.conftest import Render
from tests.contract.charts.rendering import ROOT, SERVICES, Object, Rendered, environment, helm

WATCHED = ["production", "staging", "every-switch"]
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
# What each part of the collector that we use may be told, from its documentation (0.135): no collector runs here.
KNOWN = {
    "health_check": {"endpoint"},
    "otlp": {"protocols"},
    "memory_limiter": {"check_interval", "limit_percentage", "spike_limit_percentage"},
    "batch": {"timeout", "send_batch_size", "send_batch_max_size"},
    "tail_sampling": {"decision_wait", "num_traces", "decision_cache", "policies"},
    "prometheus": {
        "endpoint",
        "add_metric_suffixes",
        "enable_open_metrics",
        "resource_to_telemetry_conversion",
        "metric_expiration",
    },
    "otlp/traces": {"endpoint", "tls", "headers"},
    "otlp/logs": {"endpoint", "tls", "headers"},
    "nop": set(),
}
LOGS = "--set=global.collector.logs.endpoint=https://logs.example.org:4317"


def config(rendered: Rendered) -> Object:
    text = rendered.one("ConfigMap", "preau-collector")["data"]["collector.yaml"]
    return dict(yaml.safe_load(text))


@pytest.mark.parametrize("variant", WATCHED)
def test_every_process_sends_to_the_collector_that_admits_it(render: Render, variant: str) -> None:
    rendered = render(variant)
    (port,) = rendered.one("Service", "preau-collector")["spec"]["ports"]
    policy = rendered.one("NetworkPolicy", "preau-collector")["spec"]
    (admitted,) = [
        one["from"][0]["podSelector"] for one in policy["ingress"] if one["ports"][0]["port"] == port["port"]
    ]
    (component,) = admitted["matchExpressions"]
    sending = 0
    for each in rendered.of("Deployment"):
        name, template = each["metadata"]["name"], each["spec"]["template"]
        if name == "preau-collector":
            continue
        sending += 1
        said = environment(template["spec"])["PREAU_OTLP_ENDPOINT"]["value"]
        assert said == f"http://preau-collector:{port['port']}"
        labels = template["metadata"]["labels"]
        assert admitted["matchLabels"].items() <= labels.items()
        assert labels[component["key"]] in component["values"]
        egress = rendered.one("NetworkPolicy", name)["spec"]["egress"]
        (to,) = [one["to"] for one in egress if one["ports"] == [{"protocol": "TCP", "port": 4317}]]
        own = rendered.one("Deployment", "preau-collector")["spec"]["template"]["metadata"]["labels"]
        assert to[0]["podSelector"]["matchLabels"].items() <= own.items()
    assert sending == 2 * len(SERVICES) + 1


def test_without_a_collector_of_ours_another_may_be_named_and_not_both(render: Render, charts: Path) -> None:
    other = "--set=global.telemetry.endpoint=http://elsewhere:4317"
    pod = render("default", other).pods()["Deployment/preau-agenda"]
    assert environment(pod)["PREAU_OTLP_ENDPOINT"]["value"] == "http://elsewhere:4317"
    assert "PREAU_OTLP_ENDPOINT" not in environment(render().pods()["Deployment/preau-agenda"])
    done = helm("template", "preau", str(charts / "preau"), other, "--set=global.collector.enabled=true")
    assert "only one of them" in done.stderr


def test_one_collector_judges_a_whole_trace(render: Render) -> None:
    assert render("production").one("Deployment", "preau-collector")["spec"]["replicas"] == 1


@pytest.mark.parametrize("more", [(), (LOGS,), ("--set=global.collector.traces.endpoint=",)])
def test_the_collectors_parts_are_known_and_each_is_used(render: Render, more: tuple[str, ...]) -> None:
    said = config(render("production", *more))
    parts = {}
    for kind in ("receivers", "processors", "exporters", "extensions"):
        for name, told in said[kind].items():
            assert set(told or {}) <= KNOWN[name], name
            parts[name] = kind
    used = set(said["service"]["extensions"])
    for pipeline in said["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            used |= set(pipeline[kind])
            assert all(parts[name] == kind for name in pipeline[kind])
    assert used == parts.keys()
    assert ("logs" in said["service"]["pipelines"]) is (LOGS in more)


def test_errors_and_slow_traces_are_always_kept(render: Render) -> None:
    more = '--set-json=global.collector.sampling={"percent":5,"slowSeconds":2.5}'
    said = config(render("production", more))
    sampling = said["processors"]["tail_sampling"]
    policies = {one["type"]: one[one["type"]] for one in sampling["policies"]}
    assert policies == {
        "status_code": {"status_codes": ["ERROR"]},
        "latency": {"threshold_ms": 2500},
        "probabilistic": {"sampling_percentage": 5},
    }
    assert sampling["decision_cache"]["sampled_cache_size"] > sampling["num_traces"]
    traces = said["service"]["pipelines"]["traces"]["processors"]
    assert traces == ["memory_limiter", "tail_sampling", "batch"], "batches are made of what is kept"


def test_metrics_get_the_names_of_the_schema(render: Render) -> None:
    exporter = config(render("production"))["exporters"]["prometheus"]
    assert exporter["add_metric_suffixes"] is True
    assert exporter["enable_open_metrics"] is True, "or there are no exemplars"
    assert exporter["resource_to_telemetry_conversion"] == {"enabled": True}


@pytest.mark.parametrize(("endpoint", "insecure"), [("http://a.example:4317", True), ("https://a.example:443", False)])
def test_traces_leave_as_the_address_says(render: Render, *, endpoint: str, insecure: bool) -> None:
    rendered = render("production", f"--set=global.collector.traces.endpoint={endpoint}")
    exporter = config(rendered)["exporters"]["otlp/traces"]
    host, _, port = endpoint.partition("//")[2].partition(":")
    assert exporter == {"endpoint": f"{host}:{port}", "tls": {"insecure": insecure}}
    egress = rendered.one("NetworkPolicy", "preau-collector")["spec"]["egress"]
    assert [{"protocol": "TCP", "port": int(port)}] in [one["ports"] for one in egress]


def test_a_secret_may_hold_what_the_back_end_asks_for(render: Render) -> None:
    header = "--set=global.collector.secret=traces,global.collector.traces.headers.authorization=Bearer ${env:TOKEN}"
    rendered = render("production", header)
    (container,) = rendered.pods()["Deployment/preau-collector"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "traces"}}]
    assert config(rendered)["exporters"]["otlp/traces"]["headers"] == {"authorization": "Bearer ${env:TOKEN}"}


def test_prometheus_reads_the_collector_and_nobody_else_does(render: Render) -> None:
    rendered = render("production")
    monitor = rendered.one("PodMonitor", "preau-collector")["spec"]
    template = rendered.one("Deployment", "preau-collector")["spec"]["template"]
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    read = {ports[one["port"]] for one in monitor["podMetricsEndpoints"]}
    assert read == {8889, 8888}
    assert monitor["podMetricsEndpoints"][0]["honorLabels"] is True
    (peers,) = [
        one["from"]
        for one in rendered.one("NetworkPolicy", "preau-collector")["spec"]["ingress"]
        if {each["port"] for each in one["ports"]} == read
    ]
    assert peers == [{"namespaceSelector": {}, "podSelector": {"matchLabels": PROMETHEUS}}]


def test_every_monitor_has_the_labels_that_prometheus_selects_by(render: Render) -> None:
    found = render("production", "--set=monitoring.podMonitor.labels.release=prometheus").of("PodMonitor")
    assert {one["metadata"]["name"] for one in found} == {"preau-collector", "preau-db"}
    assert all(one["metadata"]["labels"]["release"] == "prometheus" for one in found)


def test_a_monitor_of_nothing_is_refused(charts: Path) -> None:
    done = helm("template", "preau", str(charts / "preau"), "--set=monitoring.podMonitor.enabled=true")
    assert "there is no collector to read" in done.stderr


def test_the_rules_are_those_of_the_plain_file(render: Render) -> None:
    plain = yaml.safe_load((ROOT / "charts/preau/files/alerts.yaml").read_text())
    assert render("production").one("PrometheusRule", "preau")["spec"] == plain
    label = "--set=monitoring.rules.labels.release=prometheus"
    base = "--set=monitoring.rules.runbooks=https://wiki.example.org/preau/"
    moved = render("production", label, base).one("PrometheusRule", "preau")
    assert moved["metadata"]["labels"]["release"] == "prometheus"
    urls = [
        rule["annotations"]["runbook_url"]
        for group in moved["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert urls
    assert all(url.startswith("https://wiki.example.org/preau/Preau") for url in urls)


def test_grafana_finds_every_board_by_its_label(render: Render) -> None:
    more = "--set=monitoring.rules.runbooks=https://wiki.example.org/preau/,monitoring.dashboards.annotations.folder=Cantine"
    files = {path.name: json.loads(path.read_text()) for path in (ROOT / "charts/preau/dashboards").glob("*.json")}
    found = {}
    for each in render("production", more).of("ConfigMap"):
        if each["metadata"]["labels"].get("grafana_dashboard") == "1":
            assert each["metadata"]["annotations"] == {"folder": "Cantine"}
            ((name, text),) = each["data"].items()
            found[name] = json.loads(text)
    assert found.keys() == files.keys()
    for name, board in found.items():
        (runbooks,) = [one for one in board["templating"]["list"] if one["name"] == "runbooks"]
        assert runbooks["query"] == "https://wiki.example.org/preau"
        assert board["panels"] == files[name]["panels"]


def test_profiles_are_watched_where_somebody_watches(render: Render) -> None:
    kinds = ("PrometheusRule", "PodMonitor")
    for variant in ("production", "staging"):
        assert {one["kind"] for one in render(variant).of(*kinds)} == set(kinds)
    for variant in ("one-node", "default"):
        assert render(variant).of(*kinds) == []
        assert not any("collector" in one["metadata"]["name"] for one in render(variant).objects)
