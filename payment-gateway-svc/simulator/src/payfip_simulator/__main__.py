"""``python -m payfip_simulator``: listens on PREAU_LISTEN until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from payfip_simulator.app import Simulator
from payfip_simulator.settings import Settings


async def _serve(settings: Settings) -> None:
    simulator = Simulator(settings)
    server = Server(
        simulator, address=settings.host, port=settings.port, interface=Interfaces.ASGINL, log_enabled=False
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    try:
        await server.serve()
    finally:
        await simulator.close()


def main() -> int:
    try:
        settings = Settings.from_environment(os.environ)
    except ValueError as error:
        sys.stderr.write(f"payfip_simulator: {error}\n")
        return 2
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
