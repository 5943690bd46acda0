#!/bin/sh
# Runs each fuzz target of the parser for so many seconds, from the committed seeds.
set -eu
seconds=${1:-60}
cd "$(dirname "$0")/../fuzz"
for target in parse explain encode path; do
  mkdir -p "corpus/$target"
  awk -v to="corpus/$target/seed-" '{ file = to NR; print > file; close(file) }' seeds/packets.txt
  cargo +nightly fuzz run "$target" "corpus/$target" -- -max_total_time="$seconds" -max_len=600
done
