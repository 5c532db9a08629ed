#!/usr/bin/env bash
# Installs the packed crate as crates.io's users do, with the README's line, from a directory source:
# packaging/crate-install.sh. Long: everything is compiled. Needs what `packaging/crate.sh` has packed.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
crate=$PWD/target/package/secure-io-$version.crate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo vendor --locked "$work/vendor" > /dev/null 2>&1
tar -xzf "$crate" -C "$work/vendor"
printf '{"files":{},"package":"%s"}' "$(sha256sum "$crate" | cut -d' ' -f1)" > "$work/vendor/secure-io-$version/.cargo-checksum.json"
line=$(grep -o "cargo install --config 'env.*secure-io$" README.md | head -1)
[ -n "$line" ]
# From another folder: cargo reads the configuration of the folder that it runs in.
cd "$work"
eval "$line --offline --root '$work/installed' --config 'source.crates-io.replace-with=\"v\"' --config 'source.v.directory=\"$work/vendor\"' ${DEBUG:+--debug}"
"$work/installed/bin/secure-io" --version | tee version
grep -qx "secure-io $version" version || { echo "built without the entropy setting" >&2; exit 1; }
