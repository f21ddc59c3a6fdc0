"""A town's colours must be readable on white: WCAG 2.2, 1.4.3."""

from __future__ import annotations

import re
from dataclasses import dataclass

from preau_kernel.errors import InvalidError

READABLE = 4.5
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LINEAR_BELOW = 0.04045


@dataclass(frozen=True, slots=True)
class Theme:
    """Two colours, ``#rrggbb``, both readable on white."""

    primary: str = "#1d4f91"
    accent: str = "#a3420f"

    def __post_init__(self) -> None:
        for field in ("primary", "accent"):
            colour = getattr(self, field)
            if not _COLOUR.fullmatch(colour):
                raise InvalidError("COLOUR_INVALID", f"theme.{field}", "a colour is #rrggbb")
            ratio = contrast_on_white(colour)
            if ratio < READABLE:
                raise InvalidError(
                    "CONTRAST_TOO_LOW", f"theme.{field}", "not readable on white", ratio=f"{ratio:.2f}", minimum="4.5"
                )


def contrast_on_white(colour: str) -> float:
    """The WCAG contrast ratio of ``#rrggbb`` against white, from 1 to 21."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= _LINEAR_BELOW else ((channel + 0.055) / 1.055) ** 2.4
