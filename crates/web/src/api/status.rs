//! `GET /api/v1/status`: what the program is doing.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use godwit_flow::{BreakerReading, Condition, Health};
use godwit_live::{Figures, latency::BOUNDS_MS, limit::LimiterFigures};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{Site, SiteState};

/// How long the store may take to say how much it holds: who asks for the status waits no longer.
const STORE_WAIT: Duration = Duration::from_millis(500);

/// `GET /api/v1/status` for operators: everything.
pub(crate) async fn status(State(site): SiteState) -> Response {
    ([NO_STORE], Json(everything(&site).await)).into_response()
}

const NO_STORE: (header::HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The status that strangers were told last, and when it was begun.
pub(crate) type Latest = Mutex<Option<(Instant, Bytes)>>;

/// `GET /api/v1/status` for anybody: what [`PUBLIC`] names. However many ask at once, one status is made at a time, and
/// all who came before it was begun are told the same.
pub(crate) async fn public(State(site): SiteState) -> Response {
    let came = Instant::now();
    let mut latest = site.answers.status.lock().await;
    let body = match &*latest {
        Some((begun, body)) if *begun >= came => body.clone(),
        _ => {
            let begun = Instant::now();
            let body = Bytes::from(picked(&everything(&site).await).to_string());
            *latest = Some((begun, body.clone()));
            body
        }
    };
    drop(latest);
    ([NO_STORE, (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// The places in the status that strangers are shown; `*` stands for every element of a list or object. What is not here is
/// for operators: hosts, names, logins, errors, results of jobs, pools and leases.
const PUBLIC: &[&str] = &[
    "version",
    "engine",
    "entities",
    "viewers",
    "feed.state",
    "feed.connected_at",
    "feed.last_packet_at",
    "feed.reconnects",
    "feed.lines",
    "feed.oversize_lines",
    "packets.received",
    "packets.stored",
    "packets.duplicates",
    "packets.implausible",
    "packets.bad",
    "packets.refused",
    "kept.stored",
    "kept.duplicates",
    "kept.bad",
    "kept.entities",
    "kept.unavailable",
    "live.tiles",
    "live.log_bytes",
    "live.viewers_closed_slow",
    "live.latency_ms.p50",
    "live.latency_ms.p99",
    "live.latency_ms.count",
    "live.latency_ms.buckets.*.le",
    "live.latency_ms.buckets.*.count",
    "history.blocks_read",
    "history.reading_ms",
    "history.answers_made",
    "history.answers_remembered",
    "history.refused",
    "history.memory_bytes",
    "answers.under_way",
    "answers.waiting",
    "answers.refused",
    "queues.*.depth",
    "queues.*.capacity",
    "queues.*.dropped",
    "limit.allowed",
    "limit.refused",
    "cluster.role",
    "cluster.standby",
    "cluster.takeovers",
    "cluster.ring.packets",
    "cluster.ring.seconds",
    "cluster.spool.packets",
    "cluster.world.filled",
    "cluster.world.follows",
];

/// What of a status strangers are shown.
fn picked(status: &Value) -> Value {
    let mut shown = json!({});
    for place in PUBLIC {
        copy(status, &mut shown, &place.split('.').collect::<Vec<_>>());
    }
    shown
}

/// Copies what is at a place; whole lists and objects never.
fn copy(from: &Value, to: &mut Value, places: &[&str]) {
    match (places, from) {
        ([], Value::Object(_) | Value::Array(_)) => {}
        ([], value) => *to = value.clone(),
        (["*", rest @ ..], Value::Array(list)) => {
            if !to.is_array() {
                *to = Value::Array(vec![json!({}); list.len()]);
            }
            to.as_array_mut().into_iter().flatten().zip(list).for_each(|(to, from)| copy(from, to, rest));
        }
        (["*", rest @ ..], Value::Object(map)) => {
            map.iter().filter(|(_, from)| from.is_object()).for_each(|(name, from)| copy(from, &mut to[name], rest));
        }
        ([place, rest @ ..], Value::Object(map)) => {
            // At the end of a place is a number, a word or null; before it is none of these.
            let inner = |from: &Value| from.is_object() || from.is_array();
            if let Some(from) = map.get(*place).filter(|from| inner(from) != rest.is_empty()) {
                copy(from, &mut to[*place], rest);
            }
        }
        _ => {}
    }
}

async fn everything(site: &Site) -> Value {
    let mut status = whole(site);
    // A store that does not answer (soon) is a state to be told of, not an error of this question.
    status["kept"] = match timeout(STORE_WAIT, site.store.counts()).await {
        Ok(Ok(counts)) => {
            json!({ "stored": counts.stored, "duplicates": counts.duplicates, "bad": counts.bad, "entities": counts.entities })
        }
        _ => json!({ "unavailable": true }),
    };
    status
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
    status["answers"] = site.answers.heavy.json();
    if let Some(limit) = &site.limit {
        status["limit"] = limiter(&limit.limiter.figures());
        status["light_limit"] = limiter(&limit.light.figures());
    }
    status
}

/// Every part with `ok`, `trouble` where there is some, and `since` when it is so; `null`: since the start.
pub(crate) fn health(health: &Health) -> Value {
    let one = |condition: Condition| {
        let name = condition.part.as_str().to_owned();
        let since = (condition.since_us > 0).then(|| super::rfc3339(condition.since_us));
        (name, json!({ "ok": condition.trouble.is_none(), "trouble": condition.trouble, "since": since }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_shown_what_is_named_and_nothing_else() {
        let status = json!({
            "version": "1", "entities": 7, "health": { "disk": { "ok": false, "trouble": "/var/lib/godwit is full" } },
            "feed": { "state": "waiting", "server": "10.0.0.7:14580", "login": "N0CALL", "last_error": "refused by 10.0.0.7" },
            "packets": { "stored": 3, "secret": 4 },
            "live": { "latency_ms": { "p50": null, "buckets": [{ "le": 5, "count": 1, "x": 1 }, { "le": null, "count": 3 }] } },
            "queues": { "feed": { "depth": 1, "capacity": 2, "dropped": 3, "owner": "me" } },
            "jobs": [{ "name": "devices", "last_result": "https://10.0.0.9/x" }],
            "cluster": { "role": "cut_off", "replica": "host-1", "token": 4, "ring": null, "spool": { "packets": 9, "trouble": "/data" },
                "database": { "trouble": "10.0.0.8:5432" } },
        });
        assert_eq!(
            picked(&status),
            json!({
                "version": "1", "entities": 7, "feed": { "state": "waiting" }, "packets": { "stored": 3 },
                "live": { "latency_ms": { "p50": null, "buckets": [{ "le": 5, "count": 1 }, { "le": null, "count": 3 }] } },
                "queues": { "feed": { "depth": 1, "capacity": 2, "dropped": 3 } },
                "cluster": { "role": "cut_off", "spool": { "packets": 9 } },
            })
        );
        // A part that becomes a text, or a whole, is not shown by accident.
        assert_eq!(
            picked(&json!({ "feed": "10.0.0.7", "version": { "host": "x" }, "queues": { "a": "10.0.0.7" } })),
            json!({ "queues": null })
        );
    }
}
