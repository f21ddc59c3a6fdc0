#!/usr/bin/env bash
# Makes localhost/preau/python (what services run on: Python, its libraries, certificates, no shell and no package manager)
# and localhost/preau/python-build (Debian with Python) from Debian packages, for machines that reach a Debian mirror and no
# registry. Root; podman, buildah or docker. The mirror is the machine's own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/images-engine.sh
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v suite="$suite" '$2 == suite {print $1; exit}')}
[ -n "$mirror" ] || { echo "No Debian mirror in this machine's apt sources: set DEBIAN_MIRROR" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install -y debootstrap" >&2; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

full=$work/full slim=$work/slim
debootstrap --variant=minbase --include=python3,python3-venv,binutils,ca-certificates,tzdata,netbase "$suite" "$full" "$mirror" \
  >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
: >"$full/etc/apt/sources.list"
rm -rf "$full"/var/cache/apt/* "$full"/var/lib/apt/lists/* "$full"/var/log/* "$full"/usr/share/{doc,man,info,locale,lintian}

# The slim one: the files of Python's package and of all it depends on.
python3 - "$full" >"$work/packages" <<'PY'
import re, subprocess, sys
said = subprocess.run(["chroot", sys.argv[1], "dpkg-query", "-W", "-f", "${Package}|${Provides}|${Pre-Depends},${Depends}\n"],
                      check=True, capture_output=True, text=True).stdout
names = lambda text: [re.split(r"[ (:]", part.strip())[0] for part in re.split(r"[,|]", text) if part.strip()]
needs, provider = {}, {}
for line in said.splitlines():
    package, provides, depends = line.split("|", 2)
    needs[package] = names(depends)
    provider |= {name: package for name in [*names(provides), package]}
found, todo = set(), ["python3", "libgcc-s1", "libstdc++6", "tzdata", "netbase", "base-files"]
# Only their installers are needed, and they have run.
skipped = {"dpkg", "debconf", "perl-base", "debianutils", "mawk", "awk"}
while todo:
    package = provider.get(todo.pop())
    if package and package not in found | skipped:
        found.add(package)
        todo += needs[package]
print("\n".join(sorted(found)))
PY
mkdir -p "$slim"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc/ssl,tmp,proc,sys,dev,run,var/tmp}
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$slim/"
chmod 1777 "$slim/tmp" "$slim/var/tmp"
xargs -a "$work/packages" chroot "$full" dpkg -L | grep -vE '^/usr/share/(doc|man|info|locale|lintian|bug)(/|$)' | sort -u |
  while read -r path; do [ -d "$full$path" ] && [ ! -L "$full$path" ] || printf '%s\0' ".$path"; done >"$work/files"
{ cat "$work/files"; (cd "$full" && find ./usr/lib/python3* ./etc/ssl/certs ./usr/share/ca-certificates ./etc/passwd ./etc/group ! -type d -print0); } |
  tar -C "$full" --null --files-from=- --ignore-failed-read -cf - 2>/dev/null | tar -C "$slim" --keep-directory-symlink -xf -
# Which packages they are, where scanners and images/sbom.py look in an image without dpkg.
mkdir -p "$slim/var/lib/dpkg/status.d"
while read -r package; do chroot "$full" dpkg-query -s "$package" >"$slim/var/lib/dpkg/status.d/$package"; done <"$work/packages"
printf 'hosts: files dns\n' >"$slim/etc/nsswitch.conf"
rm -rf "$slim"/usr/lib/python3*/{lib2to3,idlelib,turtledemo,test}
ldconfig -r "$slim"
chroot "$slim" /usr/bin/python3 -c 'import ssl, sqlite3, zoneinfo, ctypes; zoneinfo.ZoneInfo("America/Martinique")'

for name in slim full; do
  # Two images of the same packages are the same image.
  find "$work/$name" -newermt '2020-01-01' -exec touch -h -d '2020-01-01' {} +
  tar -C "$work/$name" --numeric-owner --sort=name -cf "$work/$name.tar" .
done
import_image "localhost/preau/python:$suite" "$work/slim.tar"
import_image "localhost/preau/python-build:$suite" "$work/full.tar"
for name in python python-build; do
  printf 'localhost/preau/%s:%s %d MB\n' "$name" "$suite" $(($(image_bytes "localhost/preau/$name:$suite") / 1000000))
done
