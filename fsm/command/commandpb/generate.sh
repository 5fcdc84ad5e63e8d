#!/bin/sh
# Regenerates command.pb.go from command.proto. Needs protoc (Debian: protobuf-compiler); the Go plugin is the one pinned
# by the tool directive of go.mod.
set -eu
cd "$(dirname "$0")"
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
printf '#!/bin/sh\nexec go tool protoc-gen-go "$@"\n' >"$bin/protoc-gen-go"
chmod +x "$bin/protoc-gen-go"
protoc --plugin=protoc-gen-go="$bin/protoc-gen-go" --go_out=. --go_opt=paths=source_relative command.proto
