#!/usr/bin/env bash
# The parser beside its peers: on the files given, on the captured lines of the folder CORPUS, or on a generated mix. libfap is among
# the peers where it can be built (a C compiler and libclang; installed on Debian and Ubuntu).
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
scripts/need.sh rust
features=()
if scripts/need.sh libclang; then features=(--features fap); else echo 'bench-parse: going on without libfap' >&2; fi
cd bench/parse
cargo build --release --locked --quiet "${features[@]}"
program=${CARGO_TARGET_DIR:-$PWD/target}/release/bench-parse
cd "$here"
corpus=${CORPUS:-../shared/corpus}
[ $# -gt 0 ] || [ ! -d "$corpus" ] || set -- "$corpus"/*.txt
# libfap says on standard output what it dislikes, without ending the line; no other parser does.
exec "$program" "$@"
