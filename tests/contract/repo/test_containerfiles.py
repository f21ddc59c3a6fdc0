"""What each image is made of, as its Containerfile says; that it runs so is shown by `make chart-e2e`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MEMBERS = {
    "identity-svc": {"proto", "libs/kernel", "libs/chassis", "identity-svc"},
    "agenda-svc": {"proto", "libs/kernel", "libs/chassis", "agenda-svc"},
    "billing-svc": {"proto", "libs/kernel", "libs/chassis", "billing-svc"},
    "payment-gateway-svc": {"proto", "libs/kernel", "libs/chassis", "payment-gateway-svc"},
    "gateway": {"proto", "libs/kernel", "libs/chassis", "gateway"},
}
ALL = [*MEMBERS, "images/nats", "images/postgres", "payment-gateway-svc/simulator"]
PINNED_BASE = re.compile(r"^ARG BASE_IMAGE=\S+@sha256:[0-9a-f]{64}$", re.MULTILINE)


def lines(folder: str) -> list[str]:
    return (ROOT / folder / "Containerfile").read_text().splitlines()


def test_every_containerfile_is_looked_at() -> None:
    names = [str(path.parent.relative_to(ROOT)) for path in ROOT.glob("*/Containerfile")]
    names += [str(path.parent.relative_to(ROOT)) for path in ROOT.glob("*/*/Containerfile")]
    assert sorted(names) == sorted(ALL)


@pytest.mark.parametrize("folder", ALL)
def test_an_image_is_built_in_stages_on_a_pinned_base_and_runs_as_nobody(folder: str) -> None:
    said = lines(folder)
    assert PINNED_BASE.search("\n".join(said))
    assert sum(line.startswith("FROM ") for line in said) >= 2
    last = max(number for number, line in enumerate(said) if line.startswith("FROM "))
    assert [line for line in said[last:] if line.startswith("USER ")] == ["USER 10001:10001"]
    assert not [line for line in said[last:] if line.startswith("RUN ")], "nothing is installed in the last stage"


@pytest.mark.parametrize("service", MEMBERS)
def test_an_image_holds_its_own_member_and_what_that_stands_on(service: str) -> None:
    said = lines(service)
    steps = [line.split("install.sh ", 1)[1].split() for line in said if "images/install.sh " in line and "RUN" in line]
    assert [step[0] for step in steps] == ["dependencies", "members"]
    assert [set(step[1:]) for step in steps] == [MEMBERS[service]] * 2
    sources = {
        part for line in said if line.startswith("COPY ") and "--from" not in line for part in line.split()[1:-1]
    }
    others = MEMBERS.keys() - {service}
    assert not [each for each in sources if each.split("/")[0] in others or "tests" in each or each == "."]
