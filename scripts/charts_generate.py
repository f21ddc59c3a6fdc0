"""Writes what the charts say twice: every values.schema.json, and the umbrella's README from its values.yaml.

``--check`` writes nothing and fails when a file is not what it would write.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from agenda_svc.settings import AgendaSettings
from billing_svc.settings import BillingSettings
from gateway.settings import GatewaySettings
from identity_svc.settings import IdentitySettings
from payment_gateway_svc.settings import PaymentSettings
from pydantic_settings import BaseSettings

CHARTS = Path(__file__).parents[1] / "charts"
SERVICES: dict[str, tuple[str, type[BaseSettings]]] = {
    "identity": ("identity-svc", IdentitySettings),
    "agenda": ("agenda-svc", AgendaSettings),
    "billing": ("billing-svc", BillingSettings),
    "payment": ("payment-gateway-svc", PaymentSettings),
    "gateway": ("gateway", GatewaySettings),
}
# Said once for all services by `global`, by the service's own nature, or by its Secret.
FROM_THE_CHART = {
    "env", "now", "now_anchor", "log_level", "otlp_endpoint", "trace_ratio", "listen", "nats_url", "nats_user", "nats_credentials_file",
    "stream_replicas", "signing_key_dir", "service_secrets",
    "identity_address", "agenda_address", "billing_address", "payment_address",
}  # fmt: skip
_MEANINGFUL = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "pattern")
_COMMENT = re.compile(r"^\s*# -- (?P<text>.*)")
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]+):(?: (?P<value>.*))?$")

Schema = dict[str, Any]


def closed(properties: Schema) -> Schema:
    """An object in which a misspelt key is an error."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


FREE: Schema = {"type": "object"}
PEERS: Schema = {"type": "array", "items": FREE}
_OF_TYPE: dict[type, Schema] = {
    dict: FREE,
    list: PEERS,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
}
# What the type of a default does not say.
NARROWER: dict[str, Schema] = {
    "global.env": {"enum": ["development", "test", "production"]},
    "global.logLevel": {"enum": ["debug", "info", "warning", "error"]},
    "global.images.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "global.images.tag": {"type": "string", "not": {"const": "latest"}},
    "global.images.pullSecrets": {"type": "array", "items": {"type": "string"}},
    "global.telemetry.endpoint": {"type": "string", "pattern": "^(https?://.+)?$"},
    "global.telemetry.ratio": {"type": "number", "minimum": 0, "maximum": 1},
    "global.postgres.instances": {"type": "integer", "minimum": 1},
    "global.postgres.restore": closed({"server": {"type": "string"}, "targetTime": {"type": "string"}}),
    "global.postgres.resources": FREE,
    "global.postgres.parameters": {"type": "object", "additionalProperties": {"type": "string"}},
    "global.nats.replicas": {"enum": [1, 3]},
    # No credentials in it: they come from Secrets.
    "global.nats.url": {"type": "string", "pattern": "^((nats|tls|ws|wss)://[^@,]+(,(nats|tls|ws|wss)://[^@,]+)*)?$"},
    "global.nats.resources": FREE,
    "global.network.smtpPorts": {"type": "array", "items": {"type": "integer"}},
    "global.network.private": {"type": "array", "items": {"type": "string"}},
    "global.collector.sampling.percent": {"type": "number", "minimum": 0, "maximum": 100},
    "global.collector.sampling.slowSeconds": {"type": "number", "exclusiveMinimum": 0},
    "global.collector.sampling.decisionWait": {"type": "string", "pattern": "^[1-9][0-9]*s$"},
    "global.collector.traces.endpoint": {"type": "string", "pattern": "^(https?://[^/]+:[0-9]+)?$"},
    "global.collector.logs.endpoint": {"type": "string", "pattern": "^(https?://[^/]+:[0-9]+)?$"},
    "global.collector.resources": FREE,
    "gateway.edge.kind": {"enum": ["ingress", "gateway", "none"]},
    "gateway.edge.hosts": {"type": "array", "items": {"type": "string"}},
    "gateway.edge.annotations": {"type": "object", "additionalProperties": {"type": "string"}},
}


def schema_of(default: object, path: str) -> Schema:
    """The schema of a value whose default is known."""
    if path in NARROWER:
        return NARROWER[path]
    if isinstance(default, dict) and default:
        return closed({key: schema_of(value, f"{path}.{key}") for key, value in default.items()})
    return _OF_TYPE[type(default)]


def settings_schema(kind: type[BaseSettings]) -> Schema:
    """The settings that are plainly set: not secret, and not known to the chart already."""
    properties: Schema = {}
    for name, said in kind.model_json_schema()["properties"].items():
        choices = [one for one in said.get("anyOf", [said]) if one.get("type") != "null"]
        if name in FROM_THE_CHART or choices[0].get("format") == "password":
            continue
        properties[name] = {key: value for key, value in choices[0].items() if key in _MEANINGFUL}
    return closed(properties)


