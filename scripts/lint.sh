#!/usr/bin/env bash
# ruff (rules and format), then every linter of the house in scripts/linters/.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet . || { echo "run: make fmt" >&2; exit 1; }
for linter in scripts/linters/*.py; do
  [ -e "$linter" ] || continue
  .venv/bin/python "$linter"
done
