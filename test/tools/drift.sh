#!/usr/bin/env bash
# Fails when a generated file is not what its generate.sh makes. The generators
# run in place; what they change is left for the developer to look at, unless
# it is only the line that names the version of protoc.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v protoc >/dev/null ||
    { echo "drift.sh: protoc is missing (Debian: protobuf-compiler), generated code cannot be checked" >&2; exit 1; }

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT

content() { sed '/^\/\/ *\tprotoc  *v/d' "$1"; }

drifted=0 checked=0
while IFS= read -r script; do
    dir=$(dirname "$script")
    rm -rf "${before:?}"/*
    find "$dir" -maxdepth 1 -name '*.pb.go' -exec cp {} "$before" \;
    sh "$script"
    for file in "$dir"/*.pb.go; do
        checked=$((checked + 1))
        kept=$before/${file##*/}
        if [ -e "$kept" ] && cmp -s <(content "$kept") <(content "$file"); then
            cp "$kept" "$file"
        else
            echo "drift.sh: $file is not what $script makes" >&2
            drifted=1
        fi
    done
done < <(find . -name generate.sh -not -path './vendor/*' | sort)

[ "$checked" -gt 0 ] || { echo "drift.sh: no generated file found, so none was checked" >&2; exit 1; }
exit $drifted
