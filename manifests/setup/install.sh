#!/bin/sh
# Install Debian packages, with sudo where this is not root: install.sh PACKAGE...
set -eu
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
