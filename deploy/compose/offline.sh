#!/usr/bin/env bash
# Makes the images that a build and the compose file start from, on a machine
# whose Docker engine reaches no registry:
#
#   tinyurl-offline/debian   a minimal Debian with haproxy, from the mirror that
#                            apt is configured with
#   tinyurl-offline/go       the same with this machine's Go tree at /usr/local/go
#
# It writes nothing into the repository. Use the images by name, as printed at
# the end. Needs root, apt-get and a Debian (or derived) machine.
set -euo pipefail

readonly base=tinyurl-offline/debian go=tinyurl-offline/go

fail() { echo "offline.sh: $*" >&2; exit 1; }

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# mirror prints "URI CODENAME" of the first Debian archive apt knows that holds
# the main component: the machine's own mirror, whatever it is.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        awk '$3 == "main" && $2 !~ /-/ { print $1, $2; exit }'
}

import_base() {
    command -v debootstrap >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap
    local uri codename
    read -r uri codename < <(mirror) || true
    [ -n "${codename:-}" ] || fail "apt knows no Debian archive with a main component"
    echo "offline.sh: $base from the $codename archive of apt's configuration (some minutes)"
    nice debootstrap --variant=minbase --include=haproxy,ca-certificates \
        "$codename" "$work/root" "$uri" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
    rm -rf "$work/root/var/cache/apt/archives"/*.deb "$work/root/var/lib/apt/lists"/*
    tar -C "$work/root" --numeric-owner -c . |
        docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
            - "$base:latest" >/dev/null
    rm -rf "$work/root"
}

# build_go puts this machine's Go tree into an image. The tree goes in as the
# build context, so that nothing is copied on disk first.
build_go() {
    local root
    root=$(go env GOROOT)
    [ -x "$root/bin/go" ] || fail "no Go tree at $root"
    echo "offline.sh: $go with $(go env GOVERSION)"
    printf '%s\n' "FROM $base" 'COPY . /usr/local/go' \
        'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin GOTOOLCHAIN=local' \
        >"$work/Dockerfile"
    docker build -q -t "$go:latest" -f "$work/Dockerfile" "$root" >/dev/null
}

[ "$(id -u)" = 0 ] || fail "needs root: a root file system is made here"
docker version >/dev/null 2>&1 || fail "no Docker engine answers"
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

have_image "$base" || import_base
have_image "$go" || build_go

cat <<EOF
Ready. Use them so:
  make docker GO_IMAGE=$go
  export LB_IMAGE=$base    # before docker-compose up, or in .env
EOF
