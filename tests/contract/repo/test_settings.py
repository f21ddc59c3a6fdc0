"""What an operator may set is written down, and what is written down can be set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from agenda_svc.settings import AgendaSettings
from billing_svc.settings import BillingSettings
from gateway.settings import GatewaySettings
from identity_svc.settings import IdentitySettings
from payment_gateway_svc.settings import PaymentSettings
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[3]
KINDS: tuple[type[BaseSettings], ...] = (
    IdentitySettings, AgendaSettings, BillingSettings, PaymentSettings, GatewaySettings,
)  # fmt: skip
# Of the command, the simulator, the trace receiver and the tests themselves, which read their few variables directly.
ELSEWHERE = ("libs/stack/src", "payment-gateway-svc/simulator/src", "tests", "Makefile", "scripts", "tests/load")
_NAME = re.compile(r"\bPREAU_([A-Z0-9]+(?:_[A-Z0-9]+)*)\b(?!_)")


def documents() -> str:
    folders = [
        ROOT / "docs",
        *(path.parent for path in ROOT.glob("*/README.md")),
        *(path.parent for path in ROOT.glob("*/*/README.md")),
    ]
    files = {path for folder in folders for path in folder.rglob("*.md") if ".venv" not in path.parts}
    return "\n".join(path.read_text() for path in (*sorted(files), ROOT / "README.md"))


def names(kind: type[BaseSettings]) -> set[str]:
    return {f"PREAU_{name.upper()}" for name in kind.model_fields}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_setting_is_documented(kind: type[BaseSettings]) -> None:
    assert kind.model_config.get("env_prefix") == "PREAU_"
    written = {f"PREAU_{name}" for name in _NAME.findall(documents())}
    assert not sorted(names(kind) - written)


def test_every_documented_setting_exists() -> None:
    known = {name for kind in KINDS for name in names(kind)}
    for place in ELSEWHERE:
        files = [ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*.py")
        for path in files:
            text = path.read_text()
            known |= {f"PREAU_{name}" for name in _NAME.findall(text)}
            known |= {f"PREAU_{name}" for name in re.findall(r'"([A-Z][A-Z0-9_]+)"', text)}
    assert not sorted({f"PREAU_{name}" for name in _NAME.findall(documents())} - known)
