#!/usr/bin/env bash
# The charts on a real cluster: kind, helm and the built images, nothing else. Makes a cluster of its own and deletes it.
# Every object is applied by a real API server; migrations run as hooks; an upgrade rolls every service; NetworkPolicies
# are accepted (kind's own network enforces them since 0.24).
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in kind kubectl openssl; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is missing (kind: https://kind.sigs.k8s.io)"; exit 0; }
done
command -v podman >/dev/null || command -v docker >/dev/null || { echo "skipped: neither podman nor docker is here"; exit 0; }
. scripts/images-engine.sh
helm=.venv/bin/helm
name=preau-e2e-$$
tag=$(sed -n 's/^appVersion: "\(.*\)"/\1/p' charts/preau/Chart.yaml)
work=$(mktemp -d)
export KUBECONFIG=$work/kubeconfig KIND_EXPERIMENTAL_PROVIDER=${KIND_EXPERIMENTAL_PROVIDER:-$engine}
kubectl() { command kubectl --namespace preau "$@"; }
finish() {
  local status=$?
  [ $status = 0 ] || { kubectl get all,events || true; kubectl logs --all-containers --prefix --tail 30 -l app.kubernetes.io/part-of=preau || true; }
  [ -z "${forwards:-}" ] || kill $forwards 2>/dev/null || true
  kind delete cluster --name "$name"; rm -rf "$work"
}
trap finish EXIT

[ -n "${SKIP_IMAGES:-}" ] || scripts/images.sh --with-development
kind create cluster --name "$name" --wait 180s
for image in identity-svc agenda-svc billing-svc payment-gateway-svc gateway nats postgres payfip-simulator; do
  "$engine" save --output "$work/image.tar" "localhost/preau/$image:$tag" >/dev/null
  kind load image-archive "$work/image.tar" --name "$name"
done

command kubectl create namespace preau
command kubectl label namespace preau pod-security.kubernetes.io/enforce=restricted
admin=$(openssl rand -hex 16)
kubectl create secret generic postgres --from-literal=password="$admin"
sed "s/TAG/$tag/" tests/e2e/charts/kind.yaml | kubectl apply -f -
kubectl wait --for=condition=Ready pod/postgres pod/payfip --timeout=180s

forward() { # local port, target, port
  command kubectl --namespace preau port-forward "$2" "$1:$3" >/dev/null & forwards="${forwards:-} $!"
  for _ in {1..150}; do
    if (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.2
  done
  echo "nothing answers on the way to $2" >&2; return 1
}
forward 25432 pod/postgres 5432
.venv/bin/python -m tests.e2e.charts.kind secrets --admin "postgresql://postgres:$admin@127.0.0.1:25432/postgres" \
  --state "$work/state" | kubectl create -f -

scripts/charts.sh "$work/charts" >/dev/null
values=(--values charts/preau/values-one-node.yaml --values tests/e2e/charts/values.yaml --values tests/e2e/charts/values-kind.yaml)
"$helm" install preau "$work/charts/preau" --namespace preau "${values[@]}" --timeout 15m
kubectl rollout status deployment --timeout=300s

forward 28080 service/preau-gateway 8080; forward 28090 pod/payfip 8090
for pair in identity:28001 agenda:28002 billing:28003 payment:28004; do forward "${pair#*:}" "deployment/preau-${pair%:*}" 50051; done
.venv/bin/python -m tests.e2e.charts.kind town --state "$work/state" --simulator http://payfip:8090
.venv/bin/python -m tests.e2e.charts.kind journey --state "$work/state"

# Every service anew, its migrate hook first.
"$helm" upgrade preau "$work/charts/preau" --namespace preau "${values[@]}" --set global.logLevel=debug --timeout 15m
kubectl rollout status deployment --timeout=300s
kill $forwards 2>/dev/null || true; forwards=""
forward 28080 service/preau-gateway 8080; forward 28090 pod/payfip 8090; forward 28004 deployment/preau-payment 50051; forward 28001 deployment/preau-identity 50051
.venv/bin/python -m tests.e2e.charts.kind journey --state "$work/state"
echo "kind-e2e: installed, booked, upgraded, booked again"
