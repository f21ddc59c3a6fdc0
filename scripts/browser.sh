#!/usr/bin/env bash
# Debian's Chromium and a font for the browser tests: installed when root, named when not.
set -euo pipefail
packages=()
command -v chromium >/dev/null || packages+=(chromium)
[ -n "$(fc-list 2>/dev/null | head -1)" ] || packages+=(fonts-dejavu-core fontconfig)
[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ]; then
  echo "Installing ${packages[*]} ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "Browser tests need ${packages[*]}. As root: apt-get update && apt-get install -y ${packages[*]}" >&2
  exit 1
fi
