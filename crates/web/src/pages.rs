//! The page and its files, and the two questions that a supervisor asks.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use serde_json::Value;

use crate::{SiteState, embed};

/// First words of paths of two elements that are pages; `front/src/pages/address.ts` has the same.
const PAGES_OF_A_NAME: [&str; 3] = ["packets", "info", "weather"];

/// Whether the front-end answers this path (without the leading slash): the map, a page, a page about a name, or a
/// callsign. Names may hold anything; a slash in them comes as `%2F`.
fn is_page(path: &str) -> bool {
    match path.strip_suffix('/').unwrap_or(path).split_once('/') {
        Some((page, name)) => PAGES_OF_A_NAME.contains(&page) && !name.contains('/'),
        None => !path.contains('.'),
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
        _ => (StatusCode::NOT_FOUND, "There is nothing here.").into_response(),
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

/// `GET /readyz`: it is ready to be sent visitors; the details as JSON either way.
pub(crate) async fn readyz(State(site): SiteState) -> Response<Body> {
    let (ready, details) = (site.ready)();
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
        ] {
            assert!(is_page(path), "{path}");
        }
        for path in ["favicon.ico", "a/b", "about/x", "packets/a/b", "assets/x", "api/v2", "../etc/passwd", "info//x"] {
            assert!(!is_page(path), "{path}");
        }
    }
}
