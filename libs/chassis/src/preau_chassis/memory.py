"""Python's cycle collector, made to look less often at what lives as long as the process."""

from __future__ import annotations

import gc

_YOUNG = 20_000
_MIDDLE = 20
_OLD = 20


def settle_collector() -> None:
    """Called once when everything is loaded: that is never looked through again, and young objects less often.

    A request makes hundreds of small tuples and hardly a cycle: with the default of 700 every second one pays for a look.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
