#!/usr/bin/env bash
# Installs, runs and purges the package in a minimal Debian: packaging/debian/test.sh DEB [SUITE]. Needs root, debootstrap
# and lintian. The system is kept in target/chroot, without the package.
set -euo pipefail
cd "$(dirname "$0")/../.."
deb=$1 suite=${2:-bookworm}
lintian --fail-on error --no-tag-display-limit "$deb"
root=$PWD/target/chroot/$suite
packaging/chroot.sh "$suite" "$root"
before=$(cd "$root" && find etc usr var/lib -xdev | sort)
cp "$deb" "$root/tmp/secure-io.deb"
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
in_root dpkg -i /tmp/secure-io.deb > /dev/null
in_root secure-io --version
in_root sh -c 'cd /tmp && secure-io gen-cert --quiet app.test && secure-io verify --trust server-cert.pem --host app.test server-cert.pem'
in_root test -s /usr/share/man/man1/secure-io-gen-cert.1.gz
in_root bash -c '. /usr/share/bash-completion/completions/secure-io && complete -p secure-io' > /dev/null
in_root dpkg --verify secure-io
in_root dpkg --purge secure-io > /dev/null
rm -rf "$root"/tmp/* "$root"/root/.local
after=$(cd "$root" && find etc usr var/lib -xdev | sort)
left=$(comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | grep -v '^var/lib/dpkg/' || true)
[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
echo "installed, run and purged on $suite: ok"
