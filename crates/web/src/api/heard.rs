//! `GET /api/v1/stations/{name}/heard`: who heard a station on radio, or whom it heard; and `GET /api/v1/packets/hours`:
//! how many packets came in each hour. Both are added up while packets are stored, and kept longer than they are.

use axum::extract::State;
use godwit_pipeline::EntityKind;
use godwit_store::{HeardLink, HeardSide, HourCounts};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, rfc3339, shown, span,
    stations::{keys, known, rounded, unknown},
};
use crate::{
    SiteState,
    answer::Answer,
    error::{ApiError, PathOf, QueryOf},
};

const DAY_US: i64 = 86_400_000_000;
/// Days that may be asked for: a year.
const MOST_DAYS: usize = 366;

#[derive(Deserialize)]
pub(crate) struct HeardQuery {
    side: Option<String>,
    days: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/{name}/heard?side=&days=&limit=`.
pub(crate) async fn heard(
    State(site): SiteState,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<HeardQuery>,
) -> Result<Answer, ApiError> {
    let (side, word) = match query.side.as_deref() {
        None | Some("heard_by") => (HeardSide::Of, "heard_by"),
        Some("heard") => (HeardSide::By, "heard"),
        Some(other) => return Err(ApiError::bad_request(format!("side = \"{}\" is neither heard_by nor heard", shown(other)))),
    };
    let days = match query.days.as_deref() {
        None => 30,
        Some(text) => text
            .parse()
            .ok()
            .filter(|days| (1..=MOST_DAYS).contains(days))
            .ok_or_else(|| ApiError::bad_request(format!("days = \"{}\" is not a number from 1 to {MOST_DAYS}", shown(text))))?,
    };
    let limit = limit(query.limit.as_deref(), 50, 1000)?;
    // Today is the last of these days.
    let since_us = (site.clock)().saturating_sub((i64::try_from(days).unwrap_or(1) - 1) * DAY_US);
    let keys = keys(&name, &[EntityKind::Station]);
    let answer = move |name: String, links: &[HeardLink], truncated: bool| {
        let answer = Answer::new().field("name", name).field("side", word).field("days", days);
        answer.list("stations", links.iter().map(link)).field("truncated", truncated)
    };
    let place = site.answers.heavy.enter().await?;
    for key in &keys {
        let mut links = site.store.heard(key.name, side, since_us, limit + 1).await?;
        if !links.is_empty() {
            let truncated = links.len() > limit;
            links.truncate(limit);
            let name = key.name.to_string();
            return place.run(move || answer(name, &links, truncated)).await;
        }
    }
    known(&site, &keys).await?.map(|key| answer(key.name.to_string(), &[], false)).ok_or_else(|| unknown(&name))
}

fn link(link: &HeardLink) -> Value {
    let day = rfc3339(link.last_day.saturating_mul(DAY_US));
    let mut object = json!({ "name": link.other.to_string(), "packets": link.packets, "last_day": day.get(..10).unwrap_or_default() });
    if let Some(metres) = link.longest_m {
        object["longest_km"] = rounded(f64::from(metres) / 1000.0, 1).into();
    }
    object
}

#[derive(Deserialize)]
pub(crate) struct HoursQuery {
    since: Option<String>,
    until: Option<String>,
}

/// `GET /api/v1/packets/hours?since=&until=`.
pub(crate) async fn hours(State(site): SiteState, QueryOf(query): QueryOf<HoursQuery>) -> Result<Answer, ApiError> {
    let (since_us, until_us) = span(query.since.as_deref(), query.until.as_deref(), (site.clock)())?;
    let hour = |hour: &HourCounts| {
        json!({
            "hour": rfc3339(hour.begins_us),
            "accepted": hour.accepted,
            "duplicate": hour.duplicate,
            "implausible": hour.implausible,
            "bad": hour.bad,
        })
    };
    let place = site.answers.heavy.enter().await?;
    let hours = site.store.hours(since_us, until_us).await?;
    place.run(move || Answer::new().list("hours", hours.iter().map(hour))).await
}
