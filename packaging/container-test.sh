#!/usr/bin/env bash
# Runs the steps of the Dockerfile's last stage in a minimal Debian, and the image as it says, with a root file system that
# cannot be written: packaging/container-test.sh BINARY. Needs root and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1")
root=$PWD/target/chroot/container
packaging/chroot.sh bookworm "$root"
stage=$(awk '/^FROM/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }' Dockerfile)
value() { printf '%s' "$stage" | sed -n "s/^$1 //p" | tail -1; }
target=$(printf '%s' "$stage" | sed -n 's/^COPY --from=build [^ ]* //p')
install -D -m 755 "$binary" "$root$target"
printf '%s' "$stage" | sed -n 's/^RUN //p' | while read -r line; do chroot "$root" /bin/sh -ec "$line"; done
[ "$(value ENTRYPOINT)" = '["secure-io"]' ] && [ "$(value CMD)" = '["serve", "--addr", "0.0.0.0"]' ]
export root user variable volume
user=$(value USER) variable=$(value ENV) volume=$(value VOLUME)
unshare --mount bash -euo pipefail -c '
  mount --bind "$root" "$root" && mount -o remount,bind,ro "$root"
  mount -t tmpfs -o "uid=$user,mode=700" tmpfs "$root$volume"
  exec chroot --userspec="$user:$user" "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin "$variable" \
    sh -c "cd $volume && exec secure-io serve --addr 0.0.0.0 --port 0" 2> "$root.log"
' &
server=$!
trap 'kill $server 2>/dev/null || true; chroot "$root" userdel secure-io 2>/dev/null || true; rm -f "$root$target"' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.*running on https:\/\/localhost:\([0-9]*\).*/\1/p' "$root.log" 2>/dev/null || true)
  [ -z "$port" ] || break
  sleep 0.2
done
[ -n "$port" ] || { cat "$root.log" >&2; exit 1; }
curl -fsSk "https://localhost:$port"; echo
ps -o user:12= -C secure-io | grep -qw "$user"
kill -TERM $server && wait $server
echo "the container's steps, its user and its read-only root file system: ok"
