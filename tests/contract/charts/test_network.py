"""The arrows of docs/architecture.md, and no other."""

from __future__ import annotations

import pytest

from tests.contract.charts.conftest import Render
from tests.contract.charts.rendering import SERVICES, Object

ARROWS = {
    ("gateway", "identity"),
    ("gateway", "agenda"),
    ("gateway", "billing"),
    ("gateway", "payment"),
    ("billing", "payment"),
    # Keys that check tokens; billing also asks for names.
    ("agenda", "identity"),
    ("billing", "identity"),
    ("payment", "identity"),
}
LABEL = "app.kubernetes.io/"


def name_of(selector: Object) -> tuple[str, str]:
    labels = selector["matchLabels"]
    assert labels[f"{LABEL}instance"] == "preau"
    return labels[f"{LABEL}name"], labels.get(f"{LABEL}component", "")


def ports_of(rule: Object) -> set[int]:
    return {one["port"] for one in rule["ports"]}


def own_policies(render: Render, variant: str) -> list[Object]:
    return [
        one for one in render(variant).of("NetworkPolicy") if not one["metadata"]["name"].endswith(("-closed", "-db"))
    ]


@pytest.mark.parametrize("variant", ["production", "staging", "one-node", "default"])
def test_calls_go_along_the_arrows_on_both_sides(render: Render, variant: str) -> None:
    leaving, arriving = set(), set()
    for policy in own_policies(render, variant):
        here, role = name_of(policy["spec"]["podSelector"])
        for rule in policy["spec"]["egress"]:
            if ports_of(rule) == {50051}:
                assert role == "serve"
                leaving |= {(here, *name_of(peer["podSelector"])) for peer in rule["to"]}
        for rule in policy["spec"]["ingress"]:
            if ports_of(rule) == {50051}:
                assert role == "serve"
                arriving |= {(*name_of(peer["podSelector"]), here) for peer in rule["from"]}
    assert leaving == {(caller, called, "serve") for caller, called in ARROWS}
    assert arriving == {(caller, "serve", called) for caller, called in ARROWS}


@pytest.mark.parametrize("variant", ["production", "one-node"])
def test_everything_is_closed_but_what_a_policy_opens(render: Render, variant: str) -> None:
    closed = render(variant).one("NetworkPolicy", "preau-closed")["spec"]
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert not closed.keys() & {"ingress", "egress"}
    wanted = closed["podSelector"]["matchLabels"].items()
    for each in render(variant).of("Deployment", "StatefulSet", "Job"):
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert wanted <= labels.items()
        selecting = [
            one["metadata"]["name"]
            for one in render(variant).of("NetworkPolicy")
            if one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
        ]
        assert len(selecting) == 2, (each["metadata"]["name"], selecting)


def test_only_serving_pods_are_entered(render: Render) -> None:
    for policy in own_policies(render, "production"):
        name, role = name_of(policy["spec"]["podSelector"])
        if role in {"work", "migrate"}:
            assert policy["spec"]["ingress"] == [], name


def test_the_gateway_reaches_no_database_and_no_broker(render: Render) -> None:
    egress = render("production").one("NetworkPolicy", "preau-gateway")["spec"]["egress"]
    assert set().union(*map(ports_of, egress)) == {53, 50051, 4317}
    entered = render("production").one("NetworkPolicy", "preau-gateway")["spec"]["ingress"]
    assert entered == [
        {
            "ports": [{"protocol": "TCP", "port": 8080}],
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
        }
    ]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ["serve", "work", "migrate"])
def test_each_role_reaches_what_it_needs(render: Render, service: str, role: str) -> None:
    name = f"preau-{service}" + ("" if role == "serve" else f"-{role}")
    rules = render("production").one("NetworkPolicy", name)["spec"]["egress"]
    wanted = {53, 5432, 4222}
    if role == "serve" and service != "identity":
        wanted.add(50051)
    if role != "migrate":
        wanted.add(4317)
        if service == "payment":
            wanted.add(443)
    if (service, role) == ("identity", "work"):
        wanted |= {25, 465, 587}
    assert set().union(*map(ports_of, rules)) == wanted
    (database,) = [one["to"] for one in rules if ports_of(one) == {5432}]
    assert database == [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "preau-db"}}}]
    (broker,) = [one["to"] for one in rules if ports_of(one) == {4222}]
    assert [name_of(peer["podSelector"])[0] for peer in broker] == ["nats"]


def test_providers_are_public_addresses_only(render: Render) -> None:
    rules = render("production").one("NetworkPolicy", "preau-payment")["spec"]["egress"]
    (outside,) = [one["to"] for one in rules if ports_of(one) == {443}]
    (block,) = outside
    assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(block["ipBlock"]["except"])


def test_database_and_broker_admit_the_four_services(render: Render) -> None:
    for name, port in (("preau-db", 5432), ("preau-nats", 4222)):
        rules = render("production").one("NetworkPolicy", name)["spec"]["ingress"]
        (peers,) = [one["from"] for one in rules if ports_of(one) == {port}]
        (peer,) = peers
        (names,) = peer["podSelector"]["matchExpressions"]
        assert set(names["values"]) == set(SERVICES)
        assert "namespaceSelector" not in peer


def test_keda_reads_the_brokers_lag_where_it_scales_by_it(render: Render) -> None:
    def readers(variant: str) -> list[Object]:
        rules = render(variant).one("NetworkPolicy", "preau-nats")["spec"]["ingress"]
        return [peer for rule in rules if ports_of(rule) == {8222} for peer in rule["from"]]

    keda = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "keda-operator"}},
    }
    assert keda in readers("every-switch")
    assert keda not in readers("production")


def test_addresses_outside_the_cluster_can_be_named(render: Render) -> None:
    rules = render("everything-outside").one("NetworkPolicy", "preau-agenda-work")["spec"]["egress"]
    by_port = {tuple(ports_of(rule)): rule.get("to") for rule in rules}
    assert by_port[(5432,)] == [{"ipBlock": {"cidr": "10.1.2.3/32"}}]
    assert by_port[(4222,)] == [{"ipBlock": {"cidr": "10.1.2.4/32"}}]
