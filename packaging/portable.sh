#!/usr/bin/env bash
# Builds one program for all Linux packages, against glibc 2.17, with Zig as the C compiler and linker:
# packaging/portable.sh [TARGET]. Needs Python; Zig and cargo-zigbuild come from PyPI into target/zig.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-x86_64-unknown-linux-gnu}
profile=${PROFILE:-dist}
# Cargo names the folder of `dev` otherwise.
folder=${profile/#dev/debug}
tools=target/zig
[ -x "$tools/bin/cargo-zigbuild" ] || { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check cargo-zigbuild==0.24.1 ziglang==0.16.0; }
PATH="$PWD/$tools/bin:$PATH" cargo zigbuild --locked --profile "$profile" --target "$target.2.17"
binary=${CARGO_TARGET_DIR:-target}/$target/$folder/secure-io
python3 packaging/glibc.py "$binary" 2.17
ls -l "$binary"
