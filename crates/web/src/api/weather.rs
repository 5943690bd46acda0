//! `GET /api/v1/stations/{name}/weather`: the weather that an entity sent, from the archive.

use axum::extract::State;
use godwit_pipeline::EntityKey;
use godwit_store::{Store, WeatherPoint};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, rfc3339, shown, span,
    stations::{keys, kinds, known, unknown},
};
use crate::{
    SiteState,
    answer::Answer,
    error::{ApiError, PathOf, QueryOf},
    heavy::Place,
};

/// Reports read at once, and by one request: a month of one a minute.
const READ_AT_ONCE: usize = 10_000;
const MOST_READ: usize = 50_000;
/// Longest step: a day.
const MOST_EVERY_S: i64 = 86_400;

#[derive(Deserialize)]
pub(crate) struct WeatherQuery {
    kind: Option<String>,
    since: Option<String>,
    until: Option<String>,
    every: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/{name}/weather?kind=&since=&until=&every=&limit=`.
pub(crate) async fn weather(
    State(site): SiteState,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<WeatherQuery>,
) -> Result<Answer, ApiError> {
    let keys = keys(&name, kinds(query.kind.as_deref())?);
    let (since_us, until_us) = span(query.since.as_deref(), query.until.as_deref(), (site.clock)())?;
    let every_us = every(query.every.as_deref())?;
    let limit = limit(query.limit.as_deref(), 1000, 10_000)?;
    let place = site.answers.heavy.enter().await?;
    for key in keys.iter().copied() {
        let series = read(&*site.store, &place, key, (since_us, until_us), every_us, limit).await?;
        if !series.reports.is_empty() {
            return place.run(move || answer(key, &series)).await;
        }
    }
    known(&site, &keys).await?.map(|key| answer(key, &Series::default())).ok_or_else(|| unknown(&name))
}

/// Seconds, of which one report is left.
fn every(value: Option<&str>) -> Result<i64, ApiError> {
    let Some(value) = value else { return Ok(0) };
    value
        .parse()
        .ok()
        .filter(|seconds| (1..=MOST_EVERY_S).contains(seconds))
        .map(|seconds: i64| seconds * 1_000_000)
        .ok_or_else(|| ApiError::bad_request(format!("every = \"{}\" is not a number of seconds from 1 to {MOST_EVERY_S}", shown(value))))
}

/// Reports, oldest first.
#[derive(Debug, Default)]
struct Series {
    reports: Vec<WeatherPoint>,
    /// There are more.
    truncated: bool,
    /// Reports that were read and thinned out.
    thinned: usize,
}

async fn read(
    store: &dyn Store,
    place: &Place,
    key: EntityKey,
    (mut since_us, until_us): (i64, i64),
    every_us: i64,
    limit: usize,
) -> Result<Series, ApiError> {
    let mut kept: Vec<WeatherPoint> = Vec::new();
    let (mut left, mut read) = (MOST_READ, 0);
    loop {
        let most = if every_us == 0 { limit + 1 } else { READ_AT_ONCE.min(left) };
        let reports = store.weather(key, since_us, until_us, most).await?;
        read += reports.len();
        left = left.saturating_sub(reports.len());
        let all = reports.len() < most;
        since_us = reports.last().map_or(until_us, |last| last.received_at_us + 1);
        let thinning = move || {
            for report in reports {
                thin(&mut kept, report, every_us);
                if kept.len() > limit {
                    break;
                }
            }
            kept
        };
        kept = place.run(thinning).await?;
        let more = kept.len() > limit;
        if more || all || left == 0 {
            kept.truncate(limit);
            return Ok(Series { thinned: read - kept.len(), reports: kept, truncated: more || !all });
        }
    }
}

/// Adds a report. Of those of one step the last is left, with the strongest gust of them all.
fn thin(kept: &mut Vec<WeatherPoint>, report: WeatherPoint, every_us: i64) {
    match kept.last_mut() {
        Some(last) if every_us > 0 && last.received_at_us.div_euclid(every_us) == report.received_at_us.div_euclid(every_us) => {
            let gust = [last.wind_gust_ms, report.wind_gust_ms].into_iter().flatten().reduce(f64::max);
            *last = WeatherPoint { wind_gust_ms: gust, ..report };
        }
        _ => kept.push(report),
    }
}

fn answer(key: EntityKey, series: &Series) -> Answer {
    let answer = Answer::new().field("name", key.name.to_string()).field("kind", key.kind.as_str());
    answer.list("reports", series.reports.iter().map(object)).field("truncated", series.truncated).read(series.thinned)
}

fn object(report: &WeatherPoint) -> Value {
    let mut object = json!({ "id": report.id.to_string(), "received_at": rfc3339(report.received_at_us) });
    for (name, value) in report.readings() {
        object[name] = value.into();
    }
    object
}

#[cfg(test)]
mod tests {
    use super::{WeatherPoint, every, thin};

    #[test]
    fn of_a_step_the_last_report_stays_with_the_strongest_gust() {
        let report = |s: i64, temperature: f64, gust: Option<f64>| WeatherPoint {
            received_at_us: s * 1_000_000,
            temperature_c: Some(temperature),
            wind_gust_ms: gust,
            ..WeatherPoint::default()
        };
        let reports = [
            report(0, 1.0, Some(3.0)),
            report(30, 2.0, Some(9.0)),
            report(59, 3.0, None),
            report(60, 4.0, None),
            report(119, 5.0, Some(1.0)),
        ];
        let thinned = |every_s: i64| {
            let mut kept = Vec::new();
            reports.iter().for_each(|report| thin(&mut kept, *report, every_s * 1_000_000));
            kept.iter().map(|report| (report.temperature_c, report.wind_gust_ms)).collect::<Vec<_>>()
        };
        assert_eq!(thinned(60), [(Some(3.0), Some(9.0)), (Some(5.0), Some(1.0))]);
        assert_eq!(thinned(0).len(), 5);
        assert_eq!(thinned(86_400), [(Some(5.0), Some(9.0))]);
    }

    #[test]
    fn steps_are_checked() {
        assert!(matches!((every(None), every(Some("60"))), (Ok(0), Ok(60_000_000))));
        for text in ["0", "-1", "86401", "x", "", "1.5", "99999999999999999999"] {
            assert!(every(Some(text)).is_err(), "{text}");
        }
    }
}
