//! `GET /api/v1/stations/{name}/track`: where an entity was, from the archive.

use axum::extract::State;
use godwit_pipeline::EntityKey;
use godwit_store::TrackPoint;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, rfc3339,
    stations::{keys, kinds, known, rounded, unknown},
    time,
};
use crate::{
    SiteState,
    answer::Answer,
    error::{ApiError, PathOf, QueryOf},
};

/// What a track without `since` goes back: a day, in microseconds.
const DAY_US: i64 = 86_400_000_000;

#[derive(Deserialize)]
pub(crate) struct TrackQuery {
    kind: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/{name}/track?kind=&since=&until=&limit=`.
pub(crate) async fn track(
    State(site): SiteState,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<TrackQuery>,
) -> Result<Answer, ApiError> {
    let kinds = kinds(query.kind.as_deref())?;
    let until_us = time("until", query.until.as_deref())?.unwrap_or_else(|| (site.clock)());
    let since_us = time("since", query.since.as_deref())?.unwrap_or(until_us.saturating_sub(DAY_US));
    let limit = limit(query.limit.as_deref(), 1000, 10_000)?;
    let keys = keys(&name, kinds);
    let place = site.answers.heavy.enter().await?;
    for key in keys.iter().copied() {
        let mut points = site.store.track(key, since_us, until_us, limit + 1).await?;
        if !points.is_empty() {
            let truncated = points.len() > limit;
            points.truncate(limit);
            return place.run(move || answer(key, &points, truncated)).await;
        }
    }
    known(&site, &keys).await?.map(|key| answer(key, &[], false)).ok_or_else(|| unknown(&name))
}

fn answer(key: EntityKey, points: &[TrackPoint], truncated: bool) -> Answer {
    let answer = Answer::new().field("name", key.name.to_string()).field("kind", key.kind.as_str());
    answer.list("points", points.iter().map(point)).field("truncated", truncated)
}

fn point(point: &TrackPoint) -> Value {
    let mut object = json!({
        "id": point.id.to_string(),
        "received_at": rfc3339(point.received_at_us),
        "latitude": point.latitude,
        "longitude": point.longitude,
        "verdict": point.verdict,
    });
    let optional = [
        ("altitude_m", point.altitude_m.map(Value::from)),
        ("speed_kmh", point.speed_kmh.map(|speed| rounded(f64::from(speed), 1).into())),
        ("course_deg", point.course_deg.map(Value::from)),
        ("reason", point.reason.clone().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            object[name] = value;
        }
    }
    object
}
