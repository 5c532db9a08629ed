#!/usr/bin/env bash
# Builds a Debian package in target/debian: packaging/debian/build.sh [BINARY]. Needs dpkg-dev.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=${1:-target/dist/secure-io}
[ -e "$binary" ] || cargo build --locked --profile dist
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
case "$(readelf -h "$binary" | sed -n 's/ *Machine: *//p')" in
  *X86-64*) architecture=amd64 ;;
  *AArch64*) architecture=arm64 ;;
  *) echo "unknown machine: $binary" >&2; exit 1 ;;
esac
stage=target/debian/secure-io
rm -rf "$stage"
doc=$stage/usr/share/doc/secure-io
mkdir -p "$stage/DEBIAN" "$doc" "$stage/usr/bin" "$stage/usr/share/man/man1" "$stage/usr/share/bash-completion/completions" \
  "$stage/usr/share/zsh/vendor-completions" "$stage/usr/share/fish/vendor_completions.d"
install -m 755 "$binary" "$stage/usr/bin/secure-io"
strip --strip-unneeded "$stage/usr/bin/secure-io"
"$binary" --quiet man --out-dir "$stage/usr/share/man/man1"
gzip -9n "$stage"/usr/share/man/man1/*.1
"$binary" completions bash > "$stage/usr/share/bash-completion/completions/secure-io"
"$binary" completions zsh > "$stage/usr/share/zsh/vendor-completions/_secure-io"
"$binary" completions fish > "$stage/usr/share/fish/vendor_completions.d/secure-io.fish"
gzip -9nc CHANGELOG.md > "$doc/changelog.gz"
# Debian's own format, for the package itself; what changed in the program is in changelog.gz.
date=$(date -Ru -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}")
gzip -9nc > "$doc/changelog.Debian.gz" <<TEXT
secure-io ($version-1) unstable; urgency=medium

  * Built from version $version.

 -- secure-io developers <secure-io@example.invalid>  $date
TEXT
python3 packaging/third-party.py | gzip -9n > "$doc/THIRD-PARTY.txt.gz"
cat > "$doc/copyright" <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: secure-io
Comment: The crates that the program is linked with, and their licences, are in THIRD-PARTY.txt.gz.

Files: *
Copyright: secure-io developers
License: MIT or Apache-2.0

Files: usr/bin/secure-io
Copyright: secure-io developers
           2014-present Guillermo Rauch and Socket.IO contributors (socket.io-client)
           the authors in THIRD-PARTY.txt.gz
License: MIT or Apache-2.0
Comment: It has socket.io-client in it, under the MIT licence, which it serves to browsers.

License: MIT or Apache-2.0
 Either of the two:
 .
$(sed -e 's/^$/./' -e 's/^/ /' LICENSE-MIT)
 .
 The Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0 on Debian systems.
TEXT
# dpkg-shlibdeps wants a source package's control file beside it.
mkdir -p target/debian/source/debian
printf 'Source: secure-io\n\nPackage: secure-io\nArchitecture: any\n' > target/debian/source/debian/control
depends=$(cd target/debian/source && dpkg-shlibdeps -O "../secure-io/usr/bin/secure-io" | sed -n 's/^shlibs:Depends=//p')
# Its tables have the newest meaning of each function, and ask for the glibc of this machine where an older one is enough.
needed=$(python3 packaging/glibc.py "$binary" | sed -n 's/.*: glibc \([0-9.]*\) or newer.*/\1/p')
[ -n "$needed" ]
depends=$(sed "s/libc6 (>= [^)]*)/libc6 (>= $needed)/" <<< "$depends")
cat > "$stage/DEBIAN/control" <<TEXT
Package: secure-io
Version: $version-1
Architecture: $architecture
Maintainer: secure-io developers <secure-io@example.invalid>
Installed-Size: $(du -sk --exclude=DEBIAN "$stage" | cut -f1)
Depends: $depends
Recommends: ca-certificates
Suggests: libnss3-tools
Section: utils
Priority: optional
Description: certificates and development TLS for Socket.IO and WebSocket applications
 Makes, reads, converts and judges certificates, runs a local CA whose root
 browsers trust, audits TLS servers, and serves Socket.IO over HTTPS.
TEXT
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f ! -path '*/bin/*' -exec chmod 644 {} +
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
dpkg-deb --root-owner-group --build "$stage" "target/debian/secure-io_$version-1_$architecture.deb"
