#!/bin/sh
# Makes the user and its data folder, and restarts services that run an older version.
set -e

# dpkg calls this with "configure" and the version before, rpm with how many there are now.
first=
case "$1" in
configure) [ -n "$2" ] || first=yes ;;
1) first=yes ;;
abort-*) exit 0 ;;
esac

getent passwd atelierd >/dev/null || useradd --system --user-group --no-create-home \
    --home-dir /var/lib/atelierd --shell /usr/sbin/nologin atelierd
if [ ! -e /var/lib/atelierd ]; then
    install -d -m 0700 -o atelierd -g atelierd /var/lib/atelierd
fi

if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    if [ -z "$first" ]; then
        systemctl try-restart 'atelierd.service' 'atelierd@*.service' || true
    fi
fi
if [ -n "$first" ]; then
    echo "atelierd is installed and not started; man atelierd says how to set it up"
fi
