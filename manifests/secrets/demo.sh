#!/bin/sh
# From a secret to a running pod: the story that README tells, in a cluster of its own that is deleted at the end.
# Usage: demo.sh BIN, the folder that has minikctl and python.
set -eu

bin=$(cd "$1" && pwd)
manifests=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
export MINIKCTL_HOME="$work/.minikctl" MINIKCTL_CLUSTER=demo PATH="$bin:$PATH" HOME="$work"
trap 'minikctl cluster delete >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"
ln -s "$manifests" manifests

say() {
    printf '\n# %s\n' "$1"
}

# A command as one would type it, and what it prints.
run() {
    show "$@"
    "$@"
}

refused() {
    show "$@"
    if "$@" 2>&1; then
        echo "error: this should have been refused" >&2
        exit 1
    fi
}

show() {
    printf '$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./=:~,@%+-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
}

wait_until_running() {
    tries=0
    until [ "$(minikctl get pod "$1" -o 'jsonpath={.status.phase}')" = Running ]; do
        tries=$((tries + 1))
        if [ "$tries" -ge 120 ]; then
            minikctl describe pod "$1"
            echo "error: pod $1 does not run after 60 s" >&2
            exit 1
        fi
        sleep 0.5
    done
}

say 'Secrets from files'
echo '$ echo -n root > user.txt; echo -n password > passwrd.txt'
printf root >user.txt
printf password >passwrd.txt
run minikctl create secret generic db-user-pass --from-file=./user.txt --from-file=./passwrd.txt

say 'An SSH key and a TLS certificate'
mkdir -m 700 .ssh
python manifests/secrets/make_key_and_certificate.py .ssh/id_rsa usersslcert.crt
# shellcheck disable=SC2088 # the tilde is for minikctl, which means the home directory by it
run minikctl create secret generic ssl-certificate \
    --from-file=ssh-private-key='~/.ssh/id_rsa' --ssl-cert=ssl-cert=usersslcert.crt

say 'A secret from YAML, where values are base64'
run cat manifests/secrets/secrets-db-secret.yml
run minikctl create -f manifests/secrets/secrets-db-secret.yml
run minikctl get secrets

say 'Two pods: one has the secret in its environment, the other as files'
run minikctl create -f manifests/secrets/pod-env.yml -f manifests/secrets/pod-volume.yml
for pod in nodejs.lifetouch.us nodejs-files.lifetouch.us; do
    wait_until_running "$pod"
done
run minikctl get pods

say 'They are containers of the Docker engine'
run docker ps --filter name=k8s_k8s-nodejs_nodejs --format '{{.Names}}  {{.Status}}'
# shellcheck disable=SC2016 # the variables are the container's
run minikctl exec nodejs.lifetouch.us -- sh -c 'echo "$SECRET_USER / $SECRET_PASSWRD"'
run minikctl exec nodejs-files.lifetouch.us -- sh -c 'cd /etc/creds; for file in *; do echo "$file: $(cat $file)"; done'

say 'The mount is read-only'
refused minikctl exec nodejs-files.lifetouch.us -- sh -c 'echo changed > /etc/creds/password'

say 'The end'
run minikctl delete pods --all
