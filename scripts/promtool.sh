#!/usr/bin/env bash
# Debian's promtool for the tests of alerts and dashboards: installed when root, named when not. Only the tool is wanted: nothing is started.
set -euo pipefail
command -v promtool >/dev/null && exit 0
if [ "$(id -u)" = 0 ]; then
  echo "Installing prometheus (for promtool) ..."
  apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
else
  echo "Tests of alerts need promtool. As root: apt-get update && apt-get install -y --no-install-recommends prometheus" >&2
  exit 1
fi
