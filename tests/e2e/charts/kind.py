"""What scripts/kind-e2e.sh does beside kubectl and helm: Secrets, the first town, a parent who books and pays.

The state folder stands where `preau up` keeps its own, so that the same programs can speak to the cluster.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from preau_stack.data_folder import DataFolder
from preau_stack.databases import create_databases
from preau_stack.demo import load_town, poll_payments
from preau_stack.demo_towns import CASEPILOTE
from preau_stack.running import RunningPlatform
from preau_stack.services import open_services

from scripts.charts_secrets import Place, contents, manifest
from tests.e2e.platform.parent import Parent
from tests.e2e.platform.payfip import Payfip

PORTS = {"gateway": 28080, "identity": 28001, "agenda": 28002, "billing": 28003, "payment": 28004, "simulator": 28090}


def make_secrets(folder: DataFolder, admin: str) -> None:
    """Databases and roles made, every Secret printed for kubectl."""
    folder.prepare()
    known = folder.secrets()
    create_databases(admin, known)
    folder.path.joinpath("state.json").write_text(json.dumps({"ports": PORTS, "phase": "ready"}))
    json.dump(manifest(contents(Place(database="postgresql://postgres:5432"), known), "preau"), sys.stdout)


async def make_town(folder: DataFolder, simulator: str) -> None:
    services, channels = open_services(PORTS, folder.secrets()["service_operator"])
    await load_town(services, CASEPILOTE, simulator)
    for channel in channels:
        await channel.close()


async def journey(folder: DataFolder, simulator: str) -> None:
    """One child, one month, paid by card."""
    platform = RunningPlatform(folder)
    parent = Parent(platform, CASEPILOTE.slug)
    await parent.sign_in(*platform.account())
    household = (await parent.get("household")).json()
    activities = (await parent.get("activities")).json()["items"]
    taken = set(await parent.reservations("2025-09"))
    entry: dict[str, Any] = {
        "child_ids": [household["children"][1 if taken else 0]["id"]],
        "action": "create",
        "from": "2025-09-01",
        "to": "2025-09-30",
        "activity_ids": [activities[0]["id"]],
        "periodicity": "none",
        "weekdays": [],
    }
    created = (await parent.insist("POST", "bulk-entries", entry)).json()
    assert created["created"] > 0, created
    basket = await parent.basket()
    invoice = (await parent.insist("POST", "invoices", {"expected_total": basket["total"]})).json()
    local = f"http://127.0.0.1:{PORTS['simulator']}"
    payer = Payfip(cast("RunningPlatform", SimpleNamespace(simulator_url=local)))
    await payer.pay(invoice["payment_url"].replace(simulator, local))
    # The simulator cannot reach this machine's gateway: the payment is found by asking.
    await poll_payments(folder)
    paid = await parent.settled(invoice["id"])
    assert paid["status"] == "paid", paid
    await payer.close()
    await parent.client.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("secrets", "town", "journey"))
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--admin", default="")
    parser.add_argument("--simulator", default="http://payfip:8090")
    options = parser.parse_args()
    folder = DataFolder(options.state)
    if options.step == "secrets":
        make_secrets(folder, options.admin)
    elif options.step == "town":
        asyncio.run(make_town(folder, options.simulator))
    else:
        asyncio.run(journey(folder, options.simulator))
    return 0


if __name__ == "__main__":
    sys.exit(main())
