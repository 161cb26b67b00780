#!/bin/sh
# Make sure that the image busybox:1.36, which the samples run, is there: pull it, or build it from Debian's
# busybox-static where no registry answers.
set -eu

image=busybox:1.36

if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi
if timeout 30 docker pull -q "$image" >/dev/null 2>&1; then exit 0; fi

echo "No registry answers: building $image from Debian's busybox-static"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if [ "$(id -u)" = 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
apt-get -o APT::Sandbox::User=root download -qq busybox-static >/dev/null
dpkg-deb -x busybox-static_*.deb deb
mkdir -p root/bin root/etc root/tmp root/root root/dev root/proc root/sys
cp deb/bin/busybox root/bin/busybox 2>/dev/null || cp deb/usr/bin/busybox root/bin/busybox
root/bin/busybox --list >applets
while read -r applet; do
    [ "$applet" = busybox ] || ln -s busybox "root/bin/$applet"
done <applets
chmod 1777 root/tmp
echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
echo 'root:x:0:' >root/etc/group
tar -C root -c . | docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - "$image" >/dev/null
