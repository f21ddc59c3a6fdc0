#!/usr/bin/env bash
# Puts the charts together in out/charts (folders, as they are rendered) and packs the umbrella chart beside them.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-out/charts}
helm=.venv/bin/helm
rm -rf "$out" && mkdir -p "$out"
cp -r charts/. "$out"
# Which charts stand inside which: the folders that Chart.yaml's file:// dependencies name.
for chart in identity-svc agenda-svc billing-svc payment-gateway-svc gateway; do
  mkdir -p "$out/$chart/charts" && cp -r charts/service-lib "$out/$chart/charts/"
done
mkdir -p "$out/preau/charts"
for chart in identity-svc agenda-svc billing-svc payment-gateway-svc gateway; do
  cp -r "$out/$chart" "$out/preau/charts/"
done
"$helm" package "$out/preau" --destination "$out" >/dev/null
ls "$out"/preau-*.tgz
