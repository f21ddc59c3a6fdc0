"""Parents who go on using the site, one connection a request, and remember every answer that was not good."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import httpx
from preau_stack.running import RunningPlatform

PAUSE_SECONDS = 0.15


@dataclass
class Answers:
    """What was asked and what went wrong."""

    asked: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)


class Parents:
    """``number`` parents: each reads basket and reservations, books one day and takes it back, again and again."""

    def __init__(self, platform: RunningPlatform, number: int) -> None:
        port = platform.ports["gateway"]
        self.answers = Answers()
        self._number = number
        self._account = platform.account()
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1",
            headers={"Host": f"casepilote.localhost:{port}"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=25,
            trust_env=False,
        )
        self._is_over = False
        self._tasks: list[asyncio.Task[None]] = []
        self._turns = count()

    async def start(self) -> None:
        username, password = self._account
        opened = await self._client.post("sessions", json={"username": username, "password": password})
        assert opened.status_code == httpx.codes.CREATED, opened.text
        self._client.headers["Authorization"] = f"Bearer {opened.json()['token']}"
        household = (await self._client.get("household")).json()
        activities = (await self._client.get("activities")).json()["items"]
        lunch = [each["id"] for each in activities if each["name"] == "Accueil périscolaire matin"]
        self._entry = {
            "child_ids": [household["children"][0]["id"]],
            "activity_ids": lunch,
            "from": "2025-11-03",
            "to": "2025-11-28",
            "periodicity": "none",
            "weekdays": [],
        }
        self._tasks = [asyncio.create_task(self._live(each)) for each in range(self._number)]

    async def stop(self) -> Answers:
        self._is_over = True
        await asyncio.gather(*self._tasks)
        await self._client.aclose()
        return self.answers

    async def _live(self, who: int) -> None:
        while not self._is_over:
            await self._ask("GET", "basket")
            await self._ask("GET", "agenda", params={"month": "2025-11"})
            if who == 0:
                action = "create" if next(self._turns) % 2 == 0 else "delete"
                await self._ask("POST", "bulk-entries", json={**self._entry, "action": action})
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, method: str, path: str, **options: object) -> None:
        headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        began = time.perf_counter()
        self.answers.asked += 1
        try:
            answer = await self._client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self.answers.failed.append(f"{method} {path}: {type(error).__name__}")
        else:
            if not answer.is_success:
                self.answers.failed.append(f"{method} {path}: {answer.status_code} {answer.json().get('reason')}")
        self.answers.slowest = max(self.answers.slowest, time.perf_counter() - began)
