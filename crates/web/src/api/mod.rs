//! `/api/v1`: JSON for programs (docs/api.md).

pub(crate) mod heard;
pub(crate) mod packets;
pub(crate) mod routes;
pub(crate) mod search;
pub(crate) mod stations;
pub(crate) mod status;
pub(crate) mod telemetry;
pub(crate) mod track;
pub(crate) mod weather;

use axum::http::Uri;
use jiff::{Timestamp, tz::TimeZone};

use crate::error::ApiError;

/// Any other path below `/api/`.
pub(crate) async fn nothing(uri: Uri) -> ApiError {
    ApiError::not_found(format!("There is no {}; see docs/api.md.", uri.path().chars().take(100).collect::<String>()))
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(us: i64) -> String {
    Timestamp::from_microsecond(us).map(|at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()).unwrap_or_default()
}

/// A time parameter, microseconds since 1970.
pub(crate) fn time(name: &str, value: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    // In a query a plus sign means a blank.
    let text = value.trim().replace(' ', "+");
    text.parse::<Timestamp>().map(|at| Some(at.as_microsecond())).map_err(|_| {
        ApiError::bad_request(format!("{name} = \"{}\" is not a time; give RFC 3339 such as 2026-11-23T10:15:00Z", shown(value)))
    })
}

/// Longest time that a series may span: what the pages show, 31 days, and a little.
const MOST_SPAN_US: i64 = 32 * 86_400_000_000;

/// The time that a series is asked for: the day before `until` without `since`, up to now without `until`.
pub(crate) fn span(since: Option<&str>, until: Option<&str>, now_us: i64) -> Result<(i64, i64), ApiError> {
    let until_us = time("until", until)?.unwrap_or(now_us);
    let since_us = time("since", since)?.unwrap_or(until_us.saturating_sub(86_400_000_000));
    if until_us.saturating_sub(since_us) > MOST_SPAN_US {
        return Err(ApiError::bad_request("from since to until is more than 32 days; ask for less at once"));
    }
    Ok((since_us, until_us))
}

/// A limit parameter.
pub(crate) fn limit(value: Option<&str>, default: usize, most: usize) -> Result<usize, ApiError> {
    let Some(value) = value else {
        return Ok(default);
    };
    value
        .parse()
        .ok()
        .filter(|limit| (1..=most).contains(limit))
        .ok_or_else(|| ApiError::bad_request(format!("limit = \"{}\" is not a number from 1 to {most}", shown(value))))
}

/// A value as a message may repeat it.
pub(crate) fn shown(value: &str) -> String {
    value.chars().take(60).flat_map(char::escape_debug).collect()
}
