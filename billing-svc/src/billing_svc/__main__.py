"""``python -m billing_svc serve|work|migrate|all``."""

from __future__ import annotations

import sys

from preau_chassis.service import run

from billing_svc.bootstrap import DEFINITION

if __name__ == "__main__":
    sys.exit(run(DEFINITION))
