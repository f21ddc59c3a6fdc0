#!/usr/bin/env bash
# Branch coverage of the rules and use cases by the tests that need no whole platform; pyproject.toml says how much is enough.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pytest tests/unit tests/contract/repositories tests/integration/{identity,agenda,billing,payment} "$@" --cov
