#!/usr/bin/env bash
# The parser under random and damaged input for so many seconds a target. With nightly Rust and cargo-fuzz: the fuzz
# targets in fuzz/. Without: the same properties by proptest, with more cases than usual.
set -euo pipefail
seconds=${1:-60}
if [ -d fuzz ] && command -v cargo-fuzz >/dev/null && cargo +nightly --version >/dev/null 2>&1; then
  for target in $(cargo +nightly fuzz list); do
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -max_len=600 -verbosity=0
  done
else
  PROPTEST_CASES=$((seconds * 1000)) cargo test --locked -q -p godwit-packet
fi
