#!/usr/bin/env bash
# The parser under random and damaged input, so many seconds a target, from the committed seeds. Without nightly Rust or
# cargo-fuzz the same bodies run under proptest, with more cases than usual.
set -euo pipefail
seconds=${1:-60}
cd "$(dirname "$0")/.."
if ! command -v cargo-fuzz >/dev/null || ! cargo +nightly --version >/dev/null 2>&1; then
  echo 'fuzz: nightly Rust or cargo-fuzz is not installed; running the same properties by proptest' >&2
  PROPTEST_CASES=$((seconds * 500)) cargo test --locked -q -p godwit-packet --all-features --test properties
  exit
fi
cd fuzz
unset CARGO_TARGET_DIR
for target in parse explain encode path; do
  mkdir -p "corpus/$target"
  awk -v to="corpus/$target/seed-" '{ file = to NR; print > file; close(file) }' seeds/packets.txt
  cargo +nightly fuzz run "$target" "corpus/$target" -- -max_total_time="$seconds" -max_len=600 -verbosity=0
done
