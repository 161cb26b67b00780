#!/bin/sh
# From a secret to a running pod: the story that README tells, in a cluster of its own that is deleted at the end.
# Usage: demo.sh BIN, the folder that has minikctl and python.
set -eu

bin=$(cd "$1" && pwd)
manifests=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export MINIKCTL_HOME="$work/.minikctl" MINIKCTL_CLUSTER=demo PATH="$bin:$PATH" HOME="$work"
trap 'minikctl cluster delete >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
cd "$work"

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

refused() {
    printf '\n$ %s\n' "$*"
    if "$@" 2>&1; then
        echo "error: this should have been refused" >&2
        exit 1
    fi
}

# A private key and a certificate, as a user would have them.
mkdir -m 700 .ssh
python "$manifests/make_key_and_certificate.py" .ssh/id_rsa usersslcert.crt

printf '\n$ echo -n root > user.txt; echo -n password > passwrd.txt\n'
printf root >user.txt
printf password >passwrd.txt
run minikctl create secret generic db-user-pass --from-file=./user.txt --from-file=./passwrd.txt
# shellcheck disable=SC2088 # the tilde is for minikctl, which means the home directory by it
run minikctl create secret generic ssl-certificate \
    --from-file=ssh-private-key='~/.ssh/id_rsa' --ssl-cert=ssl-cert=usersslcert.crt
run minikctl create -f "$manifests/secrets-db-secret.yml"
run minikctl get secrets
run minikctl create -f "$manifests/pod-env.yml" -f "$manifests/pod-volume.yml"

for pod in nodejs.lifetouch.us nodejs-files.lifetouch.us; do
    timeout 60 sh -c "minikctl get pod $pod --watch -o 'jsonpath={.status.phase}{\"\\n\"}' | grep -q Running"
done
run minikctl get pods
# shellcheck disable=SC2016 # the variables are the container's
run minikctl exec nodejs.lifetouch.us -- sh -c 'echo "$SECRET_USER / $SECRET_PASSWRD"'
run minikctl exec nodejs-files.lifetouch.us -- sh -c 'cd /etc/creds; for file in *; do echo "$file: $(cat $file)"; done'
refused minikctl exec nodejs-files.lifetouch.us -- sh -c 'echo changed > /etc/creds/password'
run minikctl delete pods --all
