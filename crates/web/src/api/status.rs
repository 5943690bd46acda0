//! `GET /api/v1/status`: what the program is doing.

use std::time::Duration;

use axum::{Json, extract::State};
use godwit_live::{Figures, latency::BOUNDS_MS};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Site, error::ApiError};

/// How long the store may take to say how much it holds: who asks for the status waits no longer.
const STORE_WAIT: Duration = Duration::from_millis(500);

/// `GET /api/v1/status`.
pub(crate) async fn status(State(site): State<Site>) -> Result<Json<Value>, ApiError> {
    let figures = site.live.figures();
    let mut status = (site.status)();
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["entities"] = figures.entities.into();
    status["viewers"] = figures.viewers.into();
    status["live"] = live(&figures);
    status["engine"] = site.store.engine().into();
    status["history"] = crate::history::figures(&site);
    // A store that does not answer (soon) is a state to be told of, not an error of this question.
    status["store"] = match timeout(STORE_WAIT, site.store.counts()).await {
        Ok(Ok(counts)) => {
            json!({ "stored": counts.stored, "duplicates": counts.duplicates, "bad": counts.bad, "entities": counts.entities })
        }
        _ => json!({ "unavailable": true }),
    };
    Ok(Json(status))
}

fn live(figures: &Figures) -> Value {
    let latency = &figures.latency;
    let mut all = 0;
    let buckets: Vec<Value> = latency
        .counts
        .iter()
        .enumerate()
        .map(|(at, count)| {
            all += count;
            json!({ "le": BOUNDS_MS.get(at), "count": all })
        })
        .collect();
    json!({
        "tiles": figures.tiles,
        "log_bytes": figures.log_bytes,
        "viewers_closed_slow": figures.viewers_closed_slow,
        "latency_ms": { "p50": latency.p50_ms, "p99": latency.p99_ms, "count": all, "buckets": buckets },
    })
}
