"""Who a process is to the broker comes from settings of its own, and a real broker takes each way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from preau_chassis.broker_login import login_options
from preau_chassis.messaging import close_nats, connect_nats
from preau_chassis.settings import ServiceSettings, SettingsError
from preau_stack import broker as stack_broker
from preau_stack.ports import free_ports

from tests.integration.chassis.nats_keys import ACCOUNT, OPERATOR, USER, Key, credentials

Serve = Callable[[str], AbstractAsyncContextManager[str]]
LIMITS = {
    "subs": -1,
    "conn": -1,
    "leaf": -1,
    "imports": -1,
    "exports": -1,
    "data": -1,
    "payload": -1,
    "wildcards": True,
}


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @asynccontextmanager
    async def run(config: str) -> AsyncIterator[str]:
        (port,) = free_ports(1)
        file = tmp_path / "nats.conf"
        file.write_text(f"listen: 127.0.0.1:{port}\n{config}\n")
        program = stack_broker._program()
        log = asyncio.subprocess.DEVNULL
        server = await asyncio.create_subprocess_exec(program, "-c", str(file), stdout=log, stderr=log)
        try:
            yield f"nats://127.0.0.1:{port}"
        finally:
            server.terminate()
            await server.wait()

    return run


async def echo(url: str, settings: ServiceSettings) -> bytes:
    """What comes back through the broker; ``TimeoutError`` when it lets nobody in."""
    async with asyncio.timeout(5):
        client = await connect_nats(url, "test", login_options(settings))
    try:
        async with asyncio.timeout(5):
            subscription = await client.subscribe("echo")
            await client.publish("echo", b"heard")
            return (await subscription.next_msg(2)).data
    finally:
        await close_nats(client)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("PREAU_NATS_"):
            monkeypatch.delenv(name)


async def test_a_user_and_a_password_open_the_door(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREAU_NATS_USER", "billing")
    monkeypatch.setenv("PREAU_NATS_PASSWORD", "p@ss/w:ord")
    settings = ServiceSettings()
    assert "p@ss" not in repr(settings)
    async with serve('authorization { user: billing, password: "p@ss/w:ord" }') as url:
        assert await echo(url, settings) == b"heard"
        monkeypatch.setenv("PREAU_NATS_PASSWORD", "another")
        with pytest.raises(TimeoutError):
            await echo(url, ServiceSettings())
    said = capsys.readouterr().out
    assert said.count("nats.refused") == 1
    assert "another" not in said


async def test_a_token_opens_the_door(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREAU_NATS_TOKEN", "s3cret-token")
    async with serve("authorization { token: s3cret-token }") as url:
        assert await echo(url, ServiceSettings()) == b"heard"


@dataclass
class Town:
    """An operator and an account, and users of it who come in with a file."""

    operator: Key = field(default_factory=lambda: Key.new(OPERATOR))
    account: Key = field(default_factory=lambda: Key.new(ACCOUNT))
    user: Key = field(default_factory=lambda: Key.new(USER))

    def config(self) -> str:
        said = self.operator.sign(self.operator, {"type": "operator", "version": 2})
        admitted = self.operator.sign(self.account, {"type": "account", "version": 2, "limits": LIMITS})
        return f"operator: {said}\nresolver: MEMORY\nresolver_preload: {{ {self.account.public}: {admitted} }}"

    def credentials(self, ends_at: float | None = None) -> str:
        rights: dict[str, object] = {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}
        return credentials(self.account.sign(self.user, rights, ends_at), self.user)


async def test_a_credentials_file_opens_the_door(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    town, file = Town(), tmp_path / "billing.creds"
    file.write_text(town.credentials())
    monkeypatch.setenv("PREAU_NATS_CREDENTIALS_FILE", str(file))
    async with serve(town.config()) as url:
        assert await echo(url, ServiceSettings()) == b"heard"


async def test_who_is_put_out_comes_in_again_with_the_file_of_the_day(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    town, file = Town(), tmp_path / "billing.creds"
    file.write_text(town.credentials(ends_at=time.time() + 2))
    monkeypatch.setenv("PREAU_NATS_CREDENTIALS_FILE", str(file))
    async with serve(town.config()) as url:
        client = await connect_nats(url, "test", login_options(ServiceSettings()))
        try:
            subscription = await client.subscribe("echo")
            file.write_text(town.credentials())
            async with asyncio.timeout(10):
                while not client.stats["reconnects"]:  # noqa: ASYNC110 - the library's own count
                    await asyncio.sleep(0.05)
            await client.publish("echo", b"heard")
            assert (await subscription.next_msg(2)).data == b"heard"
        finally:
            await close_nats(client)


async def test_an_address_that_says_all_needs_nothing_more_and_others_may_follow_it(serve: Serve) -> None:
    assert login_options(ServiceSettings()) == {}
    async with serve("authorization { user: billing, password: word }") as url:
        whole = url.replace("//", "//billing:word@")
        assert await echo(f"nats://127.0.0.1:1, {whole}", ServiceSettings()) == b"heard"


@pytest.mark.parametrize("content", ["", "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------"])
def test_a_file_without_credentials_is_named_and_not_shown(
    content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "empty.creds"
    file.write_text(content)
    monkeypatch.setenv("PREAU_NATS_CREDENTIALS_FILE", str(file))
    with pytest.raises(SettingsError, match="PREAU_NATS_CREDENTIALS_FILE holds no user's credentials"):
        login_options(ServiceSettings())
