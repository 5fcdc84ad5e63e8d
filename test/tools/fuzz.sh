#!/bin/sh
# fuzz.sh TIME TAGS: runs every fuzz test of the module for TIME each. Go fuzzes one test at a time.
set -eu
cd "$(dirname "$0")/../.."
for package in $(go list -tags "$2" ./...); do
    for name in $(go test -tags "$2" -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
        echo "== $package $name"
        go test -tags "$2" -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$package"
    done
done
