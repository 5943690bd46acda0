#!/usr/bin/env bash
# Everything that must pass, in the order that fails soonest.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
step() { printf '\n=== %s (%s s)\n' "$1" "$SECONDS"; }

step 'what is needed'; scripts/need.sh rust node browser
step 'front-end';      make --no-print-directory front
step 'lint';           scripts/lint.sh
step 'front-end unit tests and size budgets'; (cd front && npm test --silent)
step 'Rust tests'
if command -v cargo-nextest >/dev/null; then
  cargo nextest run --workspace --locked --no-fail-fast
  cargo test --workspace --locked --doc --quiet
else
  cargo test --workspace --locked
fi
step 'fuzz seeds and a short run'; scripts/fuzz.sh 10
step 'the release binary'; make --no-print-directory build
step 'browser tests';  (cd front && GODWIT_BINARY="$CARGO_TARGET_DIR/release/godwit" npm run --silent e2e)
step 'done'
