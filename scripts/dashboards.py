"""Writes charts/preau/dashboards/*.json from the boards in scripts/boards.

``--check`` writes nothing and fails when a file is not what it would write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.boards.model import rendered
from scripts.boards.opening import OPENING
from scripts.boards.overview import OVERVIEW
from scripts.boards.payments import PAYMENTS
from scripts.boards.service import ONE_SERVICE
from scripts.boards.stores import STORES
from scripts.boards.town import ONE_TOWN

FOLDER = Path(__file__).parents[1] / "charts/preau/dashboards"
BOARDS = [OVERVIEW, ONE_TOWN, ONE_SERVICE, PAYMENTS, OPENING, STORES]


def files() -> dict[Path, str]:
    """Every board's file and what is in it."""
    return {
        FOLDER / f"{one.uid}.json": json.dumps(rendered(one, BOARDS), indent=1, ensure_ascii=False) + "\n"
        for one in BOARDS
    }


def main() -> int:
    wanted = files()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    alien = sorted(set(FOLDER.glob("*.json")) - wanted.keys())
    if "--check" in sys.argv:
        for path in [*stale, *alien]:
            print(f"{path.relative_to(FOLDER.parents[2])} is not up to date: make dashboards")
        return 1 if stale or alien else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(wanted[path])
    for path in alien:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
