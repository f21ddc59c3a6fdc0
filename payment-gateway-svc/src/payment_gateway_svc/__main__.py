"""``python -m payment_gateway_svc serve | work | migrate | all``."""

from __future__ import annotations

import sys

from preau_chassis.service import run

from payment_gateway_svc.bootstrap import DEFINITION

sys.exit(run(DEFINITION))
