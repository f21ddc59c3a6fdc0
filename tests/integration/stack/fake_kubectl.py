"""A kubectl for tests: answers like the API server of a release, with its Secret and ways to the services at ``PORTS``.

It notes in ``RECORD`` what it is asked, its forwards' process ids, and whether ``SECRET`` stands in any command line while
somebody is at work.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

_PORTS: dict[str, int] = json.loads(os.environ["PORTS"])
_SECRET = os.environ["SECRET"]


def note(line: str) -> None:
    with Path(os.environ["RECORD"]).open("a") as file:
        file.write(line + "\n")


def is_readable() -> bool:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if _SECRET.encode() in file.read_bytes():
                return True
    return False


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()
    writer.close()


async def forward(service: str) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        note(f"readable {is_readable()}")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", _PORTS[service])
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    note(f"pid {os.getpid()}")
    sys.stdout.write(f"Forwarding from 127.0.0.1:{server.sockets[0].getsockname()[1]} -> 50051\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(words: list[str]) -> None:
    note(" ".join(words))
    if "get" in words:
        sys.stdout.write(base64.b64encode(_SECRET.encode()).decode())
    elif _PORTS:
        asyncio.run(forward(words[-2].rpartition("-")[2]))
    else:
        sys.exit('Error from server (NotFound): deployments.apps "preau-identity" not found')


if __name__ == "__main__":
    main(sys.argv[1:])
