"""``python -m gateway``: one process, one event loop, graceful end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sys

import uvloop
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from preau_chassis.event_loop import watch_event_loop
from preau_chassis.logs import allow_fields, configure_logs, get_logger
from preau_chassis.memory import settle_collector
from preau_chassis.settings import load_settings_or_exit
from preau_chassis.telemetry import configure_telemetry

from gateway.app import create_app
from gateway.settings import GatewaySettings

_MOST_CONNECTIONS = 4096
# How long a connection may say nothing, in milliseconds. A proxy keeps its own for a minute and must be the one that
# closes: whoever sends into a connection that is just being closed gets no answer.
_IDLE = 10_000
_IDLE_BEHIND_A_PROXY = 75_000
_OTHER_FILES = 256
STOP_SECONDS = 22.0
"""More than the longest page may take, so that what was begun is answered. Nothing begun: it ends at once."""


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered is answered."""
    host, port = settings.host_and_port
    server = Server(
        create_app(settings),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        # A connection beyond these waits until another closes, however idle those are.
        backlog=1024,
        backpressure=_MOST_CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=_IDLE_BEHIND_A_PROXY if settings.trust_forwarded else _IDLE, max_buffer_size=64 * 1024
        ),
        log_enabled=False,
    )
    settle_collector()
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    log = get_logger("gateway")
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stopping.wait())
    watching = asyncio.create_task(watch_event_loop())
    log.info("gateway.started", port=port)
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    if serving.done():
        waiting.cancel()
        serving.result()
        return
    server.stop()  # type: ignore[no-untyped-call]  # granian is partly typed
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(serving, STOP_SECONDS)
    log.info("gateway.stopped")


def _raise_file_limit() -> None:
    """Ask for a descriptor per connection, as far as the administrator's own limit allows."""
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    settings = load_settings_or_exit(GatewaySettings)
    _raise_file_limit()
    allow_fields("path")  # the route's template, without the identifiers in it
    configure_logs("gateway", settings.log_level)
    telemetry = configure_telemetry(
        "gateway",
        settings.otlp_endpoint,
        settings.trace_ratio,
        slow_seconds=settings.trace_slow_seconds,
        metrics_seconds=settings.metrics_seconds,
    )
    try:
        uvloop.run(serve(settings))
    finally:
        telemetry.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