def service_schema(name: str, defaults: dict[str, Any]) -> Schema:
    """What may be said of one service."""
    count = {"type": "integer", "minimum": 1}
    properties: Schema = {
        "replicas": count,
        "resources": FREE,
        "work": closed({"replicas": count, "resources": FREE}),
        "autoscaling": closed(
            {"enabled": {"type": "boolean"}, "min": count, "max": count, "cpu": {"type": "integer", "minimum": 10}}
        ),
        "secret": {"type": "string"},
        "settings": settings_schema(SERVICES[name][1]),
        "patch": {
            "type": "array",
            "items": closed(
                {"target": {"type": "string", "pattern": "^[A-Za-z]+/(serve|work|migrate)$"}, "merge": FREE}
            )
            | {"required": ["target", "merge"]},
        },
    }
    if name == "gateway":
        del properties["work"]
        properties["edge"] = schema_of(defaults["gateway"]["edge"], "gateway.edge")
    return closed(properties)


def global_schema(defaults: dict[str, Any]) -> Schema:
    """Said once for the whole platform."""
    schema = schema_of(defaults["global"], "global")
    production = {"properties": {"env": {"const": "production"}}, "required": ["env"]}
    return schema | {"if": production, "then": {"properties": {"now": {"const": ""}}}}


def schemas() -> dict[Path, str]:
    defaults = yaml.safe_load((CHARTS / "preau/values.yaml").read_text())
    shared = global_schema(defaults)
    services = {name: service_schema(name, defaults) for name in SERVICES}
    # A service's own schema judges its block, also inside the umbrella.
    watching = schema_of(defaults["monitoring"], "monitoring")
    umbrella = closed({"global": shared, "monitoring": watching} | dict.fromkeys(SERVICES, FREE))
    texts = {CHARTS / "preau/values.schema.json": umbrella}
    for name, (folder, _) in SERVICES.items():
        own = services[name]
        library = {"service-lib": FREE, "global": shared}
        texts[CHARTS / folder / "values.schema.json"] = own | {"properties": own["properties"] | library}
    start = {"$schema": "https://json-schema.org/draft-07/schema#"}
    return {path: json.dumps(start | schema, indent=1) + "\n" for path, schema in texts.items()}


def rows(text: str) -> list[tuple[str, str, str]]:
    """Key, default and meaning of every commented value."""
    found = []
    path: list[tuple[int, str]] = []
    meaning = ""
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            meaning = comment["text"]
        elif key := _KEY.match(line):
            indent = len(key["indent"])
            path = [part for part in path if part[0] < indent] + [(indent, key["key"])]
            value = (key["value"] or "").strip()
            if meaning or value:
                found.append((".".join(name for _, name in path), value, meaning))
            meaning = ""
    return found


def readme() -> str:
    lines = [
        "# preau",
        "",
        "The whole platform as one Helm release. Made by `make charts` from the comments of `values.yaml`; how to install,",
        "upgrade, rotate keys and restore is in `docs/operations.md`.",
        "",
        "```sh",
        "make charts",
        "helm install preau out/charts/preau-*.tgz --namespace preau --values charts/preau/values-production.yaml --values yours.yaml",
        "```",
        "",
        "| key | default | meaning |",
        "|---|---|---|",
    ]
    for key, value, meaning in rows((CHARTS / "preau/values.yaml").read_text()):
        default = f"`{value}`" if value else ""
        lines.append(f"| `{key}` | {default} | {meaning} |")
    lines += ["", "`identity`, `agenda`, `billing`, `payment` and `gateway` take, each:", ""]
    lines += ["| key | meaning |", "|---|---|"]
    lines += [f"| `{key}` | {meaning} |" for key, meaning in SERVICE_KEYS.items()]
    lines += ["", "Settings of each service, under `<service>.settings`:", "", "| service | settings |", "|---|---|"]
    for name, (_, kind) in SERVICES.items():
        names = ", ".join(f"`{setting}`" for setting in sorted(settings_schema(kind)["properties"]))
        lines.append(f"| {name} | {names} |")
    return "\n".join(lines) + "\n"


SERVICE_KEYS = {
    "replicas`, `work.replicas": "pods that answer; pods that relay and consume (one of them leads)",
    "resources`, `work.resources": "Kubernetes' own; the chart sets no CPU limit, on purpose",
    "autoscaling": "`{enabled, min, max, cpu}`: by CPU for the pods that answer (another comes when they use more than `cpu` percent of a core); for workers by lag, with `global.keda`",
    "secret": "existing Secret; empty: `<release>-<service>`",
    "settings": "any setting of the service's `settings.py`, in lower case",
    "patch": "`[{target: Deployment/serve, merge: {…}}]`: merged into that object, lists replaced",
}


def main() -> int:
    texts = schemas() | {CHARTS / "preau/README.md": readme()}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(CHARTS.parent)} is not up to date: make charts")
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
