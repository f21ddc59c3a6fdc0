#!/bin/sh
# Runs while an image is built, in /app: install.sh dependencies|members MEMBER..., install.sh programs PACKAGE...
# `dependencies` makes /app/venv from requirements.lock, each file checked against its hash; `members` adds our own code.
# `members` finds the image's base mounted at /base, for the list of parts.
# Index and certificates of the building machine come as secrets: files that exist during this step only.
set -eu
step=$1; shift
if [ -r /run/secrets/index ]; then set -a; . /run/secrets/index; set +a; fi
if [ -r /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca PIP_CERT=/run/secrets/ca; fi
export UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_NO_CONFIG=1 VIRTUAL_ENV=/app/venv

make_venv() {
  python3 -m venv /uv
  sed -n '/^uv==/,/[^\\]$/p' requirements.lock > /uv/uv.txt
  /uv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /uv/uv.txt
  python3 -m venv --without-pip /app/venv
}

case $step in
  dependencies)
    make_venv
    python3 images/requirements.py "$@" > /uv/needed.txt
    /uv/bin/uv pip install --quiet --no-build --requirements /uv/needed.txt --constraints requirements.lock
    ;;
  programs)
    make_venv
    /uv/bin/uv pip install --quiet --no-build --constraints requirements.lock "$@"
    ;;
  members)
    for member in "$@"; do
      /uv/bin/uv pip install --quiet --no-deps --no-sources --build-constraints requirements.lock --editable "./$member"
    done
    # What only a compiler or another language needs.
    find venv -regex '.*\.\(c\|cpp\|h\|pyx\|pxd\)' -delete
    find venv -path '*/babel/locale-data/*.dat' ! -name 'root.dat' ! -name 'fr*' ! -name 'en*' -delete
    if command -v strip >/dev/null; then find venv -name '*.so' -exec strip --strip-unneeded {} +; fi
    venv/bin/python -m compileall -q -j 1 "$@"
    venv/bin/python images/sbom.py requirements.lock /base > sbom.cdx.json
    rm -rf images requirements.lock
    ;;
esac
