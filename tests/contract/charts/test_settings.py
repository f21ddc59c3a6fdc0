"""The charts and every settings.py speak of the same variables, and secrets come from Secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from scripts.charts_generate import SERVICES, settings_schema
from scripts.charts_secrets import Place, contents
from tests.contract.charts.conftest import Render
from tests.contract.charts.rendering import VARIANTS, Object, Rendered, environment

PREFIX = "PREAU_"
# identity checks tokens with its own keys and calls nobody.
UNUSED = {"identity": {"identity_address"}}


def pods_of(rendered: Rendered, service: str) -> list[Object]:
    names = {f"preau-{service}", f"preau-{service}-work", f"preau-{service}-migrate"}
    return [pod for name, pod in rendered.pods().items() if name.partition("/")[2] in names]


def said(rendered: Rendered, service: str) -> set[str]:
    names = {name for pod in pods_of(rendered, service) for name in environment(pod)}
    return {name.removeprefix(PREFIX).lower() for name in names if name.startswith(PREFIX)}


def is_secret(kind: type[BaseSettings], name: str) -> bool:
    annotation = str(kind.model_fields[name].annotation)
    return SecretStr.__name__ in annotation


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_of_the_charts_is_a_setting(render: Render, service: str) -> None:
    known = set(SERVICES[service][1].model_fields)
    for variant in VARIANTS:
        assert said(render(variant), service) <= known, variant


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_can_be_reached_from_values(render: Render, service: str) -> None:
    kind = SERVICES[service][1]
    reached = set(settings_schema(kind)["properties"])
    for variant in VARIANTS:
        reached |= said(render(variant), service)
    assert set(kind.model_fields) - reached == UNUSED.get(service, set())


@pytest.mark.parametrize("service", SERVICES)
def test_a_setting_from_values_arrives_as_it_was_said(render: Render, service: str) -> None:
    setting, value = {
        "identity": ("session_idle_minutes", "45"),
        "agenda": ("expiry_seconds", "7"),
        "billing": ("pdf_threads", "3"),
        "payment": ("provider_timeout_seconds", "7.5"),
        "gateway": ("public_scheme", "http"),
    }[service]
    rendered = render(
        "default", f"--set-json={service}.settings.{setting}={json.dumps(value) if value.isalpha() else value}"
    )
    for pod in pods_of(rendered, service):
        assert environment(pod)[f"{PREFIX}{setting.upper()}"]["value"] == value


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_come_from_secrets(rendered: Rendered, service: str) -> None:
    kind = SERVICES[service][1]
    for pod in pods_of(rendered, service):
        for name, variable in environment(pod).items():
            setting = name.removeprefix(PREFIX).lower()
            if name.startswith(PREFIX) and is_secret(kind, setting):
                value = variable.get("value", "")
                is_a_place = setting == "nats_url" and "@" not in value
                assert "valueFrom" in variable or "_PASSWORD)@" in value or is_a_place, name


@pytest.mark.parametrize("service", ["identity", "agenda", "billing", "payment"])
def test_only_migrations_know_the_owners_password(rendered: Rendered, service: str) -> None:
    for name, pod in rendered.pods().items():
        if not name.startswith(("Deployment", "Job")) or name.partition("/")[2].split("-")[1] != service:
            continue
        variables = environment(pod)
        is_migration = name.startswith("Job")
        assert ("PREAU_OWNER_DATABASE_URL" in variables) is is_migration
        assert ("PREAU_DATABASE_URL" in variables) is not is_migration
        assert ("PREAU_WORK_DATABASE_URL" in variables) is not is_migration
        assert "owner" not in json.dumps(pod) or is_migration


def test_production_says_https_and_trusts_its_proxy(render: Render) -> None:
    variables = environment(render("production").pods()["Deployment/preau-gateway"])
    assert variables["PREAU_PUBLIC_SCHEME"]["value"] == "https"
    assert variables["PREAU_TRUST_FORWARDED"]["value"] == "true"
    assert variables["PREAU_ENV"]["value"] == "production"
    assert "PREAU_NOW" not in variables


def test_every_replica_of_identity_signs_with_the_same_key(render: Render) -> None:
    for name in ("Deployment/preau-identity", "Deployment/preau-identity-work"):
        pod = render("production").pods()[name]
        folder = environment(pod)["PREAU_SIGNING_KEY_DIR"]["value"]
        (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["mountPath"] == folder]
        assert mount["readOnly"] is True
        (volume,) = [one for one in pod["volumes"] if one["name"] == mount["name"]]
        assert volume["secret"]["secretName"] == "preau-identity"
        assert volume["secret"]["items"] == [{"key": "master.key", "path": "master.key"}]


@pytest.mark.parametrize(
    ("variant", "place"),
    [
        ("production", Place(smtp="smtp://mail")),
        ("one-node", Place(database="postgresql://db:5432")),
        ("everything-outside", Place(database="postgresql://db:5432", nats="nats://user:w%40rd@bus:4222")),
    ],
)
def test_the_secrets_that_are_made_are_those_that_are_asked_for(render: Render, variant: str, place: Place) -> None:
    from preau_stack.secrets_file import new_secrets

    made = contents(place, new_secrets())
    assert len(made["preau-identity"]["master.key"]) == 32
    for asked, key, is_optional in references(render(variant)):
        if asked == "preau-db-ca":
            continue  # the operator's own
        assert is_optional or key in made[asked], (asked, key)
    for cluster in render(variant).of("Cluster"):
        for role in cluster["spec"]["managed"]["roles"]:
            assert made[role["passwordSecret"]["name"]]["username"].decode() == role["name"]


def test_who_we_are_to_the_broker_comes_from_secrets_of_its_own(render: Render) -> None:
    for pod in (pod for service in ("identity", "billing") for pod in pods_of(render("production"), service)):
        variables = environment(pod)
        user = variables["PREAU_NATS_USER"]["value"]
        assert variables["PREAU_NATS_URL"]["value"] == "nats://preau-nats:4222"
        password = variables["PREAU_NATS_PASSWORD"]["valueFrom"]["secretKeyRef"]
        assert password == {"name": "preau-nats", "key": user}
        config = render("production").one("ConfigMap", "preau-nats")["data"]["nats.conf"]
        assert f"user: {user}, password: ${user.upper()}_PASSWORD" in config
    outside = environment(render("everything-outside").pods()["Deployment/preau-agenda-work"])
    for name in ("USER", "PASSWORD", "TOKEN"):
        key = f"nats-{name.lower()}"
        wanted = {"name": "preau-agenda", "key": key, "optional": True}
        assert outside[f"PREAU_NATS_{name}"]["valueFrom"]["secretKeyRef"] == wanted


def test_a_credentials_file_is_mounted_where_the_setting_says(render: Render) -> None:
    for pod in pods_of(render("broker-by-file"), "payment"):
        variables = environment(pod)
        folder, _, file = variables["PREAU_NATS_CREDENTIALS_FILE"]["value"].rpartition("/")
        assert variables["PREAU_NATS_URL"]["value"] == "tls://bus.example.org:4222"
        assert not variables.keys() & {"PREAU_NATS_USER", "PREAU_NATS_PASSWORD", "PREAU_NATS_TOKEN"}
        (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["mountPath"] == folder]
        (volume,) = [one for one in pod["volumes"] if one["name"] == mount["name"]]
        assert volume["secret"]["secretName"] == "preau-payment"
        assert volume["secret"]["items"] == [{"key": file, "path": file}]
    gateway = render("broker-by-file").pods()["Deployment/preau-gateway"]
    assert not any("NATS" in name for name in environment(gateway))
    assert not any(volume["name"] == "broker" for volume in gateway["volumes"])


def test_the_secrets_script_tells_the_address_from_the_password() -> None:
    from preau_stack.secrets_file import new_secrets

    made = contents(Place(database="postgresql://db:5432", nats="nats://user:w%40rd@bus:4222"), new_secrets())
    assert made["preau-agenda"]["nats-url"] == b"nats://bus:4222"
    assert (made["preau-agenda"]["nats-user"], made["preau-agenda"]["nats-password"]) == (b"user", b"w@rd")
    plain = contents(Place(database="postgresql://db:5432", nats="nats://bus:4222"), new_secrets())
    assert "nats-user" not in plain["preau-agenda"]


def references(rendered: Rendered) -> set[tuple[str, str, bool]]:
    """Every Secret's key that a pod uses."""
    found = set()
    for pod in rendered.pods().values():
        for variable in environment(pod).values():
            if source := variable.get("valueFrom", {}).get("secretKeyRef"):
                found.add((source["name"], source["key"], source.get("optional", False)))
        for volume in pod["volumes"]:
            for item in volume.get("secret", {}).get("items", []):
                found.add((volume["secret"]["secretName"], item["key"], False))
    return found


def test_followed_consumers_are_those_of_the_code() -> None:
    import re

    import yaml

    root = Path(__file__).parents[3]
    for folder, _ in SERVICES.values():
        shape = yaml.safe_load((root / "charts" / folder / "service.yaml").read_text())
        entrypoints = root / folder / "src" / folder.replace("-", "_") / "entrypoints/consumers.py"
        code = entrypoints.read_text() if entrypoints.exists() else ""
        for name, durable in re.findall(r'^([A-Z_]+) = "([a-z-]+)"$', code, re.MULTILINE):
            code = code.replace(f"durable={name},", f'durable="{durable}",')
        pairs = re.findall(r'durable="([a-z-]+)",\s*stream="([A-Z]+)"', code)
        assert {(one["durable"], one["stream"]) for one in shape["consumers"]} == set(pairs), folder
