"""PostgreSQL and NATS: three roles a service, nobody in another's database, backups that can be restored."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tests.contract.charts.conftest import Render
from tests.contract.charts.kubernetes_schemas import problems
from tests.contract.charts.rendering import SERVICES, Rendered, environment

ROLES = ("owner", "app", "work")
WORK_POOL = 4


def config(rendered: Rendered) -> str:
    return str(rendered.one("ConfigMap", "preau-nats")["data"]["nats.conf"])


def test_each_service_has_a_database_and_three_roles_without_power(render: Render) -> None:
    cluster = render("production").one("Cluster", "preau-db")["spec"]
    roles = {role["name"]: role for role in cluster["managed"]["roles"]}
    assert set(roles) == {f"{service}_{role}" for service, role in product(SERVICES, ROLES)}
    for role in roles.values():
        powers = {role[power] for power in ("superuser", "createdb", "createrole", "bypassrls")}
        assert powers == {False}
        assert role["login"] is True
    databases = {one["spec"]["name"]: one["spec"] for one in render("production").of("Database")}
    assert {name: one["owner"] for name, one in databases.items()} == {name: f"{name}_owner" for name in SERVICES}
    assert {one["databaseReclaimPolicy"] for one in databases.values()} == {"retain"}


def test_nobody_reaches_another_services_database(render: Render) -> None:
    rules = render("production").one("Cluster", "preau-db")["spec"]["postgresql"]["pg_hba"]
    for service in SERVICES:
        users = ",".join(f"{service}_{role}" for role in ROLES)
        allowed = rules.index(f"hostssl {service} {users} all scram-sha-256")
        refused = rules.index(f"host all {users} all reject")
        assert allowed < refused, "the first rule that fits decides"
    assert len(rules) == 2 * len(SERVICES)


def test_uninstalling_keeps_the_books(render: Render) -> None:
    cluster = render("production").one("Cluster", "preau-db")
    assert cluster["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    # A cluster that is kept archives on: into a store that is kept, and still backed up.
    for kind in ("ObjectStore", "ScheduledBackup"):
        kept = render("production").one(kind, "preau-db")
        assert kept["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", kind
    for each in render("production").of("StatefulSet"):
        assert each["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_a_payment_that_was_answered_is_on_two_servers(render: Render) -> None:
    synchronous = render("production").one("Cluster", "preau-db")["spec"]["postgresql"]["synchronous"]
    assert (synchronous["method"], synchronous["number"]) == ("any", 1)
    assert "synchronous" not in render("staging").one("Cluster", "preau-db")["spec"]["postgresql"]


def test_the_server_has_room_for_every_pool_at_the_most(render: Render) -> None:
    rendered = render("production")
    most = {one["metadata"]["name"]: one["spec"]["maxReplicas"] for one in rendered.of("HorizontalPodAutoscaler")}
    connections = 0
    for each in rendered.of("Deployment"):
        name = each["metadata"]["name"]
        variables = environment(each["spec"]["template"]["spec"])
        if "PREAU_DATABASE_URL" in variables:
            pool = int(variables.get("PREAU_POOL_SIZE", {"value": "8"})["value"]) + WORK_POOL
            # A rollout has one pod more.
            connections += pool * (most.get(name) or each["spec"]["replicas"]) + pool
    room = int(rendered.one("Cluster", "preau-db")["spec"]["postgresql"]["parameters"]["max_connections"])
    assert connections < room - 20, connections


def test_production_archives_and_backs_up(render: Render) -> None:
    rendered = render("production")
    cluster = rendered.one("Cluster", "preau-db")["spec"]
    (plugin,) = cluster["plugins"]
    assert plugin["isWALArchiver"] is True
    store = rendered.one("ObjectStore", plugin["parameters"]["barmanObjectName"])["spec"]
    assert store["retentionPolicy"] == "30d"
    assert rendered.one("ScheduledBackup", "preau-db")["spec"]["cluster"]["name"] == "preau-db"
    assert cluster["bootstrap"].keys() == {"initdb"}


def test_a_restored_cluster_reads_one_archive_and_writes_another(render: Render) -> None:
    cluster = render("every-switch").one("Cluster", "preau-db")["spec"]
    assert cluster["bootstrap"]["recovery"]["recoveryTarget"] == {"targetTime": "2026-01-02 03:04:05+00"}
    (source,) = cluster["externalClusters"]
    assert source["name"] == cluster["bootstrap"]["recovery"]["source"]
    (writing,) = cluster["plugins"]
    assert source["plugin"]["parameters"]["serverName"] != writing["parameters"]["serverName"]


@pytest.mark.parametrize(("variant", "replicas"), [("production", 3), ("staging", 3), ("one-node", 1)])
def test_streams_are_kept_on_as_many_servers_as_there_are(render: Render, variant: str, replicas: int) -> None:
    rendered = render(variant)
    assert rendered.one("StatefulSet", "preau-nats")["spec"]["replicas"] == replicas
    for name, pod in rendered.pods().items():
        variables = environment(pod)
        if "PREAU_STREAM_REPLICAS" in variables:
            assert variables["PREAU_STREAM_REPLICAS"]["value"] == str(replicas), name
    assert ("cluster {" in config(rendered)) is (replicas > 1)


def test_the_brokers_find_each_other_by_names_that_exist(render: Render) -> None:
    rendered = render("production")
    broker = rendered.one("StatefulSet", "preau-nats")["spec"]
    (container,) = broker["template"]["spec"]["containers"]
    routes = container["args"][1].split(",")
    peers = rendered.one("Service", broker["serviceName"])
    assert peers["spec"]["publishNotReadyAddresses"] is True
    assert [re.sub(r".*@", "", route) for route in routes] == [
        f"preau-nats-{index}.{peers['metadata']['name']}:6222" for index in range(3)
    ]


def test_a_service_publishes_its_own_facts_and_replays_what_it_consumes(render: Render) -> None:
    text = config(render("production"))
    for service in SERVICES:
        found = re.search(
            rf"user: {service}, password: \$([A-Z]+)_PASSWORD, permissions: {{\s+publish: \[(.*?)\]", text
        )
        assert found
        assert found[1] == service.upper()
        facts = set(re.findall(r'"evt\.\*\.([a-z]+)\.>"', found[2]))
        followed = {
            one["metadata"]["stream"].lower()
            for scaler in render("every-switch").of("ScaledObject")
            if scaler["metadata"]["name"] == f"preau-{service}-work"
            for one in scaler["spec"]["triggers"]
        }
        if followed or service == "identity":
            assert facts == {service} | followed


def test_the_edge_takes_every_town_and_their_own_names(render: Render) -> None:
    ingress = render("production").one("Ingress", "preau-gateway")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ["*.preau.localhost"]
    assert ingress["tls"] == [{"secretName": "preau-tls", "hosts": ["*.preau.localhost"]}]
    route = render("every-switch").one("HTTPRoute", "preau-gateway")["spec"]
    assert route["hostnames"] == ["*.preau.localhost", "cantine.example.org"]
    assert route["parentRefs"] == [{"name": "public"}]
    assert render("every-switch").of("Gateway", "Ingress") == []
    assert render("everything-outside").of("Gateway", "Ingress", "HTTPRoute", "StatefulSet", "Cluster") == []


def test_a_node_that_holds_a_lone_database_can_be_drained(render: Render) -> None:
    assert render("staging").one("Cluster", "preau-db")["spec"]["enablePDB"] is False
    assert render("production").one("Cluster", "preau-db")["spec"]["enablePDB"] is True


def test_a_town_typed_without_https_is_led_to_it(render: Render) -> None:
    rendered = render("staging")
    listeners = {one["name"]: one for one in rendered.one("Gateway", "preau-gateway")["spec"]["listeners"]}
    assert {name: (one["port"], one["protocol"]) for name, one in listeners.items()} == {
        "https-0": (443, "HTTPS"), "http": (80, "HTTP"),
    }  # fmt: skip
    redirect = rendered.one("HTTPRoute", "preau-gateway-to-https")["spec"]
    assert redirect["parentRefs"] == [{"name": "preau-gateway", "sectionName": "http"}]
    (rule,) = redirect["rules"]
    assert rule == {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    # Pages themselves are given by https only.
    pages = rendered.one("HTTPRoute", "preau-gateway")["spec"]
    assert pages["parentRefs"] == [{"name": "preau-gateway", "sectionName": "https-0"}]


def test_any_number_of_own_names_is_routed(render: Render) -> None:
    names = [f"cantine-{number}.example.org" for number in range(20)]
    rendered = render("staging", f"--set=gateway.edge.hosts={{{','.join(names)}}}")
    listeners = {
        one["name"]: one.get("hostname") for one in rendered.one("Gateway", "preau-gateway")["spec"]["listeners"]
    }
    routed: dict[str, str] = {}
    for route in rendered.of("HTTPRoute"):
        assert problems("1.37", route) == []
        if "hostnames" in route["spec"]:
            attached = [listeners[parent["sectionName"]] for parent in route["spec"]["parentRefs"]]
            assert attached == route["spec"]["hostnames"]
            routed |= dict.fromkeys(attached, route["metadata"]["name"])
    assert set(routed) == {"*.preau.localhost", *names}


def test_go_programs_collect_before_the_limit_that_ends_them(render: Render) -> None:
    for name in ("Deployment/preau-collector", "StatefulSet/preau-nats"):
        (container,) = render("production").pods()[name]["containers"]
        assert container["resources"]["limits"]["memory"] == "1Gi"
        assert {"name": "GOMEMLIMIT", "value": "819MiB"} in container["env"], name
