#!/usr/bin/env bash
# Makes .venv from requirements.lock and installs the workspace members in it. Idempotent; quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-}"
if [ -z "$python" ]; then
  for candidate in python3.11 python3 python3.12 python3.13; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      python="$candidate"; break
    fi
  done
fi
[ -n "$python" ] || { echo "Python 3.11 or newer is needed: apt-get install -y python3" >&2; exit 1; }

members=(proto libs/kernel libs/chassis libs/stack identity-svc agenda-svc billing-svc payment-gateway-svc payment-gateway-svc/simulator gateway)
stamp=.venv/.preau-setup
fingerprint=$(cat requirements.lock scripts/setup.sh "${members[@]/%//pyproject.toml}" | sha256sum)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint $PWD" ]; then exit 0; fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ]; then
    echo "Installing Debian's python3-venv ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
  else
    echo "Python's venv module is missing. As root: apt-get update && apt-get install -y python3-venv" >&2; exit 1
  fi
fi

echo "Setting up .venv ..."
[ -x .venv/bin/python ] || "$python" -m venv .venv
# uv itself is pinned by the lock, like everything else.
if ! .venv/bin/python -c 'import uv' 2>/dev/null; then
  sed -n '/^uv==/,/[^\\]$/p' requirements.lock > .venv/uv-requirement.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv-requirement.txt
fi
export VIRTUAL_ENV="$PWD/.venv"
.venv/bin/uv pip sync --quiet --require-hashes requirements.lock
editable=()
for member in "${members[@]}"; do editable+=(--editable "$member"); done
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation "${editable[@]}"
printf '%s' "$fingerprint $PWD" > "$stamp"
