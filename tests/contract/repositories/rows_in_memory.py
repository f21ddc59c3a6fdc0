"""What every store in memory has in common."""

from __future__ import annotations


class BrokenRuleError(AssertionError):
    """A constraint of the real tables that the caller must never meet."""


def require(is_kept: bool, rule: str) -> None:
    """``BrokenRuleError`` unless the rule is kept."""
    if not is_kept:
        raise BrokenRuleError(rule)
