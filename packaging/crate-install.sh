#!/usr/bin/env bash
# Installs the packed crate as crates.io's users do, with the README's line, from a directory source and with npm hidden,
# and asks what it installed for its version and for the Socket.IO client: packaging/crate-install.sh [WITHOUT].
# With WITHOUT, the line stands without the entropy setting, which the program then has to say.
# Long: everything is compiled. Needs what `packaging/crate.sh` has packed.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
crate=$PWD/target/package/secure-io-$version.crate
work=$(mktemp -d)
server=
trap 'kill $server 2> /dev/null || true; rm -rf "$work"' EXIT
cargo vendor --locked "$work/vendor" > /dev/null 2>&1
tar -xzf "$crate" -C "$work/vendor"
printf '{"files":{},"package":"%s"}' "$(sha256sum "$crate" | cut -d' ' -f1)" > "$work/vendor/secure-io-$version/.cargo-checksum.json"
line=$(grep -o "cargo install --config 'env.*secure-io$" README.md | head -1)
[ -n "$line" ]
if [ -n "${1:-}" ]; then line="cargo install secure-io"; fi
# All programs of this machine but npm.
mkdir "$work/bin"
IFS=: read -ra folders <<< "$PATH"
for folder in "${folders[@]}"; do
  for program in "$folder"/*; do
    case ${program##*/} in npm | npx | node | nodejs) ;; *) [ -e "$work/bin/${program##*/}" ] || ln -sf "$program" "$work/bin" ;; esac
  done
done
# From another folder: cargo reads the configuration of the folder that it runs in.
cd "$work"
(PATH=$work/bin && eval "$line --offline --root '$work/installed' --config 'source.crates-io.replace-with=\"v\"' --config 'source.v.directory=\"$work/vendor\"' ${DEBUG:+--debug}")
program=$work/installed/bin/secure-io
"$program" --version | tee version
if [ -z "${1:-}" ]; then
  grep -qx "secure-io $version" version || { echo "built without the entropy setting" >&2; exit 1; }
else
  grep -q NO_JITTER_ENTROPY version || { echo "built without the entropy setting, and --version does not say so" >&2; exit 1; }
  { XDG_DATA_HOME=$work "$program" doctor 2>&1 || true; } | grep NO_JITTER_ENTROPY
fi
XDG_DATA_HOME=$work "$program" serve --port 0 2> log & server=$!
for _ in $(seq 100); do
  port=$(sed -n 's/.*running on https:\/\/localhost:\([0-9]*\).*/\1/p' log)
  [ -z "$port" ] || break
  sleep 0.2
done
curl -fsSk "https://localhost:$port/socket.io/socket.io.min.js" | grep -q 'Socket.IO v'
echo "$crate: installed without npm, the client is in it: ok ($(du -k "$program" | cut -f1) KiB)"
