#!/usr/bin/env bash
# Performance against floors measured in the same run. Quote the ratios; the rates are this machine's.
set -euo pipefail
scripts/need.sh rust postgres
echo '--- the simulator'; cargo run --release --locked -q -p godwit-simulator --example throughput
echo '--- the embedded store'; cargo run --release --locked -q -p godwit-store --example ingest
echo '--- the PostgreSQL store'; cargo run --release --locked -q -p godwit-store --example ingest_postgres
echo '--- three replicas: from the APRS-IS server to a viewer of each'
cargo build --release --locked -q -p godwit; cargo run --release --locked -q -p godwit --example replicas
echo '--- what answers and the limit on requests cost'; cargo run --release --locked -q -p godwit --example requests
echo '--- viewers'; GODWIT=${CARGO_TARGET_DIR:-target}/release/godwit cargo run --release --locked -q --manifest-path bench/live/Cargo.toml
echo '--- page weight'; (cd front && node scripts/budget.mjs)
echo "--- the map beside Leaflet's canvas renderer"; (cd front && node scripts/bench-map.mjs)
