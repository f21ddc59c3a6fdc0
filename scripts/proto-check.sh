#!/usr/bin/env bash
# Lints the protos, compares them with the last release's descriptor, and compares the committed code with freshly generated code.
# `--release` writes the descriptor instead.
set -euo pipefail
cd "$(dirname "$0")/../proto"
python=../.venv/bin/python
buf=../.venv/bin/buf

# google/rpc and google/type come from their wheel; buf wants them beside ours. No registry, no network.
rm -rf deps && mkdir -p deps/google
apis=$("$python" -c 'import google.type; print(next(iter(google.type.__path__)))')
for package in rpc type; do
  mkdir "deps/google/$package"
  cp "$apis/../$package/"*.proto "deps/google/$package/"
done

if [ "${1:-}" = --release ]; then
  "$buf" build --path preau --output released.binpb
  echo "proto/released.binpb is today's contract."
  exit 0
fi

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

"$buf" lint
# Image against image: the folder is two modules for buf (ours and deps), the descriptor is one.
"$buf" build --path preau --output "$fresh/now.binpb"
"$buf" breaking "$fresh/now.binpb" --against released.binpb --config buf.yaml
rm "$fresh/now.binpb"

"$python" generate.py "$fresh"
if ! diff -rq --exclude=__pycache__ "$fresh" gen; then
  echo "proto/gen is out of date: run make proto" >&2
  exit 1
fi
