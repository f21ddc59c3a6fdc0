"""What operators see of the main job: one trace a click through every process, and nothing personal anywhere."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from preau_stack.demo_data import DemoChild, DemoGuardian
from preau_stack.demo_towns import CASEPILOTE

from tests.e2e.platform.parent import Parent
from tests.e2e.platform.tracing import edges, listed, names, root_of, whole_trace
from tests.e2e.platform.world import PASSWORD, World, eventually

ROOT = Path(__file__).parents[3]
SURNAME = "Quincampoix"
# With these the traces of booking, invoicing and notifying are complete.
LAST_SPANS = (
    "consume preau.agenda.v1.ReservationsHeld",
    "preau.payment.v1.PaymentService/CreatePayment",
    "consume preau.agenda.v1.ReservationsConfirmed",
)


@pytest.fixture(scope="module")
async def traces(world: World) -> list[dict[str, Any]]:
    """The traces of one main job: bulk entry, invoice, notification."""
    family = await world.family(last_name=SURNAME)
    async with world.parent(family) as parent:
        entry = parent.entry("2025-09-01", "2025-09-05")
        ids = [await _traced(world, parent, "POST", "bulk-entries", entry)]
        total = (await parent.basket())["total"]
        ids.append(await _traced(world, parent, "POST", "invoices", {"expected_total": total}))
        invoice = (await parent.invoices())[0]
        payment = await parent.payment(invoice["last_attempt_id"])
        known = {each["trace_id"] for each in await listed(world.platform, "POST /webhooks/payfip")}
        await world.payfip.pay(payment["payment_url"])
        await parent.settled(invoice["id"])

    async def of_notification() -> list[str]:
        found = await listed(world.platform, "POST /webhooks/payfip")
        return [each["trace_id"] for each in found if each["trace_id"] not in known and len(each["services"]) >= 4]

    ids += await eventually(of_notification)
    return [await whole_trace(world.platform, trace_id, last) for trace_id, last in zip(ids, LAST_SPANS, strict=True)]


async def test_the_click_that_books_reaches_billing_through_outbox_and_bus(traces: list[dict[str, Any]]) -> None:
    arrows = edges(traces[0])
    assert ("gateway server", "gateway client") in arrows
    assert ("gateway client", "agenda server") in arrows
    assert ("agenda server", "agenda producer") in arrows
    assert ("agenda producer", "billing consumer") in arrows
    assert ("billing consumer", "billing client") in arrows
    assert "publish preau.agenda.v1.ReservationsHeld" in names(traces[0])


async def test_the_click_that_pays_runs_through_every_service(traces: list[dict[str, Any]]) -> None:
    trace = traces[1]
    assert trace["services"] == ["agenda", "billing", "gateway", "identity", "payment"]
    arrows = edges(trace)
    for callee in ("agenda", "billing"):
        assert ("gateway client", f"{callee} server") in arrows
    for callee in ("identity", "payment"):
        assert ("billing client", f"{callee} server") in arrows
    assert ("agenda producer", "billing consumer") in arrows
    assert "payfip creerPaiementSecurise" in names(trace)
    databases = {span["service"] for span in trace["spans"] if span["attributes"].get("db.system.name") == "postgresql"}
    assert {"billing", "payment", "identity"} <= databases


async def test_the_notification_settles_and_confirms_in_one_trace(traces: list[dict[str, Any]]) -> None:
    trace = traces[2]
    arrows = edges(trace)
    assert ("gateway client", "payment server") in arrows
    for producer, consumer in (("payment", "billing"), ("billing", "agenda"), ("agenda", "billing")):
        assert (f"{producer} producer", f"{consumer} consumer") in arrows
    published = [name.rpartition(".")[2] for name in names(trace) if name.startswith("publish ")]
    assert published == ["PaymentSucceeded", "InvoiceSettled", "ReservationsConfirmed"]
    assert len({root_of(trace, span) for span in trace["spans"]}) == 1


async def test_a_trace_has_no_errors_and_one_town(traces: list[dict[str, Any]]) -> None:
    for trace in traces:
        assert not trace["has_error"]
        towns = {span["attributes"]["preau.tenant"] for span in trace["spans"] if "preau.tenant" in span["attributes"]}
        assert towns == {"casepilote"}


async def test_every_span_is_a_documented_one_and_carries_that_ones_attributes(traces: list[dict[str, Any]]) -> None:
    declared = _declared_spans()
    stray = set()
    for span in (span for trace in traces for span in trace["spans"]):
        fitting = [
            attributes
            for service, name, kind, attributes in declared
            if service in {"", span["service"]} and kind == span["kind"] and name.fullmatch(span["name"])
        ]
        if not any(span["attributes"].keys() <= attributes for attributes in fitting):
            stray.add((span["service"], span["kind"], span["name"], *sorted(span["attributes"])))
    assert not sorted(stray)


def _declared_spans() -> list[tuple[str, re.Pattern[str], str, set[str]]]:
    """Service ("" for all), name, kind and attributes. ``<part>`` and ``{part}`` of a name stand for any text."""
    found = []
    for path in (ROOT / "docs" / "telemetry").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        for span in document.get("spans", ()):
            parts = re.split(r"<[^>]+>|\{[^}]+\}", span["name"])
            name = re.compile(".+".join(re.escape(part) for part in parts))
            found.append((document.get("service", ""), name, span["kind"].lower(), set(span["attributes"])))
    return found


async def test_logs_traces_and_events_hold_no_name_address_or_password(
    world: World, traces: list[dict[str, Any]]
) -> None:
    assert traces
    secrets = {SURNAME, "Adulte0", "Enfant0", "@essai.example", PASSWORD, "rue des Essais"}
    for guardian in CASEPILOTE.guardians:
        secrets |= {guardian.email, guardian.username, guardian.phone} - {""}
    for guardian_or_child in (*CASEPILOTE.guardians, *CASEPILOTE.children):
        assert isinstance(guardian_or_child, DemoGuardian | DemoChild)
        secrets |= {guardian_or_child.first_name, guardian_or_child.last_name}
    secrets |= {CASEPILOTE.password, CASEPILOTE.home[0]}
    folder = world.platform.folder
    files = [*folder.logs.glob("*.log"), *(folder.path / "traces").glob("*")]
    assert {"gateway.log", "agenda.log", "billing.log", "payment.log", "identity.log"} <= {path.name for path in files}
    # The command's own words are for whoever starts a demonstration: they show the demo accounts on purpose.
    for path in files:
        text = path.read_text(errors="replace")
        allowed = {"parent.demo", CASEPILOTE.password} if path.name in {"up.log", "ready.log"} else set()
        assert not sorted(each for each in secrets - allowed if _says(text, each)), path.name
    for service in ("identity", "agenda", "billing", "payment"):
        bodies = [bytes(row["body"]) for row in await world.books.fetch(service, "SELECT body FROM outbox")]
        assert bodies
        assert not sorted(each for each in secrets for body in bodies if each.encode() in body)


async def test_a_log_line_says_town_and_trace_in_json(world: World, traces: list[dict[str, Any]]) -> None:
    ids = {trace["trace_id"] for trace in traces}
    for process in ("gateway", "agenda", "billing", "payment"):
        lines = [json.loads(line) for line in world.platform.folder.log(process).read_text().splitlines()]
        mine = [line for line in lines if line.get("trace_id") in ids]
        assert mine, process
        assert {line.get("tenant", str(line)) for line in mine} == {"casepilote"}
        assert not [line for line in mine if "dropped" in line], process


def _says(text: str, secret: str) -> bool:
    return secret in text or json.dumps(secret)[1:-1] in text


async def _traced(world: World, parent: Parent, method: str, path: str, document: object) -> str:
    """Call, then answer the id of the call's trace."""
    trace_id = os.urandom(16).hex()
    headers = {"traceparent": f"00-{trace_id}-{os.urandom(8).hex()}-01"}
    name = f"{method} /api/v1/{path}"
    known = {each["trace_id"] for each in await listed(world.platform, name)}
    answer = await parent.client.request(method, f"/api/v1/{path}", json=document, headers=headers)
    assert answer.is_success, answer.text

    async def newly() -> list[str]:
        found = await listed(world.platform, name)
        return [each["trace_id"] for each in found if each["trace_id"] not in known and "billing" in each["services"]]

    known_now: list[str] = await eventually(newly)
    return known_now[0]
