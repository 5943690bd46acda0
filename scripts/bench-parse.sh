#!/usr/bin/env bash
# The parser beside its peers, in bench/parse (a workspace of its own).
set -euo pipefail
scripts/need.sh rust
[ -f bench/parse/Cargo.toml ] || { echo 'bench-parse: the comparison with peers comes with the packet crate'"'"'s own issue; there is no bench/parse yet' >&2; exit 1; }
cd bench/parse && cargo run --release --locked -q
