"""Sessions that had plenty of places a moment ago need not be read again: the write proves that there is room."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

PLENTY = 64
"""More than one entry can take of one session (a place a child), so that nobody is told "full" from memory."""
_SECONDS = 5.0

Places = dict[int, int | None]


class PlacesMemory:
    """Places left by town and session, where they were plenty or without a limit; a town's are dropped together."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._towns: dict[int, tuple[float, Places]] = {}

    def of_town(self, tenant_id: int, keys: Iterable[int]) -> Places:
        """What is known and fresh of these sessions."""
        ends_at, known = self._towns.get(tenant_id, (0.0, {}))
        return {key: known[key] for key in keys if key in known} if self._now() < ends_at else {}

    def learn(self, tenant_id: int, keys: Sequence[int], places: Sequence[int | None]) -> None:
        """Keep what is plenty of what was just read."""
        now = self._now()
        ends_at, known = self._towns.get(tenant_id, (0.0, {}))
        if now >= ends_at:
            known = {}
            self._towns[tenant_id] = (now + _SECONDS, known)
        for key, left in zip(keys, places, strict=True):
            if left is None or left > PLENTY:
                known[key] = left

    def forget(self, tenant_id: int, keys: Iterable[int]) -> None:
        """Something was in the way of a write: whoever tries again reads these."""
        _, known = self._towns.get(tenant_id, (0.0, {}))
        for key in keys:
            known.pop(key, None)
