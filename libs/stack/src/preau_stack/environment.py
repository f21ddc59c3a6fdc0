"""What each process of the platform is told, as PREAU_ variables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preau_stack.databases import SERVICES, ServiceDatabase
from preau_stack.ports import LOOPBACK

MODULES = {
    "identity": "identity_svc",
    "agenda": "agenda_svc",
    "billing": "billing_svc",
    "payment": "payment_gateway_svc",
}
TELEMETRY = ("TRACE_RATIO", "TRACE_SLOW_SECONDS", "METRICS_SECONDS")
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything a process may need to know of the others. ``ports`` is by process name."""

    databases: Mapping[str, ServiceDatabase]
    nats_url: str
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    data_dir: Path
    otlp_endpoint: str = ""
    clock: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    """ENV, LOG_LEVEL, POOL_SIZE, SMTP_URL and those of ``TELEMETRY`` when the caller chose them."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """Checkouts that processes run from, by name, instead of the installed packages."""

    def address(self, process: str) -> str:
        return f"{LOOPBACK}:{self.ports[process]}"


def service_command(service: str, verb: str) -> list[str]:
    """How a service's verb is run."""
    return [sys.executable, "-m", MODULES[service], verb]


def service_environment(platform: Platform, service: str) -> dict[str, str]:
    """The variables of one of the four services."""
    database = platform.databases[service]
    values = _common(platform) | {
        "DATABASE_URL": database.app_url,
        "WORK_DATABASE_URL": database.work_url,
        "OWNER_DATABASE_URL": database.owner_url,
        "NATS_URL": platform.nats_url,
        "LISTEN": platform.address(service),
        "IDENTITY_ADDRESS": platform.address("identity"),
        "SERVICE_SECRET": platform.secrets[f"service_{service}"],
        "PAGE_TOKEN_KEY": platform.secrets["page_token_key"],
    }
    if "POOL_SIZE" in platform.settings:
        values["POOL_SIZE"] = platform.settings["POOL_SIZE"]
    match service:
        case "identity":
            callers = (*(name for name in SERVICES if name != "identity"), "gateway", "operator")
            values["SERVICE_SECRETS"] = json.dumps({name: platform.secrets[f"service_{name}"] for name in callers})
            values["MAIL_DIR"] = str(_folder(platform, "mail"))
            values["SIGNING_KEY_DIR"] = str(_folder(platform, "signing-keys"))
            if "SMTP_URL" in platform.settings:
                values["SMTP_URL"] = platform.settings["SMTP_URL"]
        case "billing":
            values["PAYMENT_ADDRESS"] = platform.address("payment")
        case "payment":
            values["ENCRYPTION_KEY"] = platform.secrets["encryption_key"]
        case _:
            pass
    return _process_environment(values)


def gateway_environment(platform: Platform) -> dict[str, str]:
    """The variables of the web gateway."""
    values = _common(platform) | {
        "LISTEN": platform.address("gateway"),
        "IDENTITY_ADDRESS": platform.address("identity"),
        "AGENDA_ADDRESS": platform.address("agenda"),
        "BILLING_ADDRESS": platform.address("billing"),
        "PAYMENT_ADDRESS": platform.address("payment"),
        "SERVICE_SECRET": platform.secrets["service_gateway"],
        "COOKIE_SECRET": platform.secrets["cookie_secret"],
    }
    return _process_environment(values)


def simulator_environment(platform: Platform) -> dict[str, str]:
    """The variables of the PayFiP simulator."""
    values = dict(platform.clock) | {
        "LISTEN": platform.address("simulator"),
        "SIMULATOR_DATA": str(_folder(platform, "simulator") / "payfip.sqlite3"),
    }
    return _process_environment(values)


def trace_receiver_environment(platform: Platform) -> dict[str, str]:
    """The variables of the trace receiver."""
    values = {
        "LISTEN": platform.address("trace_page"),
        "OTLP_LISTEN": platform.address("otlp"),
        "TRACE_DATA": str(_folder(platform, "traces")),
    }
    return _process_environment(values)


def _common(platform: Platform) -> dict[str, str]:
    values = dict(platform.clock)
    values["ENV"] = platform.settings.get("ENV", "development")
    values["LOG_LEVEL"] = platform.settings.get("LOG_LEVEL", "info")
    if platform.otlp_endpoint:
        values["OTLP_ENDPOINT"] = platform.otlp_endpoint
    return values | {name: platform.settings[name] for name in TELEMETRY if name in platform.settings}


def _folder(platform: Platform, name: str) -> Path:
    folder = platform.data_dir / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _process_environment(values: Mapping[str, str]) -> dict[str, str]:
    # Not the caller's whole environment: a stray PREAU_ variable would reach a process that never asked for it.
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PYTHONUNBUFFERED": "1"} | {f"PREAU_{name}": value for name, value in values.items()}
