"""`preau town` on a running platform, and `scripts/charts-town.sh` with a kubectl that leads to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from preau_stack.databases import SERVICES
from preau_stack.postgres import psql
from preau_stack.running import SEPTEMBER_2025, RunningPlatform, running_platform
from preau_stack.testing import temporary_folder

from tests.integration.stack.town_files import ROOT, preau_town, reset_link, town_file

pytestmark = pytest.mark.timeout(120)
_PASSWORD = "Trois-Petits-Chats-2025"
_DECIDED = {
    "identity": ("tenant", "tenant_host", "household", "guardian", "child", "account"),
    "agenda": ("site", "activity", "calendar_period", "enrolment", "session"),
    "billing": ("till", "tariff"),
    "payment": ("provider_settings",),
}
_KUBECTL = Path(__file__).with_name("fake_kubectl.py")


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningPlatform]:
    with temporary_folder() as folder, running_platform(folder / "data", {"PREAU_NOW": SEPTEMBER_2025}) as running:
        yield running


def _apply(platform: RunningPlatform, *files: Path) -> subprocess.CompletedProcess[str]:
    return preau_town("--data", platform.folder.path, *files)


def _ask(platform: RunningPlatform, service: str, sql: str) -> str:
    password = platform.folder.secrets()["postgres"]
    return psql(f"postgresql://postgres:{password}@127.0.0.1:{platform.ports['postgres']}/{service}", sql)


def _all_of(platform: RunningPlatform, slug: str) -> dict[str, str]:
    """All that was decided of a town, except how often it was said."""
    number = _ask(platform, "identity", f"SELECT tenant_id FROM tenant WHERE slug = '{slug}'").strip()
    return {
        table: _ask(
            platform,
            service,
            f"SELECT to_jsonb(t) - '{{version,updated_at,sealed}}'::text[] FROM {table} t WHERE tenant_id = {number} ORDER BY 1",
        )
        for service, tables in _DECIDED.items()
        for table in tables
    }


def _page(platform: RunningPlatform, host: str) -> httpx.Response:
    address = f"http://127.0.0.1:{platform.ports['gateway']}/"
    return httpx.get(address, headers={"Host": host}, trust_env=False)


def test_the_examples_town_is_made_and_making_it_again_changes_nothing(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    file = town_file(tmp_path, "exemple")
    done = _apply(platform, file)
    assert done.returncode == 0, done.stderr
    said = r"exemple: number \d+, 7 activities, 2 households: http://exemple\.localhost:\d+/ https://cantine\.exemple\.example/\n"
    assert re.fullmatch(said, done.stdout)
    assert "Val-des-Tilleuls" in _page(platform, "cantine.exemple.example").text
    before = _all_of(platform, "exemple")
    assert {table: len(rows.splitlines()) for table, rows in before.items() if table not in {"calendar_period", "session"}} == {
        "tenant": 1, "tenant_host": 2, "household": 2, "guardian": 3, "child": 3, "account": 2,
        "site": 2, "activity": 7, "enrolment": 7 + 3 + 7, "till": 1, "tariff": 8, "provider_settings": 1,
    }  # fmt: skip
    assert '"capacity": 25' in before["session"]
    again = _apply(platform, file)
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")
    assert _all_of(platform, "exemple") == before


def test_a_changed_file_brings_the_town_up_to_date(platform: RunningPlatform, tmp_path: Path) -> None:
    assert _apply(platform, town_file(tmp_path, "change")).returncode == 0
    new_activity = """[[activities]]
code = "gouter"
name = "Goûter"
kind = "meal"
weekdays = [1]
tariffs = [{ valid_from = 2025-09-01, resident = "0.80", non_resident = "1.00" }]

