#!/bin/sh
# Installs the Debian packages named, for make bench-peers. Their services are not started: what is measured runs private
# instances of its own.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "this is not Debian" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "only root may install $*" >&2
    exit 1
fi

# What packages ask before they start a service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -q install -y --no-install-recommends "$@" || {
    apt-get -q update
    apt-get -q install -y --no-install-recommends "$@"
}
