#!/usr/bin/env bash
# Format, clippy with warnings as errors, dependency policy; the front-end's types and lint.
set -euo pipefail
scripts/need.sh rust node
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
if command -v cargo-deny >/dev/null; then
  cargo deny --all-features check licenses bans sources
  # The advisory database is fetched from the network; without it this says so and goes on.
  cargo deny --all-features check advisories || [ -n "${OFFLINE:-}" ] || {
    echo 'lint: advisories could not be checked (set OFFLINE=1 where the database cannot be reached)' >&2; exit 1; }
else
  echo 'lint: cargo-deny is not installed: advisories not checked; licences and sources are checked by the test "policy"' >&2
fi
[ -d front/node_modules ] || (cd front && npm ci --no-audit --no-fund --loglevel=error)
(cd front && npm run --silent check && npm run --silent lint)
