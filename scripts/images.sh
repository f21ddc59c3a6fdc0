#!/usr/bin/env bash
# Builds the images, prints their sizes, keeps each one's SBOM in out/sbom: images.sh [--with-development] [SERVICE...]
# CONTAINER_ENGINE=podman|docker|buildah, IMAGE_REGISTRY (localhost/preau), IMAGE_TAG (the chart's version), BASE_IMAGE and
# BUILD_IMAGE (default: the digest in the Containerfiles, or what scripts/base-image.sh made, when that is here).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/images-engine.sh
limit=$((250 * 1000 * 1000))
registry=${IMAGE_REGISTRY:-localhost/preau}
tag=${IMAGE_TAG:-$(sed -n 's/^appVersion: "\(.*\)"/\1/p' charts/preau/Chart.yaml)}
services=(identity-svc agenda-svc billing-svc payment-gateway-svc gateway)
development=()
if [ "${1:-}" = --with-development ]; then shift; development=(payfip-simulator postgres nats); fi
wanted=("${@:-${services[@]}}")
[ $# -gt 0 ] || wanted+=("${development[@]}")

declare -A file=([payfip-simulator]=payment-gateway-svc/simulator [postgres]=images/postgres [nats]=images/nats)

secrets=$(mktemp -d); trap 'rm -rf "$secrets"' EXIT
cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$secrets/ca"
env | grep -E '^(UV_(DEFAULT_)?INDEX(_URL)?|UV_EXTRA_INDEX_URL|PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)=' |
  sed "s/'/'\\\\''/g; s/=\(.*\)/='\1'/" >"$secrets/index" || true

options=(--network host --secret "id=ca,src=$secrets/ca" --secret "id=index,src=$secrets/index")
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
if [ -z "${BASE_IMAGE:-}" ] && image_exists "localhost/preau/python:$suite"; then
  BASE_IMAGE=localhost/preau/python:$suite BUILD_IMAGE=localhost/preau/python-build:$suite
fi
[ -z "${BASE_IMAGE:-}" ] || options+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
[ -z "${BUILD_IMAGE:-}" ] || options+=(--build-arg "BUILD_IMAGE=$BUILD_IMAGE")
[ "$engine" = docker ] || options+=(--layers)

mkdir -p out/sbom
too_big=0
for name in "${wanted[@]}"; do
  image=$registry/$name:$tag
  log=$(mktemp)
  build_image --file "${file[$name]:-$name}/Containerfile" --tag "$image" "${options[@]}" . >"$log" 2>&1 || { tail -40 "$log" >&2; exit 1; }
  rm -f "$log"
  case $name in
    postgres|nats) ;; # one program of others, for tests
    *) read_from_image "$image" /app/sbom.cdx.json >"out/sbom/$name.cdx.json"
       [ -s "out/sbom/$name.cdx.json" ] || { echo "$image has no list of parts" >&2; exit 1; } ;;
  esac
  bytes=$(image_bytes "$image")
  printf '%-40s %4d MB\n' "$image" $((bytes / 1000000))
  [ "$bytes" -lt "$limit" ] || { echo "$image is over $((limit / 1000000)) MB" >&2; too_big=1; }
done
exit $too_big
