#!/usr/bin/env bash
# Packs the crate with the Socket.IO client in it, into target/package: packaging/crate.sh. Needs npm.
# Then builds the program from the tarball with npm hidden, and asks it for the client.
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
cargo package --locked --allow-dirty --no-verify
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
crate=target/package/secure-io-$version.crate
tar -tzf "$crate" | grep -q '/templates/client/packed/dist/socket.io.min.js$'
if tar -tzf "$crate" | grep -E '/(tests|benches|fuzz|packaging|\.ci)/'; then echo "these do not belong into the crate" >&2; exit 1; fi
tar -xzf "$crate" -C "$work"
# A folder of programs without npm.
mkdir "$work/bin"
for program in cargo rustc cc c++ ar ld cmake make perl sh env uname sed grep; do
  found=$(command -v "$program") && ln -s "$found" "$work/bin/$program"
done || true
rm -rf "$packed"
(cd "$work/secure-io-$version" && PATH="$work/bin:$(dirname "$(rustc --print target-libdir)")" CARGO_TARGET_DIR="${TARGET_DIR:-$OLDPWD/target/from-crate}" \
  cargo build --offline --locked ${PROFILE:+--profile "$PROFILE"})
binary=${TARGET_DIR:-target/from-crate}/${PROFILE:-debug}/secure-io
"$binary" serve --port 0 2> "$work/log" & server=$!
trap 'kill $server 2> /dev/null || true; rm -rf "$packed" "$work"' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.*running on https:\/\/localhost:\([0-9]*\).*/\1/p' "$work/log")
  [ -z "$port" ] || break
  sleep 0.2
done
curl -fsSk "https://localhost:$port/socket.io/socket.io.min.js" | grep -q 'Socket.IO v'
echo "$crate: built without npm, the client is in it: ok ($(du -k "$crate" | cut -f1) KiB)"
