#!/usr/bin/env bash
# Runs the compose file for real: three nodes and the load balancer come up, a
# link is made through the balancer, the leader's container is killed, and the
# link must be followed all the same, every time. Then a link is made without
# that node, and the node comes back and knows it. Takes everything down again,
# volumes included; its project name keeps it apart from a cluster of yours.
#
# Needs the images: `make docker` first, and offline.sh where no registry is
# reached (the balancer's image it makes is found by itself).
set -euo pipefail

readonly limit=240 # seconds for everything
if [ -z "${TINYURL_CHECK_BOUNDED:-}" ]; then
    TINYURL_CHECK_BOUNDED=1 exec timeout --kill-after=60 "$limit" "$0" "$@"
fi
cd "$(dirname "$0")"

export COMPOSE_PROJECT_NAME=tinyurl-check
export PORT=${PORT:-18080}
export TINYURL_PUBLIC_URL=http://127.0.0.1:$PORT
TINYURL_CLUSTER_SECRET=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
export TINYURL_CLUSTER_SECRET
if [ -z "${LB_IMAGE:-}" ] && docker image inspect tinyurl-offline/debian >/dev/null 2>&1; then
    export LB_IMAGE=tinyurl-offline/debian
fi

if command -v docker-compose >/dev/null; then compose=(docker-compose); else compose=(docker compose); fi

say() { printf 'check.sh: %s\n' "$*"; }

fail() {
    say "FAILED: $*" >&2
    "${compose[@]}" logs --no-color --tail=60 >&2 || true
    exit 1
}

finish() { "${compose[@]}" down -v -t 15 >/dev/null 2>&1 || say "could not take everything down" >&2; }
trap finish EXIT

# within SECONDS WHAT COMMAND…: repeats the command until it succeeds.
within() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "not in time: $what"
        sleep 0.2
    done
}

http() { curl -sS --max-time 8 "$@"; }

ready() { [ "$(http -o /dev/null -w '%{http_code}' "$TINYURL_PUBLIC_URL/readyz" 2>/dev/null)" = 200 ]; }

# create TARGET: makes a link through the balancer; its code is in $code.
create() {
    local answer
    answer=$(http -X POST "$TINYURL_PUBLIC_URL/api/v1/links" -H "Authorization: Bearer $key" \
        -d "{\"longUrl\":\"$1\"}" 2>/dev/null) || return 1
    code=$(sed -n 's/.*"shortCode":"\([^"]*\)".*/\1/p' <<<"$answer")
    [ -n "$code" ]
}

# follow CODE: prints status and target of the redirect.
follow() { http -o /dev/null -w '%{http_code} %{redirect_url}' "$TINYURL_PUBLIC_URL/$1"; }

leader() {
    http "$TINYURL_PUBLIC_URL/api/v1/cluster" -H "Authorization: Bearer $key" |
        tr -d ' \n' | sed -n 's/.*"leader":{[^}]*"name":"\([^"]*\)".*/\1/p'
}

resolves() { "${compose[@]}" exec -T -e TINYURL_KEY="$key" "$1" tinyurl resolve "$2" 2>/dev/null | grep -qF "$3"; }

finish
"${compose[@]}" up -d
started=$SECONDS
within 90 "a node ready behind the load balancer" ready
say "ready after $((SECONDS - started)) s"

key=$("${compose[@]}" exec -T n1 tinyurl token --root-key | tr -d '\r\n')
[ -n "$key" ] || fail "no root key"

target='http://example.org/a?b=c%20d'
within 20 "a link made through the load balancer" create "$target"
first=$code
[ "$(follow "$first")" = "302 $target" ] || fail "the link leads elsewhere: $(follow "$first")"
say "made $TINYURL_PUBLIC_URL/$first through the load balancer and followed it"

victim=$(leader)
[ -n "$victim" ] || fail "no leader is named"
"${compose[@]}" kill -s KILL "$victim" >/dev/null 2>&1
killed=$SECONDS
say "killed $victim, the leader"

# Every read must go well from the first moment on, while a link is made as soon
# as there is a leader again.
second='' followed=0
while [ $SECONDS -lt $((killed + 15)) ]; do
    answer=$(follow "$first") || true
    [ "$answer" = "302 $target" ] || fail "after $((SECONDS - killed)) s the link gives '$answer'"
    followed=$((followed + 1))
    if [ -z "$second" ] && create "$target&second"; then
        second=$code
        say "made $TINYURL_PUBLIC_URL/$second $((SECONDS - killed)) s after the kill"
    fi
done
[ -n "$second" ] || fail "no link could be made without $victim"
say "followed the first link $followed times without $victim, every time right"

"${compose[@]}" start "$victim" >/dev/null 2>&1
within 60 "$victim knows the link made without it" resolves "$victim" "$second" "$target&second"
say "$victim is back and knows the link made without it"
say "passed in $SECONDS s"
