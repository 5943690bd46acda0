#!/usr/bin/env bash
# Faults on purpose, ROUNDS times: kill -9 in mid-traffic, and the hostile APRS-IS server.
set -euo pipefail
scripts/need.sh rust
for round in $(seq "${ROUNDS:-5}"); do
  echo "--- round $round"
  cargo test --locked -q -p godwit --test program killed_in_mid_traffic
  cargo test --locked -q -p godwit-feed --test hostile
done
