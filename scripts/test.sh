#!/usr/bin/env bash
# Everything that must pass, in the order that fails soonest.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
step() { printf '\n=== %s (%s s)\n' "$1" "$SECONDS"; }

step 'what is needed'; scripts/need.sh rust node browser postgres redis proxies faketime python
step 'front-end';      make --no-print-directory front
step 'lint';           scripts/lint.sh
step 'front-end unit tests and size budgets'; (cd front && npm test --silent)
step 'Rust tests'
if command -v cargo-nextest >/dev/null; then
  cargo nextest run --workspace --all-features --locked --no-fail-fast
  cargo test --workspace --all-features --locked --doc --quiet
else
  cargo test --workspace --all-features --locked
fi
step 'a short fuzz run'; scripts/fuzz.sh 10
step 'the release binary'; make --no-print-directory build
if grep -q GODWIT_FAULT "$CARGO_TARGET_DIR/release/godwit"; then
  echo 'the release binary can be broken on purpose: it was built with the feature faults' >&2; exit 1
fi

step 'browser tests: every state of the page, with a mock server'
(cd front && npm run --silent e2e)

step 'browser tests: the program itself, simulated traffic'
data=$(mktemp -d)
"$CARGO_TARGET_DIR/release/godwit" serve --demo --data "$data" --listen 127.0.0.1:8792 --log warn &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do curl -fs -o /dev/null http://127.0.0.1:8792/readyz && break; sleep 0.1; done
(cd front && GODWIT_URL=http://127.0.0.1:8792 npm run --silent e2e)
step 'all passed'
