#!/usr/bin/env bash
# Builds the container image from a context of its own: the tracked files and
# the vendored modules, so that the build needs no network and nothing that
# lies about in the tree gets in. `make docker` calls it.
#
#   IMAGE       name of the image made                (tinyurl:latest)
#   GO_IMAGE    the build stage, with Go at hand      (the Dockerfile's default)
#   BASE_IMAGE  what the binary is put on             (the Dockerfile's default)
#   VERSION     what `tinyurl version` will say       (unknown)
set -euo pipefail
cd "$(dirname "$0")/.."

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

# Untracked files that are not ignored count as well, as they do for go build;
# a file deleted but still tracked is passed over.
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        if [ -e "$file" ]; then printf '%s\0' "$file"; fi
    done |
    tar -c --null --files-from=- | tar -x -C "$context"
go mod vendor -o "$context/vendor"

args=(--build-arg "VERSION=${VERSION:-unknown}")
for name in GO_IMAGE BASE_IMAGE; do
    if [ -n "${!name:-}" ]; then args+=(--build-arg "$name=${!name}"); fi
done
docker build -t "${IMAGE:-tinyurl:latest}" "${args[@]}" "$context"
