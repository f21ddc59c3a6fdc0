"""A parent's program: the JSON API over HTTP, and the patience of a real client."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
from preau_stack.running import RunningPlatform

LABELS = (
    "Accueil périscolaire matin", "Restauration scolaire", "Accueil périscolaire midi", "Accueil périscolaire soir",
)  # fmt: skip
DOCUMENT_CODES = ("matin", "restauration", "midi", "soir")
_PATIENCE_SECONDS = 60.0


class Parent:
    """One signed-in client of one town."""

    def __init__(self, platform: RunningPlatform, slug: str) -> None:
        port = platform.ports["gateway"]
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Host": f"{slug}.localhost:{port}"},
            timeout=25,
            trust_env=False,
        )
        self.children: tuple[str, ...] = ()
        self.activities: dict[str, str] = {}

    async def sign_in(self, username: str, password: str) -> None:
        answer = await self.insist("POST", "sessions", {"username": username, "password": password})
        assert answer.status_code == 201, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1/{path}", params=parameters)

    async def post(self, path: str, document: Any, key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(f"/api/v1/{path}", json=document, headers=headers)

    async def insist(self, method: str, path: str, document: Any = None) -> httpx.Response:
        """Call with one key until an answer is final: what a client does whose line drops or whose server restarts."""
        headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            said = "no answer"
            try:
                answer = await self.client.request(method, f"/api/v1/{path}", json=document, headers=headers)
            except httpx.TransportError as error:
                said = type(error).__name__
            else:
                if answer.status_code not in {502, 503, 504}:
                    return answer
                said = answer.text
            assert time.monotonic() < deadline, f"{method} {path}: {said}"
            await asyncio.sleep(0.15)

    def entry(self, first: str, last: str, *codes: str, action: str = "create", **more: Any) -> dict[str, Any]:
        """A bulk entry's body; the source document's four activities unless named."""
        return {
            "child_ids": list(self.children),
            "action": action,
            "from": first,
            "to": last,
            "activity_ids": [self.activities[code] for code in codes or DOCUMENT_CODES],
            "periodicity": "none",
            "weekdays": [],
            **more,
        }

    async def book(self, first: str, last: str, *codes: str) -> dict[str, Any]:
        """A bulk entry that succeeds; its answer."""
        answer = await self.insist("POST", "bulk-entries", self.entry(first, last, *codes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def basket(self) -> dict[str, Any]:
        answer = await self.insist("GET", "basket?page_size=200")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def issue(self) -> dict[str, Any]:
        """The invoice of the whole basket, with its payment page."""
        total = (await self.basket())["total"]
        answer = await self.insist("POST", "invoices", {"expected_total": total})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def invoice(self, invoice_id: str) -> dict[str, Any]:
        """As billing knows it; the provider is not asked."""
        answer = await self.insist("GET", f"invoices/{invoice_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def invoices(self) -> list[dict[str, Any]]:
        answer = await self.insist("GET", "invoices")
        return list(answer.json()["items"])

    async def payment(self, attempt_id: str) -> dict[str, Any]:
        """As the return page sees it: the provider is asked while the attempt is open."""
        answer = await self.insist("GET", f"payments/{attempt_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def settled(self, invoice_id: str, seconds: float = 20.0) -> dict[str, Any]:
        """The invoice once it is paid and its reservations confirmed, with nobody asking the provider."""
        deadline = time.monotonic() + seconds
        while True:
            invoice = await self.invoice(invoice_id)
            if invoice["status"] == "paid" and invoice["reservations_confirmed"]:
                return invoice
            assert time.monotonic() < deadline, invoice["status"]
            await asyncio.sleep(0.05)

    async def reservations(self, *months: str) -> dict[str, str]:
        """Status by id of what the agenda shows."""
        found: dict[str, str] = {}
        for month in months:
            answer = await self.insist("GET", f"agenda?month={month}")
            for day in answer.json()["items"]:
                found |= {each["id"]: each["status"] for each in day["reservations"]}
        return found


def assert_refused(answer: httpx.Response, status: int, reason: str, sentence: str) -> dict[str, Any]:
    """The answer is a problem document with this reason, and tells the parent this (``sentence`` is a part of it)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["status"], problem["reason"]) == (status, status, reason), problem
    assert sentence in problem["detail"], problem["detail"]
    return problem
