"""Verbs beside the chassis's four."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

ROTATE_KEYS = "rotate-keys"


def run_rotate_keys(rotate: Callable[[], Awaitable[str | None]]) -> int:
    """``python -m identity_svc rotate-keys``: after a leak, or to try it; the present key signs ten minutes more."""

    async def run() -> str | None:
        return await rotate()

    kid = asyncio.run(run())
    sys.stdout.write(f"new signing key {kid}\n" if kid else "a next key is published already\n")
    return 0
