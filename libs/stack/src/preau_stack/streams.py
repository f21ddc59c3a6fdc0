"""JetStream's streams as files: the broker's own snapshot protocol, which holds messages and the places of their readers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from nats.aio.client import Client as Nats

_API_SECONDS = 30.0
_CHUNK_BYTES = 128 * 1024
_OK = {"", "204"}


class StreamCopyError(Exception):
    """The broker refused, or broke off."""


async def save_streams(url: str, folder: Path) -> list[str]:
    """Write ``<stream>.json`` and ``<stream>.snapshot`` of every stream into ``folder``; their names.

    Each is as it was when its copy began. ``StreamCopyError`` when the broker breaks off.
    """
    client = await _connect(url)
    try:
        names = await _names(client)
        for name in names:
            await _save(client, name, folder)
    finally:
        await client.close()
    return names


async def load_streams(url: str, folder: Path) -> list[str]:
    """Put every stream saved in ``folder`` into a broker that has none of them; their names."""
    names = await asyncio.to_thread(_saved, folder)
    client = await _connect(url)
    try:
        for name in names:
            await _load(client, name, folder)
    finally:
        await client.close()
    return names


def _saved(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.snapshot"))


async def _connect(url: str) -> Nats:
    client = Nats()
    await client.connect(url, name="preau backup", connect_timeout=5, allow_reconnect=False)
    return client


async def _ask(client: Nats, subject: str, question: dict[str, Any]) -> dict[str, Any]:
    answer = await client.request(f"$JS.API.STREAM.{subject}", json.dumps(question).encode(), timeout=_API_SECONDS)
    return _read(subject, answer.data)


def _read(subject: str, body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body) if body else {}
    if "error" in answer:
        message = f"NATS refuses {subject}: {answer['error'].get('description', 'no reason')}"
        raise StreamCopyError(message)
    return answer


async def _names(client: Nats) -> list[str]:
    names: list[str] = []
    while True:
        page = await _ask(client, "NAMES", {"offset": len(names)})
        names += page.get("streams") or []
        if len(names) >= page["total"]:
            return sorted(names)


async def _save(client: Nats, name: str, folder: Path) -> None:
    inbox = client.new_inbox()
    chunks = await client.subscribe(inbox)
    question = {"deliver_subject": inbox, "no_consumers": False, "chunk_size": _CHUNK_BYTES}
    head = await _ask(client, f"SNAPSHOT.{name}", question)
    with (folder / f"{name}.snapshot").open("wb") as file:
        while True:
            try:
                chunk = await chunks.next_msg(timeout=_API_SECONDS)
            except TimeoutError:
                message = f"NATS stopped sending the stream {name}"
                raise StreamCopyError(message) from None
            if not chunk.data:
                break
            file.write(chunk.data)
            if chunk.reply:  # some want an answer, so that the broker never runs ahead
                await client.publish(chunk.reply)
    await chunks.unsubscribe()
    status = (chunk.headers or {}).get("Status", "")
    if status not in _OK:
        message = f"NATS broke off sending the stream {name} (status {status})"
        raise StreamCopyError(message)
    (folder / f"{name}.json").write_text(json.dumps({"config": head["config"], "state": head["state"]}))


async def _load(client: Nats, name: str, folder: Path) -> None:
    head = json.loads((folder / f"{name}.json").read_text())
    place = (await _ask(client, f"RESTORE.{name}", head))["deliver_subject"]
    with (folder / f"{name}.snapshot").open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            _read(name, (await client.request(place, chunk, timeout=_API_SECONDS)).data)
    _read(name, (await client.request(place, b"", timeout=_API_SECONDS)).data)
