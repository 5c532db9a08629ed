#!/usr/bin/env bash
# Builds a Debian package: packaging/debian/build.sh [BINARY]. Needs cargo-deb and dpkg-dev.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=${1:-target/dist/secure-io}
[ -e "$binary" ] || cargo build --locked --profile dist
stage=target/debian-files
rm -rf "$stage" && mkdir -p "$stage/man"
install -m 755 "$binary" "$stage/secure-io"
"$binary" -q man --out-dir "$stage/man"
for shell in bash zsh fish; do "$binary" completions "$shell" > "$stage/completion.$shell"; done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# Debian's own format: the releases' notes are in CHANGELOG.md.
cat > "$stage/changelog" <<TEXT
secure-io ($version-1) unstable; urgency=medium

  * See CHANGELOG.md of the release.

 -- secure-io developers <secure-io@example.invalid>  $(date -Ru)
TEXT
cargo deb --no-build --no-strip --locked
