//! `/api/v1`: JSON for programs (docs/api.md).

pub(crate) mod packets;
pub(crate) mod search;
pub(crate) mod stations;
pub(crate) mod status;
pub(crate) mod track;

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
