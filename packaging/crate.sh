#!/usr/bin/env bash
# Packs the crate with the Socket.IO client in it, into target/package: packaging/crate.sh. Needs npm.
# Nothing is compiled: `packaging/crate-install.sh` builds what is packed here.
set -euo pipefail
cd "$(dirname "$0")/.."
packed=templates/client/packed
work=$(mktemp -d)
trap 'rm -rf "$packed" "$work"' EXIT
cp templates/client/package.json templates/client/package-lock.json "$work"
npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
client=$work/node_modules/socket.io-client
rm -rf "$packed" && mkdir -p "$packed/dist"
cp "$client/package.json" "$client/LICENSE" "$packed"
# The files that the server has, by the list in fetch.rs.
for file in $(sed -n 's/^const SCRIPTS.*= \[\(.*\)\];/\1/p' templates/client/fetch.rs | tr -d '",'); do
  cp "$client/dist/$file" "$client/dist/$file.map" "$packed/dist"
done
cargo package --locked --allow-dirty --no-verify --target-dir target
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
crate=target/package/secure-io-$version.crate
tar -tzf "$crate" > "$work/list"
grep -q '/templates/client/packed/dist/socket.io.min.js$' "$work/list"
if grep -E '/(tests|benches|fuzz|packaging|\.ci)/' "$work/list"; then echo "these do not belong into the crate" >&2; exit 1; fi
echo "$crate: $(wc -l < "$work/list") files, $(du -k "$crate" | cut -f1) KiB, the client is in it"