# Optional: families."""
    new_tariff = """weekdays = [1, 2, 4, 5]
tariffs = [
  { valid_from = 2025-09-01, resident = "1.10", non_resident = "1.50" },
  { valid_from = 2026-01-01, resident = "1.20", non_resident = "1.60" },
]
site = "École des Tilleuls"          # optional
"""
    changed = town_file(
        tmp_path,
        "change",
        ('name = "Val-des-Tilleuls"', 'name = "Val-Changé"'),
        ("hosts = [", 'hosts = [\n  "www.val-change.example",'),
        ("# Optional: families.", new_activity),
        ('weekdays = [1, 2, 4, 5]\nsite = "École des Tilleuls"          # optional\n', new_tariff),
        ('[[activities.tariffs]]\nvalid_from = 2025-09-01\nresident = "1.10"', "[ignored]"),
    )
    text = changed.read_text()
    changed.write_text(re.sub(r"\[ignored\].*\nnon_resident = \"1.50\"\n", "", text))
    done = _apply(platform, changed)
    assert done.returncode == 0, done.stderr
    assert ", 8 activities, " in done.stdout
    assert "Val-Changé" in _page(platform, "www.val-change.example").text
    after = _all_of(platform, "change")
    tariffs = [json.loads(row) for row in after["tariff"].splitlines()]
    assert {(row["valid_from"], row["valid_to"], row["resident_minor"]) for row in tariffs} >= {
        ("2025-09-01", "2025-12-31", 110),
        ("2026-01-01", None, 120),
        ("2025-09-01", None, 80),
    }
    assert [json.loads(row)["name"] for row in after["activity"].splitlines() if '"code": "gouter"' in row] == [
        "Goûter"
    ]
    assert _apply(platform, changed).returncode == 0
    assert _all_of(platform, "change") == after


