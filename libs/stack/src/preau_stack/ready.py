"""Waits until the services answer, then loads the demo towns. Run by `preau up` as a process of its own, so that the supervisor
never holds gRPC threads.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from preau_stack.data_folder import DataFolder
from preau_stack.databases import SERVICES
from preau_stack.health import wait_for

_WAIT_SECONDS = 60.0


def main() -> int:
    """0 when everything answers and the demo towns are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args()
    folder = DataFolder(options.data)
    ports: dict[str, int] = folder.state()["ports"]
    started = time.monotonic()
    silent = wait_for({name: ports[name] for name in (*SERVICES, "gateway")}, _WAIT_SECONDS)
    if silent:
        print(f"no answer from {', '.join(silent)}", flush=True)
        return 1
    print(f"  services and gateway answer {time.monotonic() - started:6.1f} s", flush=True)
    if options.demo:
        from preau_stack.demo import load_demo

        started = time.monotonic()
        asyncio.run(load_demo(folder))
        print(f"  demo towns                  {time.monotonic() - started:6.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
