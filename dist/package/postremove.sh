#!/bin/sh
# Removes what the package made, but never the data of an agent, not even on a purge: the
# books and the agent's key exist nowhere else.
set -e

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
case "$1" in
purge | 0) ;;
*) exit 0 ;;
esac

rmdir /var/lib/atelierd 2>/dev/null || true
# What agents have counted together is of use for an hour.
rm -rf /var/lib/atelierd.shared
kept=
for path in /var/lib/atelierd /var/lib/atelierd-* /etc/atelierd/*; do
    if [ -e "$path" ]; then
        kept="$kept $path"
    fi
done
if [ -n "$kept" ]; then
    echo "kept, with the user atelierd:$kept"
elif getent passwd atelierd >/dev/null && command -v userdel >/dev/null; then
    userdel atelierd || true
fi
