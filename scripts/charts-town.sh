#!/usr/bin/env bash
# Makes the towns of files in a release, or brings them up to date: `preau town` through kubectl.
#   charts-town.sh RELEASE [NAMESPACE] FILE...
# The operator's secret goes from its Secret to `preau` in the environment, never on a command line. Without NAMESPACE it is
# the release's name.
set -euo pipefail
usage="charts-town.sh RELEASE [NAMESPACE] FILE..."
release=${1:?$usage}; shift
namespace=$release
if [[ ${1:?$usage} != *.toml && ! -f $1 ]]; then namespace=$1; shift; fi
[ $# -gt 0 ] || { echo "$usage" >&2; exit 2; }
preau=$(dirname "$0")/../.venv/bin/preau
"$preau" town --check "$@"

secret=$(kubectl --namespace "$namespace" get secret "$release-operator" -o 'jsonpath={.data.service-secret}' | base64 -d)
logs=$(mktemp -d); pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$logs"' EXIT
services=(identity agenda billing payment)
for service in "${services[@]}"; do
  kubectl --namespace "$namespace" port-forward --address 127.0.0.1 "deployment/$release-$service" :50051 >"$logs/$service" 2>&1 &
  pids+=($!)
done
at=()
for index in "${!services[@]}"; do
  service=${services[index]}
  for _ in $(seq 300); do
    port=$(sed -n 's/^Forwarding from 127\.0\.0\.1:\([0-9]*\) .*/\1/p' "$logs/$service")
    if [ -n "$port" ] || ! kill -0 "${pids[index]}" 2>/dev/null; then break; fi
    sleep 0.1
  done
  [ -n "$port" ] || { echo "no way to deployment/$release-$service: $(cat "$logs/$service")" >&2; exit 1; }
  at+=("$service=127.0.0.1:$port")
done
PREAU_OPERATOR_SECRET=$secret "$preau" town --at "$(IFS=,; echo "${at[*]}")" "$@"
