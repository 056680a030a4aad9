#!/bin/sh
# Stops the services before the program is removed. An upgrade restarts them afterwards.
set -e

case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
    systemctl stop 'atelierd.service' 'atelierd@*.service' || true
fi
if command -v systemctl >/dev/null; then
    systemctl disable atelierd.service || true
fi
