"""Every POST of the JSON API takes Idempotency-Key: the same key and body give the same answer, another body 409."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from preau_stack.running import RunningPlatform

from tests.e2e.platform.parent import Parent, assert_refused
from tests.e2e.platform.world import PASSWORD, World

SMALL = {"minor_units": 45, "currency": "EUR"}


async def repeated(parent: Parent, path: str, body: Any, other: Any = None) -> httpx.Response:
    """Send twice with one key, then something else with it."""
    key = str(uuid4())
    first, second = await parent.post(path, body, key), await parent.post(path, body, key)
    assert first.is_success, first.text
    assert (second.status_code, second.content) == (first.status_code, first.content)
    if other is not None:
        assert_refused(await parent.post(path, other, key), 409, "IDEMPOTENCY_KEY_REUSED", "prenez une nouvelle clé")
    return first


async def test_a_repeated_sign_in_gives_the_same_session_and_no_other_body_does(world: World) -> None:
    family = await world.family(guardians=2)
    one, two = family.accounts
    async with world.visitor(family.slug) as visitor:
        credentials = {"username": one, "password": PASSWORD}
        first = await repeated(visitor, "sessions", credentials, {"username": two, "password": PASSWORD})
        other = await visitor.post("sessions", credentials, str(uuid4()))
        assert other.json()["token"] != first.json()["token"]


async def test_a_known_key_opens_nothing_without_the_password_and_nothing_once_its_session_is_over(
    world: World,
) -> None:
    family = await world.family()
    async with world.visitor(family.slug) as visitor:
        credentials = {"username": family.accounts[0], "password": PASSWORD}
        key = str(uuid4())
        token = (await visitor.post("sessions", credentials, key)).json()["token"]
        wrong = await visitor.post("sessions", {**credentials, "password": "pas-celui-la"}, key)
        assert_refused(wrong, 409, "IDEMPOTENCY_KEY_REUSED", "prenez une nouvelle clé")
        visitor.client.headers["Authorization"] = f"Bearer {token}"
        assert (await visitor.client.delete("/api/v1/sessions/current")).status_code == 204
        over = await visitor.post("sessions", credentials, key)
        assert_refused(over, 401, "SESSION_EXPIRED", "connectez-vous de nouveau")


async def test_a_repeated_preview_stays_the_same_whatever_was_booked_meanwhile(world: World) -> None:
    async with world.parent(await world.family()) as parent:
        entry = parent.entry("2025-09-01", "2025-09-05")
        key = str(uuid4())
        first = await parent.post("bulk-entries/preview", entry, key)
        assert (first.json()["created"], first.json()["total"]["minor_units"]) == (16, 1200)
        await parent.book("2025-09-01", "2025-09-05")
        assert (await parent.post("bulk-entries/preview", entry, key)).content == first.content
        assert (await parent.post("bulk-entries/preview", entry)).json()["created"] == 0
        other = await parent.post("bulk-entries/preview", {**entry, "to": "2025-09-04"}, key)
        assert_refused(other, 409, "IDEMPOTENCY_KEY_REUSED", "prenez une nouvelle clé")


async def test_bookings_and_their_undoing_are_done_once(world: World) -> None:
    async with world.parent(await world.family()) as parent:
        entry = parent.entry("2025-09-01", "2025-09-05", "matin")
        done = await repeated(parent, "bulk-entries", entry, {**entry, "to": "2025-09-04"})
        undo = await repeated(parent, f"bulk-entries/{done.json()['entry_id']}/undo", None)
        assert undo.json()["removed"] == done.json()["created"] == 4
        single = {"child_id": parent.children[0], "day": "2025-09-02", "activity_ids": [parent.activities["matin"]]}
        await repeated(parent, "reservations", single, {**single, "day": "2025-09-04"})
        assert (await parent.basket())["count"] == 1


async def test_invoices_payments_and_credit_notes_are_made_once(world: World) -> None:
    async with world.parent(await world.family()) as parent:
        await parent.book("2025-09-01", "2025-09-01")
        total = (await parent.basket())["total"]
        issued = await repeated(parent, "invoices", {"expected_total": total}, {"expected_total": SMALL})
        invoice_id = issued.json()["id"]
        assert len(await parent.invoices()) == 1
        await repeated(parent, f"invoices/{invoice_id}/payments", None)

        await parent.book("2025-09-02", "2025-09-02", "matin")
        counter = await repeated(parent, "invoices", {"expected_total": SMALL, "payment": "counter"})
        note = await repeated(parent, f"invoices/{counter.json()['id']}/reopen", None)
        assert note.json()["kind"] == "credit_note"
        assert len(await parent.invoices()) == 3


async def test_every_post_of_the_document_takes_a_key(platform: RunningPlatform) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        port = platform.ports["gateway"]
        host = {"Host": f"casepilote.localhost:{port}"}
        document = (await client.get(f"http://127.0.0.1:{port}/schema", headers=host)).json()
    posts = {
        path: each["post"] for path, each in document["paths"].items() if path.startswith("/api/") and "post" in each
    }
    assert len(posts) == 8
    for path, operation in posts.items():
        assert "Idempotency-Key" in {each["name"] for each in operation["parameters"]}, path
