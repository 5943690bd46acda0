#!/usr/bin/env bash
# Faults on purpose: the attack list; then, ROUNDS times (20 for the full measure), for at most MINUTES, the crash matrix of several replicas
# with long outages, kill -9 of a single one, and the hostile APRS-IS server. A round takes three minutes. The order of
# the faults is drawn from GODWIT_CHAOS_SEED; what a failure leaves is named at its end.
set -euo pipefail
scripts/need.sh rust node postgres redis
echo '--- the attack list, long and short, on the release binary'
make --no-print-directory build
GODWIT=${CARGO_TARGET_DIR:-$PWD/target}/release/godwit cargo test --locked -q -p godwit --test attacks -- --include-ignored --test-threads 1
echo '--- one replica: kill -9 in mid-traffic; hostile servers'
cargo test --locked -q -p godwit --test program killed_in_mid_traffic
cargo test --locked -q -p godwit-feed --test hostile
echo '--- three replicas, PostgreSQL behind PgBouncer, Redis: the crash matrix'
ROUNDS=${ROUNDS:-2} GODWIT_CHAOS_SECONDS=$((${MINUTES:-7} * 60)) cargo test --locked -q -p godwit --test chaos -- --nocapture
