#!/usr/bin/env bash
# Makes a minimal Debian once, from the mirror of this machine's own sources: packaging/chroot.sh SUITE FOLDER
set -euo pipefail
suite=$1 root=$2
[ ! -e "$root/.made" ] || exit 0
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1)}
rm -rf "$root" && mkdir -p "$root"
debootstrap --variant=minbase "$suite" "$root" "$mirror" > "$root.log"
touch "$root/.made"
