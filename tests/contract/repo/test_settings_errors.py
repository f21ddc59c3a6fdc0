"""Whatever is wrong with an environment stops a process at its start: one line, which names the variable and no value."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from agenda_svc.settings import AgendaSettings
from billing_svc.settings import BillingSettings
from gateway.settings import GatewaySettings
from identity_svc.settings import IdentitySettings
from payment_gateway_svc.settings import PaymentSettings
from preau_chassis.settings import ServiceSettings, SettingsError, load_settings
from preau_chassis.variables import OF_OTHERS
from pydantic import SecretStr
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[3]
WORD = "hush-7c1f"
"""In every bad value; never in an error."""
KINDS: dict[str, type[BaseSettings]] = {
    "identity": IdentitySettings,
    "agenda": AgendaSettings,
    "billing": BillingSettings,
    "payment": PaymentSettings,
    "gateway": GatewaySettings,
}
MODULES = {
    "identity": "identity_svc",
    "agenda": "agenda_svc",
    "billing": "billing_svc",
    "payment": "payment_gateway_svc",
    "gateway": "gateway",
}
GOOD: dict[str, dict[str, str]] = {
    "every service": {
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d",
        "WORK_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d",
        "IDENTITY_ADDRESS": "127.0.0.1:1",
    },
    "identity": {"SIGNING_KEY_DIR": "/nowhere", "MAIL_DIR": "/nowhere"},
    "agenda": {},
    "billing": {"PAYMENT_ADDRESS": "127.0.0.1:1"},
    "payment": {"ENCRYPTION_KEY": "A" * 43 + "="},
    "gateway": {
        "IDENTITY_ADDRESS": "127.0.0.1:1",
        "AGENDA_ADDRESS": "127.0.0.1:1",
        "BILLING_ADDRESS": "127.0.0.1:1",
        "PAYMENT_ADDRESS": "127.0.0.1:1",
        "SERVICE_SECRET": "s" * 32,
        "COOKIE_SECRET": "c" * 32,
    },
}
# Any text will do, or what is wrong with it only its use can tell.
FREE = {
    "service_secret", "page_token_key", "cookie_secret", "mail_dir", "signing_key_dir", "nats_token",
}  # fmt: skip
TOGETHER = {"nats_user": "PREAU_NATS_USER and PREAU_NATS_PASSWORD", "nats_password": "PREAU_NATS_USER and"}
RUN = {service: ["serve"] for service in KINDS if service != "gateway"} | {"gateway": []}


def environment(service: str, **changes: str) -> dict[str, str]:
    values = GOOD[service] if service == "gateway" else GOOD["every service"] | GOOD[service]
    return {f"PREAU_{name}": value for name, value in (values | changes).items()}


def problem(monkeypatch: pytest.MonkeyPatch, service: str, variables: dict[str, str]) -> str:
    """What the process would say; empty when it would start."""
    for name in [name for name in os.environ if name.upper().startswith("PREAU_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    try:
        settings = load_settings(KINDS[service])
        if isinstance(settings, ServiceSettings):
            settings.require_for("serve")
            settings.require_for("work")
    except SettingsError as error:
        return str(error)
    return ""


CHECKED = [(service, name) for service, kind in KINDS.items() for name in kind.model_fields if name not in FREE]


@pytest.mark.parametrize("service", KINDS)
def test_a_good_environment_is_good(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    assert problem(monkeypatch, service, environment(service)) == ""


@pytest.mark.parametrize(("service", "name"), CHECKED)
def test_a_bad_value_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, service: str, name: str) -> None:
    said = problem(monkeypatch, service, environment(service, **{name.upper(): f"{WORD} \n%"}))
    assert TOGETHER.get(name, f"PREAU_{name.upper()}") in said
    assert WORD not in said
    assert "\n" not in said
    assert said.count("PREAU_") <= 3, said


@pytest.mark.parametrize(
    ("service", "variables", "said"),
    [
        ("identity", {"SERVICE_SECRETS": f'{{"agenda": ["{WORD}"]}}'}, "PREAU_SERVICE_SECRETS: "),
        ("identity", {"SERVICE_SECRETS": f'{{"{WORD}": 3}}'}, "PREAU_SERVICE_SECRETS: "),
        ("identity", {"ENV": "production", "PAGE_TOKEN_KEY": ""}, "PREAU_PAGE_TOKEN_KEY must be set"),
        ("agenda", {"ENV": "production", "PAGE_TOKEN_KEY": "k" * 15}, "PREAU_PAGE_TOKEN_KEY must be set to 16 characters"),
        ("identity", {"ENV": "production", "PAGE_TOKEN_KEY": "k" * 32, "PASSWORD_MEMORY_KIB": "64"}, "PREAU_PASSWORD_MEMORY"),
        ("identity", {"ENV": "production", "PAGE_TOKEN_KEY": "k" * 32, "PASSWORD_ITERATIONS": "1"}, "PREAU_PASSWORD_ITERATIONS"),
        ("identity", {"PASSWORD_MEMORY_KIB": "64", "PASSWORD_LANES": "16"}, "8 KiB for each of PREAU_PASSWORD_LANES"),
        ("identity", {"SMTP_URL": f"https://{WORD}"}, "PREAU_SMTP_URL: must be smtp://"),
        ("identity", {"SMTP_URL": f"smtp://u:{WORD}@h:99999"}, "PREAU_SMTP_URL: must be smtp://"),
        ("agenda", {"DATABASE_URL": f"mysql://u:{WORD}@h/d"}, "PREAU_DATABASE_URL: must be postgresql://"),
        ("agenda", {"NATS_URL": f"http://{WORD}"}, "PREAU_NATS_URL: must be nats://"),
        ("agenda", {"NATS_USER": "a", "NATS_PASSWORD": WORD, "NATS_TOKEN": WORD}, "exclude each other"),
        ("agenda", {"LISTEN": "127.0.0.1:70000"}, "PREAU_LISTEN: must be host:port"),
        ("agenda", {"NOW": "2025-08-20T09:00:00"}, "PREAU_NOW: "),
        ("agenda", {"ENV": "production", "PAGE_TOKEN_KEY": "k" * 32, "NOW": "2025-08-20T09:00:00-04:00"}, "PREAU_NOW is refused"),
        ("payment", {"ENCRYPTION_OLD_KEYS": WORD}, "PREAU_ENCRYPTION_OLD_KEYS must be base64"),
        ("gateway", {"ENV": "production", "COOKIE_SECRET": WORD}, "PREAU_COOKIE_SECRET needs 32 characters"),
    ],
)  # fmt: skip
def test_what_a_type_does_not_say_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, service: str, variables: dict[str, str], said: str
) -> None:
    found = problem(monkeypatch, service, environment(service, **variables))
    assert said in found
    assert WORD not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (service, name.removeprefix("PREAU_"))
        for service in KINDS
        for name in environment(service)
        if (service, name) != ("identity", "PREAU_IDENTITY_ADDRESS")
    ],
)
@pytest.mark.parametrize("emptied", [True, False], ids=["empty", "missing"])
def test_what_is_needed_and_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, service: str, name: str, *, emptied: bool
) -> None:
    variables = environment(service, **{name: ""})
    if not emptied:
        del variables[f"PREAU_{name}"]
    assert f"PREAU_{name}" in problem(monkeypatch, service, variables)


def test_all_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = problem(monkeypatch, "payment", {})
    assert said == "PREAU_DATABASE_URL is not set; PREAU_IDENTITY_ADDRESS is not set; PREAU_ENCRYPTION_KEY is not set"


@pytest.mark.parametrize(
    ("service", "typo", "meant"),
    [
        ("agenda", "TRACE_RATO", "PREAU_TRACE_RATIO"),
        ("identity", "SESION_IDLE_MINUTES", "PREAU_SESSION_IDLE_MINUTES"),
        ("billing", "DATABASE_URI", "PREAU_DATABASE_URL"),
        ("payment", "ENCRYPTION_OLD_KEY", "PREAU_ENCRYPTION_OLD_KEYS"),
        ("gateway", "COOKIES_SECRET", "PREAU_COOKIE_SECRET"),
        ("gateway", "ENCRYPTION_KYE", "PREAU_ENCRYPTION_KEY"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, service: str, typo: str, meant: str
) -> None:
    said = problem(monkeypatch, service, environment(service, **{typo: WORD}))
    assert said == f"PREAU_{typo}: there is no such setting (is {meant} meant?)"


def test_a_name_like_no_other_is_refused_without_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    said = problem(monkeypatch, "agenda", environment("agenda", QZXJ=WORD))
    assert said == "PREAU_QZXJ: there is no such setting"


@pytest.mark.parametrize("service", KINDS)
def test_variables_of_others_and_of_kubernetes_are_let_be(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    foreign = dict.fromkeys(OF_OTHERS - {name.upper() for name in KINDS[service].model_fields}, "x")
    links = {
        "GATEWAY_SERVICE_HOST": "10.0.0.1",
        "GATEWAY_SERVICE_PORT": "8080",
        "GATEWAY_SERVICE_PORT_HTTP": "8080",
        "GATEWAY_PORT": "tcp://10.0.0.1:8080",
        "GATEWAY_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "GATEWAY_PORT_8080_TCP_PROTO": "tcp",
        "NATS_PEERS_PORT_6222_TCP_ADDR": "10.0.0.2",
    }
    assert problem(monkeypatch, service, environment(service, **foreign, **links)) == ""


def test_the_variables_of_others_are_those_there_are() -> None:
    fields = {service: {name.upper() for name in kind.model_fields} for service, kind in KINDS.items()}
    everywhere = set.intersection(*fields.values())
    written = set()
    for folder in ("libs/stack/src", "payment-gateway-svc/simulator/src", "tests", "scripts"):
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.sh")]:
            if path != Path(__file__):
                written |= set(re.findall(r"\bPREAU_([A-Z0-9]+(?:_[A-Z0-9]+)*)\b", path.read_text()))
    settings = set.union(*fields.values())
    assert settings - everywhere <= OF_OTHERS | fields["identity"]
    for service, own in fields.items():
        assert settings - own <= OF_OTHERS, service
    typos = {"TRACE_RATO"}
    assert written - settings - typos <= OF_OTHERS, "a variable the repository uses would stop a service"


@pytest.mark.parametrize("service", KINDS)
def test_a_process_ends_with_status_2_and_one_line(service: str) -> None:
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    wrong = {"LOG_LEVEL": f"{WORD} \n%", "TRACE_RATO": WORD}
    done = subprocess.run(
        [sys.executable, "-m", MODULES[service], *RUN[service]],
        env=variables | environment(service, **wrong),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "PREAU_TRACE_RATO: there is no such setting (is PREAU_TRACE_RATIO meant?); PREAU_LOG_LEVEL: "
    )
    assert WORD not in line


@pytest.mark.parametrize("verb", ["serve", "work", "migrate"])
def test_what_a_verb_needs_is_asked_for_before_anything_is_opened(verb: str) -> None:
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "billing_svc", verb],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    wanted = {"serve": "PREAU_DATABASE_URL", "work": "PREAU_DATABASE_URL", "migrate": "PREAU_OWNER_DATABASE_URL"}[verb]
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{wanted} is not set")


def test_no_secret_is_a_plain_text() -> None:
    for kind in KINDS.values():
        for name, field in kind.model_fields.items():
            if re.search(r"secret|password|token|_key$|_keys$|_url$", name) and field.annotation is not int:
                assert SecretStr.__name__ in str(field.annotation), (kind.__name__, name)
