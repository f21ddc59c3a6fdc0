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
    head: bytes = b""

    def header(self, name: str) -> str:
        """A header's value, empty when it did not come."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return ""

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One keep-alive connection on loopback, speaking for one town.

    ``source`` is the address it comes from: every family has its own in 127.0.0.0/8, as attempts to sign in are counted by it.
    """

    def __init__(self, port: int, host: str, source: str = "") -> None:
        self._port = port
        self._host = host
        self._source = (source, 0) if source else None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(
        self, method: str, path: str, body: object = None, token: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request and read its whole answer; a closed connection is opened again before sending.

        ``body`` is sent as JSON, or as a form when it is bytes.
        """
        is_form = isinstance(body, bytes)
        payload = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(payload)}"]
        if payload:
            lines.append(f"Content-Type: application/{'x-www-form-urlencoded' if is_form else 'json'}")
        if token:
            lines.append(f"Authorization: Bearer {token}")
        lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
        message = "\r\n".join(lines).encode() + b"\r\n\r\n" + payload
        is_new = await self._open()
        try:
            return await self._send(message)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if is_new or (isinstance(error, asyncio.IncompleteReadError) and error.partial):
                raise
        # As browsers do when the server closed an idle connection at the moment of sending.
        self.close()
        await self._open()
        return await self._send(message)

    async def _open(self) -> bool:
        """Whether a new connection had to be made."""
        if self._writer is not None and self._reader is not None:
            if not self._writer.is_closing() and not self._reader.at_eof():
                return False
            self._writer.close()
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=1 << 20, local_addr=self._source
        )
        return True

    async def _send(self, message: bytes) -> Answer:
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(message)
        return await self._read(self._reader)

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lowered = head.lower()
        if b"transfer-encoding: chunked" in lowered:
            return Answer(status, await self._read_chunks(reader), head)
        start = lowered.find(b"content-length:")
        length = int(lowered[start + 15 : lowered.index(b"\r\n", start)]) if start >= 0 else 0
        return Answer(status, await reader.readexactly(length) if length else b"", head)

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
