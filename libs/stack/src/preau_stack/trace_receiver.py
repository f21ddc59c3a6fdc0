"""`python -m preau_stack.trace_receiver`: takes the platform's spans and metrics and shows them on local pages."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from preau_stack.metric_store import MetricStore
from preau_stack.otlp import serve_otlp
from preau_stack.trace_page import TracePage
from preau_stack.trace_store import TraceStore


async def _serve(store: TraceStore, page_address: str, otlp_address: str) -> None:
    host, _, port = page_address.rpartition(":")
    metrics = MetricStore()
    otlp = await serve_otlp(store, metrics, otlp_address)
    page = Server(
        TracePage(store, metrics), address=host, port=int(port), interface=Interfaces.ASGINL, log_enabled=False
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, page.stop)
    try:
        await page.serve()
    finally:
        await otlp.stop(1.0)


def main() -> None:
    """Serve until told to stop."""
    store = TraceStore(Path(os.environ["PREAU_TRACE_DATA"]) / "spans.jsonl")
    asyncio.run(_serve(store, os.environ["PREAU_LISTEN"], os.environ["PREAU_OTLP_LISTEN"]))


if __name__ == "__main__":
    main()
