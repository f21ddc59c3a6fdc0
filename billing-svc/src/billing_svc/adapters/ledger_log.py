"""What the ledger check found, in the log: somebody must look."""

from __future__ import annotations

from collections.abc import Mapping

from preau_chassis.logs import get_logger
from preau_kernel.context import Context

_log = get_logger("ledger")


def tell_ledger_wrong(context: Context, wrong: Mapping[str, int]) -> None:
    """How many disagreements of each kind a town's books have."""
    reason = ",".join(f"{kind}={count}" for kind, count in sorted(wrong.items()))
    _log.error("ledger.wrong", tenant=context.tenant_slug, reason=reason, count=sum(wrong.values()))
