#!/usr/bin/env bash
# Rewrites requirements.lock from every member's pyproject: names, versions and hashes only, no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
members=(proto libs/kernel libs/chassis libs/stack identity-svc agenda-svc billing-svc payment-gateway-svc payment-gateway-svc/simulator gateway)
skip=()
for name in preau-proto preau-kernel preau-chassis preau-stack identity-svc agenda-svc billing-svc payment-gateway-svc payfip-simulator preau-gateway; do
  skip+=(--no-emit-package "$name")
done
.venv/bin/uv pip compile "${members[@]/%//pyproject.toml}" --group pyproject.toml:dev \
  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --custom-compile-command "make lock" "${skip[@]}" "$@" --output-file requirements.lock --quiet
