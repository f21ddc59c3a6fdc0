#!/usr/bin/env bash
# Branch coverage of the domains and use cases by unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(preau_kernel identity_svc agenda_svc billing_svc payment_gateway_svc)
.venv/bin/pytest tests/unit --cov-branch --cov-report=term-missing:skip-covered "${packages[@]/#/--cov=}" "$@"
