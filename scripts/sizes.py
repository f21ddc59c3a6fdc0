"""What a town needs: the tables under "Sizes" in docs/operations.md, worked out from this repository's own load figures.

Usage: python -m scripts.sizes [--check]. Without an argument the tables in docs/operations.md are written anew.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"
BEGIN, END = "<!-- sizes: written by scripts/sizes.py -->", "<!-- end of sizes -->"

# CPU of one family's opening day, ms by process: tests/load/opening_day.py, sign-in to payment page (docs/speed.md, "Load").
FAMILY_MS = {
    "gateway": 19.0, "identity": 29.0, "agenda": 12.0, "billing": 12.0, "payment": 7.0, "PostgreSQL": 24.0, "NATS": 3.0,
}  # fmt: skip
# CPU of one family's payment at the end of a month, ms in all: tests/load/month_end.py.
PAYMENT_MS = 97.0
# Bytes that stay in PostgreSQL for one reservation (173) and its charge line (176), indexes included, measured after a
# million; the line of an invoice is taken to be as large. Events and stored answers are purged after days.
ROW_BYTES = 173 + 176 + 176
# Bytes in the streams for one family's month, kept for 30 days: an event of 72 rows is 1,500 in the outbox (measured), and
# a month makes about eight of various sizes.
STREAM_BYTES = 8 * 1_500

# domain.md, section 5: as many visits as four families of five in the first five minutes, half of them within 90 s.
SHARE_OF_FAMILIES = 0.8
PEAK_SHARE, PEAK_SECONDS = 0.5, 90
# A core is planned two thirds full; a Python process uses one, identity checks passwords on as many as there are.
FULL = 0.66
POOL = 8
PYTHON = ("gateway", "agenda", "billing", "payment")


@dataclass(frozen=True, slots=True)
class Profile:
    """A town, or what a platform carries at its worst hour. Rows are those of a year."""

    name: str
    families: int
    rows_a_year: int
    has_replicas: bool = True

    @property
    def arrivals(self) -> float:
        """Families a second at the peak."""
        return self.families * SHARE_OF_FAMILIES * PEAK_SHARE / PEAK_SECONDS

    def cores(self, process: str) -> float:
        """Cores to plan for a process at the peak."""
        return self.arrivals * FAMILY_MS[process] / 1000 / FULL

    def replicas(self, process: str) -> int:
        """Pods of one core each; two at least where one may fail, and on one node one that shares its cores."""
        return max(math.ceil(self.cores(process)), 2) if self.has_replicas else 1


PROFILES = (
    Profile("small town", 200, 168_000, has_replicas=False),
    Profile("city (Amiens)", 5_000, 3_600_000),
    Profile("metropolis (Marseille)", 33_000, 28_000_000),
    Profile("platform: 100 small, 5 cities, 1 metropolis", 78_000, 63_000_000),
)


def tables() -> str:
    """The Markdown between the two marks."""
    lines = [
        "| | families | families/s at the peak | gateway | identity, cores | agenda | billing | payment | PostgreSQL, cores | NATS |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in PROFILES:
        pods = {name: each.replicas(name) for name in PYTHON}
        cells = [
            each.name,
            f"{each.families:,}",
            f"{each.arrivals:,.1f}",
            str(pods["gateway"]),
            _cores(each.cores("identity")),
            str(pods["agenda"]),
            str(pods["billing"]),
            str(pods["payment"]),
            _cores(each.cores("PostgreSQL")),
            "3 nodes" if each.has_replicas else "1 node",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| | all cores at the peak | without sign-ins | PostgreSQL, a year | connections | streams, 30 days | all families pay within a day |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in PROFILES:
        cores = sum(each.cores(name) for name in FAMILY_MS)
        serving = sum(each.replicas(name) for name in ("agenda", "billing", "payment")) + (
            2 if each.has_replicas else 1
        )
        workers = 8 if each.has_replicas else 4
        cells = [
            each.name,
            _cores(cores),
            _cores(cores - each.cores("identity")),
            _bytes(each.rows_a_year * ROW_BYTES),
            str((serving + workers) * POOL),
            _bytes(each.families * STREAM_BYTES),
            f"{each.families * PAYMENT_MS / 1000 / 3600:,.2f} core-hours",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cores(value: float) -> str:
    return f"{max(value, 0.1):,.1f}" if value < 10 else f"{math.ceil(value):,}"  # noqa: PLR2004 - one digit is enough above


def _bytes(value: float) -> str:
    size, unit = (value / 1e9, "GB") if value >= 1e9 else (value / 1e6, "MB")  # noqa: PLR2004 - where the unit changes
    return f"{size:,.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"  # noqa: PLR2004 - as above


def written(text: str) -> str:
    """``text`` with the tables as they are today."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def main(arguments: list[str]) -> int:
    text = OPERATIONS.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        return 0 if written(text) == text else 1
    OPERATIONS.write_text(written(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
