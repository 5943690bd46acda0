//! `GET /api/v1/status`: what the program is doing.

use std::time::Duration;

use axum::{Json, extract::State};
use godwit_flow::{BreakerReading, Condition, Health};
use godwit_live::{Figures, latency::BOUNDS_MS, limit::LimiterFigures};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Site, SiteState, error::ApiError};

/// How long the store may take to say how much it holds: who asks for the status waits no longer.
const STORE_WAIT: Duration = Duration::from_millis(500);

/// `GET /api/v1/status`.
pub(crate) async fn status(State(site): SiteState) -> Result<Json<Value>, ApiError> {
    let mut status = whole(&site);
    // A store that does not answer (soon) is a state to be told of, not an error of this question.
    status["kept"] = match timeout(STORE_WAIT, site.store.counts()).await {
        Ok(Ok(counts)) => {
            json!({ "stored": counts.stored, "duplicates": counts.duplicates, "bad": counts.bad, "entities": counts.entities })
        }
        _ => json!({ "unavailable": true }),
    };
    Ok(Json(status))
}

/// All that is known; the metrics are made of it too.
pub(crate) fn whole(site: &Site) -> Value {
    let figures = site.live.figures();
    let mut status = (site.status)();
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["entities"] = figures.entities.into();
    status["viewers"] = figures.viewers.into();
    status["live"] = live(&figures);
    status["engine"] = site.store.engine().into();
    status["health"] = health(&site.health);
    status["panics"] = site.panics.json();
    status["history"] = crate::history::figures(site);
    if let Some(limit) = &site.limit {
        status["limit"] = limiter(&limit.limiter.figures());
        status["light_limit"] = limiter(&limit.light.figures());
    }
    status
}

/// Every part with `ok` and `since_us`, and `trouble` where there is some.
fn health(health: &Health) -> Value {
    let one = |condition: Condition| {
        let name = condition.part.as_str().to_owned();
        (name, json!({ "ok": condition.trouble.is_none(), "trouble": condition.trouble, "since_us": condition.since_us }))
    };
    Value::Object(health.conditions().into_iter().map(one).collect())
}

fn limiter(figures: &LimiterFigures) -> Value {
    let mut json = json!({
        "allowed": figures.allowed, "refused": figures.refused, "charged": figures.charged, "decided_alone": figures.alone,
        "forgotten": figures.forgotten, "clients": figures.clients
    });
    if let Some(breaker) = &figures.breaker {
        json["breaker"] = breaker_json(breaker);
    }
    json
}

/// A breaker, as the status shows it.
#[must_use]
pub fn breaker_json(reading: &BreakerReading) -> Value {
    json!({
        "state": reading.state.as_str(), "failures_in_row": reading.failures_in_row, "succeeded": reading.succeeded,
        "failed": reading.failed, "refused": reading.refused, "opened": reading.opened
    })
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