def test_a_refusal_is_one_line_with_its_place_what_came_before_stays_and_the_next_file_is_applied(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    assert _apply(platform, town_file(tmp_path, "refus")).returncode == 0
    # The price of 2026 is taken out: what begins in 2025 would go on over it.
    wrong = town_file(tmp_path, "refus", ('name = "Val-des-Tilleuls"', 'name = "Val-Refusé"'))
    price_of_2026 = r"\[\[activities.tariffs\]\]\nvalid_from = 2026-09-01\n(.*\n){3}"
    wrong.write_text(re.sub(price_of_2026, "", wrong.read_text()))
    began = time.monotonic()
    done = _apply(platform, wrong, town_file(tmp_path, "suivant"))
    assert time.monotonic() - began < 15
    assert done.returncode == 1
    assert done.stderr == f"{wrong}: activities.1.tariffs.0: TARIFF_OVERLAP (valid_from 2026-09-01)\n"
    assert done.stdout.startswith("suivant: number ")
    assert '"name": "Val-Refusé"' in _all_of(platform, "refus")["tenant"]
    assert _apply(platform, town_file(tmp_path, "refus")).returncode == 0
    assert '"name": "Val-des-Tilleuls"' in _all_of(platform, "refus")["tenant"]


def test_a_name_that_another_town_has_is_refused_at_its_place(platform: RunningPlatform, tmp_path: Path) -> None:
    assert _apply(platform, town_file(tmp_path, "preneur")).returncode == 0
    theirs = ("hosts = [", 'hosts = [\n  "cantine.preneur.example",')
    file = town_file(tmp_path, "preneur-2", theirs)
    done = _apply(platform, file)
    assert done.returncode == 1
    words = "HOST_TAKEN: another town has this host name (host cantine.preneur.example)"
    assert done.stderr == f"{file}: hosts: {words}\n"


def test_a_user_name_that_another_family_has_is_refused_at_its_place(platform: RunningPlatform, tmp_path: Path) -> None:
    assert _apply(platform, town_file(tmp_path, "noms")).returncode == 0
    file = town_file(tmp_path, "noms", ('"noms-1"', '"noms-3"'))
    done = _apply(platform, file)
    assert done.returncode == 1
    assert done.stderr == f"{file}: households.0.guardians.0.username: USERNAME_TAKEN: the user name is taken\n"


def test_a_guardian_of_the_file_asks_for_a_letter_signs_in_and_keeps_the_password_when_the_file_is_applied_again(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    file = town_file(tmp_path, "lettre")
    assert _apply(platform, file).returncode == 0
    with platform.client("lettre", follow_redirects=True, trust_env=False) as client:
        form = {"identifiant": "ines.carpentier", "csrf_token": _form_token(client.get("/mot-de-passe-oublie"))}
        assert client.post("/mot-de-passe-oublie", data=form).status_code == HTTPStatus.OK
        link = urlsplit(reset_link(platform.folder.path / "mail", "ines@famille-carpentier.example"))
        assert link.hostname == "lettre.localhost"
        page = client.get(f"{link.path}?{link.query}")
        chosen = {
            "token": parse_qs(link.query)["token"][0],
            "new_password": _PASSWORD,
            "new_password_again": _PASSWORD,
            "csrf_token": _form_token(page),
        }
        assert "Votre mot de passe est changé" in client.post("/nouveau-mot-de-passe", data=chosen).text
        credentials = {"username": "ines.carpentier", "password": _PASSWORD}
        first = client.post("/api/v1/sessions", json=credentials)
        assert first.status_code == HTTPStatus.CREATED, first.text
        assert _apply(platform, file).returncode == 0
        assert client.post("/api/v1/sessions", json=credentials).status_code == HTTPStatus.CREATED
        headers = {"Authorization": f"Bearer {first.json()['token']}"}
        children = client.get("/api/v1/household", headers=headers).json()["children"]
        assert [child["first_name"] for child in children] == ["Lou", "Sacha"]


def _form_token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def test_a_family_that_is_there_stays_as_it_is_and_the_difference_is_said(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    assert _apply(platform, town_file(tmp_path, "famille")).returncode == 0
    before = _all_of(platform, "famille")
    done = _apply(platform, town_file(tmp_path, "famille", ("Bâtiment B", "Bâtiment C")))
    assert done.returncode == 0
    assert done.stderr.endswith(": households.0: was there already and is not as the file says; it stays as it is\n")
    assert len(done.stderr.splitlines()) == 1
    assert _all_of(platform, "famille") == before


def test_a_town_without_payfip_takes_no_online_payment(platform: RunningPlatform, tmp_path: Path) -> None:
    file = town_file(tmp_path, "guichet")
    file.write_text(re.sub(r"\[payfip\](.*\n){5}", "", file.read_text()))
    assert _apply(platform, file).returncode == 0
    assert _all_of(platform, "guichet")["provider_settings"] == ""


def test_elsewhere_another_secret_opens_nothing(platform: RunningPlatform, tmp_path: Path) -> None:
    at = ",".join(f"{name}=127.0.0.1:{platform.ports[name]}" for name in SERVICES)
    environment = {**os.environ, "PREAU_OPERATOR_SECRET": "not-the-platforms-secret"}
    done = preau_town("--at", at, town_file(tmp_path, "ailleurs"), environment=environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"identity at 127.0.0.1:{platform.ports['identity']} knows another operator's secret")
    assert "not-the-platforms-secret" not in done.stderr
    assert _page(platform, "ailleurs.localhost").status_code == HTTPStatus.NOT_FOUND


def _in_cluster(
    platform: RunningPlatform, folder: Path, *arguments: str | Path, is_there: bool = True
) -> subprocess.CompletedProcess[str]:
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec {sys.executable} {_KUBECTL} "$@"\n')
    kubectl.chmod(0o755)
    command = [str(ROOT / "scripts" / "charts-town.sh"), *map(str, arguments)]
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "SECRET": platform.folder.secrets()["service_operator"],
        "PORTS": json.dumps(platform.ports if is_there else {}),
        "RECORD": str(folder / "record"),
    }
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


def test_in_a_cluster_towns_are_made_through_forwards_that_end_with_no_secret_on_a_command_line(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    done = _in_cluster(platform, tmp_path, "preau", "towns", town_file(tmp_path, "grappe"))
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"grappe: number \d+, .*: https://cantine\.grappe\.example/ https://grappe\.localhost/\n", done.stdout
    )
    record = (tmp_path / "record").read_text().splitlines()
    assert record[0] == "--namespace towns get secret preau-operator -o jsonpath={.data.service-secret}"
    assert {line for line in record if " port-forward " in line} == {
        f"--namespace towns port-forward --address 127.0.0.1 deployment/preau-{service} :50051" for service in SERVICES
    }
    assert {line for line in record if line.startswith("readable ")} == {"readable False"}
    pids = [line.removeprefix("pid ") for line in record if line.startswith("pid ")]
    assert len(pids) == len(SERVICES)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_in_a_cluster_without_the_release_the_script_says_what_kubectl_said(
    platform: RunningPlatform, tmp_path: Path
) -> None:
    done = _in_cluster(platform, tmp_path, "preau", town_file(tmp_path, "absente"), is_there=False)
    assert done.returncode == 1
    assert "no way to deployment/preau-identity: Error from server (NotFound)" in done.stderr


def test_in_a_cluster_a_wrong_file_is_told_before_kubectl_is_asked(platform: RunningPlatform, tmp_path: Path) -> None:
    file = town_file(tmp_path, "fausse", ('resident = "1.10"', "resident = 1.10"))
    done = _in_cluster(platform, tmp_path, "preau", file)
    assert done.returncode == 1
    assert done.stderr == f'{file}: activities.0.tariffs.0.resident: not an amount like "1.60"\n'
    assert not (tmp_path / "record").exists()
