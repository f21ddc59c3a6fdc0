#!/usr/bin/env bash
# Debian's promtool and prometheus for the tests of alerts and dashboards: installed when root, named when not. No service is started.
set -euo pipefail
command -v promtool >/dev/null && command -v prometheus >/dev/null && exit 0
if [ "$(id -u)" = 0 ]; then
  echo "Installing prometheus ..."
  apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
else
  echo "Tests of alerts and dashboards need Prometheus. As root: apt-get update && apt-get install -y --no-install-recommends prometheus" >&2
  exit 1
fi
