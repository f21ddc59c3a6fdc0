# Sourced: which of podman, buildah or docker there is, and the three things asked of it.
engine=${CONTAINER_ENGINE:-}
if [ -z "$engine" ]; then
  if command -v podman >/dev/null; then engine=podman
  elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then engine=docker
  elif command -v buildah >/dev/null; then engine=buildah
  fi
fi
[ -n "$engine" ] || { echo "No container engine. Debian: apt-get install -y podman runc conmon netavark aardvark-dns catatonit" >&2; exit 1; }

import_image() { # name, root file system as a tar file
  case $engine in
    buildah)
      local box; box=$(buildah from scratch)
      buildah add --quiet "$box" "$2" / && buildah commit --quiet --rm "$box" "$1" >/dev/null ;;
    *) "$engine" import --change 'ENV LANG=C.UTF-8' "$2" "$1" >/dev/null ;;
  esac
}

image_exists() {
  case $engine in
    docker) docker image inspect "$1" >/dev/null 2>&1 ;;
    buildah) buildah inspect --type image "$1" >/dev/null 2>&1 ;;
    *) podman image exists "$1" ;;
  esac
}

image_bytes() {
  case $engine in
    buildah) buildah images --json "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["size"])' ;;
    *) "$engine" image inspect --format '{{.Size}}' "$1" ;;
  esac
}

build_image() { # options of `build`
  case $engine in
    docker) DOCKER_BUILDKIT=1 docker build "$@" ;;
    buildah) buildah build "$@" ;;
    *) podman build "$@" ;;
  esac
}

read_from_image() { # image, path: that file on stdout, without running anything
  local box
  case $engine in
    buildah)
      box=$(buildah from --pull-never "$1")
      local root; root=$(buildah mount "$box")
      cat "$root$2"; buildah umount "$box" >/dev/null; buildah rm "$box" >/dev/null ;;
    *)
      box=$("$engine" create "$1")
      "$engine" cp "$box:$2" - 2>/dev/null | tar -xO 2>/dev/null || true; "$engine" rm "$box" >/dev/null ;;
  esac
}

# podman asks for more open files and processes than a restricted root may give: say what this shell has.
if [ "$engine" != docker ] && [ -z "${CONTAINERS_CONF:-}" ]; then
  mkdir -p out
  files=$(ulimit -Hn)
  printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=4096:4096"]\n' "$files" "$files" >out/containers.conf
  command -v crun >/dev/null || printf '[engine]\nruntime = "runc"\n' >>out/containers.conf
  export CONTAINERS_CONF=$PWD/out/containers.conf
fi
