"""A keep-alive HTTP/1.1 client of a few lines: on two cores, a full client library would be what is measured."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Answer:
    """What came back; ``body`` is the raw bytes."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One keep-alive connection to the gateway on loopback, speaking for one town."""

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._host = host
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(
        self, method: str, path: str, body: object = None, token: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request and read its whole answer; a closed connection is opened again before sending."""
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        assert self._reader is not None
        payload = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(payload)}"]
        if payload:
            lines.append("Content-Type: application/json")
        if token:
            lines.append(f"Authorization: Bearer {token}")
        lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)
        return await self._read(self._reader)

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lowered = head.lower()
        if b"transfer-encoding: chunked" in lowered:
            return Answer(status, await self._read_chunks(reader))
        start = lowered.find(b"content-length:")
        length = int(lowered[start + 15 : lowered.index(b"\r\n", start)]) if start >= 0 else 0
        return Answer(status, await reader.readexactly(length) if length else b"")

    @staticmethod
    async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
