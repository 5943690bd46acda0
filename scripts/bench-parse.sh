#!/bin/sh
# The parser beside its peers: on the files given, or on a generated mix. FEATURES=fap adds libfap (needs libclang).
set -eu
here=$(pwd)
cd "$(dirname "$0")/../bench/parse"
cargo build --release --quiet ${FEATURES:+--features "$FEATURES"}
program=${CARGO_TARGET_DIR:-$(pwd)/target}/release/bench-parse
cd "$here"
# libfap talks on stdout about what it dislikes, without a line end; no other parser does.
exec "$program" "$@"
