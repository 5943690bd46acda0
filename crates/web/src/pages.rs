//! The page and its files, and the questions that a supervisor asks.

use std::sync::atomic::Ordering;

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use crate::{SiteState, api, embed, missing};

/// First words of paths of two elements that are pages; `front/src/pages/address.ts` has the same.
const PAGES_OF_A_NAME: [&str; 3] = ["packets", "info", "weather"];

/// Paths of one element that are neither pages nor callsigns: what programs look for, and words that are kept for pages to
/// come. In small letters, just so: `/MESSAGES` is a callsign.
const NO_NAMES: [&str; 15] = [
    "admin",
    "assets",
    "basemap",
    "embed",
    "health",
    "healthz",
    "history",
    "live",
    "login",
    "messages",
    "metrics",
    "ready",
    "stations",
    "stats",
    "telemetry",
];

/// Whether the front-end answers this path (without the leading slash): the map, a page, a page about a name, or a
/// callsign. Names may hold anything; a slash in them comes as `%2F`.
fn is_page(path: &str) -> bool {
    match path.strip_suffix('/').unwrap_or(path).split_once('/') {
        Some((page, name)) => PAGES_OF_A_NAME.contains(&page) && !name.contains('/'),
        None => !path.contains('.') && !NO_NAMES.contains(&path.trim_end_matches('/')),
    }
}

/// A file of the front-end; the page itself for all that it answers.
pub(crate) async fn asset(uri: Uri, headers: HeaderMap) -> Response<Body> {
    let path = uri.path().trim_start_matches('/');
    if let Some(response) = embed::serve(path, &headers) {
        return response;
    }
    match embed::serve("index.html", &headers) {
        Some(response) if is_page(path) => response,
        _ => missing::nothing(&headers),
    }
}

/// `GET /live/v1/page.json`.
pub(crate) async fn page(State(site): SiteState) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-cache")], Json(Value::clone(&site.page)))
}

/// `GET /livez`: 200 while the process answers and every task that must live does; else 500 with the task's name.
pub(crate) async fn livez(State(site): SiteState) -> Response<Body> {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match site.tasks.failed() {
        None => (headers, "ok").into_response(),
        Some(failure) => (StatusCode::INTERNAL_SERVER_ERROR, headers, format!("the task {} has failed", failure.task)).into_response(),
    }
}

/// `GET /startupz`: 200 once the live map was filled.
pub(crate) async fn startupz(State(site): SiteState) -> impl IntoResponse {
    let started = &site.answers.started;
    if (site.ready)().0 {
        started.store(true, Ordering::Relaxed);
    }
    let (status, text) =
        if started.load(Ordering::Relaxed) { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "starting") };
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}

/// `GET /robots.txt`: the map and its pages may be found; lists of packets and the API are endless.
pub(crate) async fn robots() -> impl IntoResponse {
    let text = "User-agent: *\nDisallow: /api/\nDisallow: /badpackets\nDisallow: /history/\nDisallow: /live/\nDisallow: /packets\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")], text)
}

/// `GET /readyz`, for anybody: whether it is ready to be sent visitors.
pub(crate) async fn readyz(State(site): SiteState) -> Response<Body> {
    let (ready, _) = (site.ready)();
    readiness(ready, json!({ "ready": ready }))
}

/// `GET /readyz`, for operators: why not, and the state of the cluster; with `?verbose` every part's.
pub(crate) async fn readyz_in_full(State(site): SiteState, RawQuery(query): RawQuery) -> Response<Body> {
    let (ready, mut details) = (site.ready)();
    let verbose = query.is_some_and(|query| query.split('&').any(|one| one == "verbose" || one.starts_with("verbose=")));
    if verbose {
        details["parts"] = api::status::health(&site.health);
    }
    readiness(ready, details)
}

fn readiness(ready: bool, details: Value) -> Response<Body> {
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(details)).into_response()
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn pages_are_told_from_files_and_from_nothing() {
        for path in [
            "",
            "N0CALL-9",
            "N0CALL-9/",
            "packets",
            "packets/",
            "packets/N0CALL-9",
            "info/A.B",
            "weather/%2F..%2Fetc",
            "api",
            "api/",
            "about",
            "MESSAGES",
            "healthzz",
        ] {
            assert!(is_page(path), "{path}");
        }
        for path in [
            "favicon.ico",
            "a/b",
            "about/x",
            "packets/a/b",
            "assets/x",
            "api/v2",
            "../etc/passwd",
            "info//x",
            "messages",
            "health/",
            ".well-known/x",
            "telemetry/OE1A",
        ] {
            assert!(!is_page(path), "{path}");
        }
    }
}
