#!/bin/sh
# Make sure that a Docker engine answers: install Debian's and start it if none does.
set -eu

answers() { docker info >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

explain_permission() {
    if [ "$(id -u)" != 0 ] && as_root docker info >/dev/null 2>&1; then
        echo "error: the Docker engine runs, but $(id -un) may not use it:" >&2
        echo "    sudo usermod --append --groups docker $(id -un)    # and log in again" >&2
        exit 1
    fi
}

if answers; then exit 0; fi
if [ -S /var/run/docker.sock ]; then explain_permission; fi

if ! command -v dockerd >/dev/null 2>&1 && [ ! -x /usr/sbin/dockerd ]; then
    echo "No Docker engine answers: installing Debian's docker.io"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io >/dev/null
    command -v docker >/dev/null 2>&1 ||
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker-cli >/dev/null
fi

if ! answers; then
    echo "Starting the Docker engine"
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker
    else
        log=/var/log/dockerd.log
        group=docker
        [ "$(id -u)" = 0 ] || group=$(id -g) # whoever asks may then use the socket without logging in again
        as_root sh -c "PATH=\$PATH:/usr/sbin:/sbin setsid dockerd --group $group >$log 2>&1 </dev/null &"
    fi
fi

tries=0
until answers; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ]; then
        explain_permission
        echo "error: the Docker engine does not answer after 60 s" >&2
        [ ! -f "${log:-}" ] || tail -n 20 "$log" >&2
        exit 1
    fi
    sleep 0.5
done
