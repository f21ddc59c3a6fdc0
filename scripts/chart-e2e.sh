#!/usr/bin/env bash
# Builds the images, plays the one-node profile as containers, walks the main job in a browser, replaces each service under load.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ] || ! command -v podman >/dev/null || ! { command -v runc || command -v crun; } >/dev/null; then
  echo "skipped: containers cannot run here. As root: apt-get install -y podman runc conmon netavark aardvark-dns catatonit iptables debootstrap"
  exit 0
fi
. scripts/images-engine.sh
image_exists "localhost/preau/python:$(. /etc/os-release && echo "$VERSION_CODENAME")" || scripts/base-image.sh
[ -n "${SKIP_IMAGES:-}" ] || scripts/images.sh --with-development
scripts/browser.sh
PREAU_CHART_E2E=1 .venv/bin/pytest tests/e2e/charts --randomly-dont-reorganize -s "$@"
