//! The page and its files, and the two questions that a supervisor asks.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use serde_json::Value;

use crate::{Site, embed};

/// A file of the front-end; any other path of one element is a callsign, and the page itself.
pub(crate) async fn asset(uri: Uri, headers: HeaderMap) -> Response<Body> {
    let path = uri.path().trim_start_matches('/');
    if let Some(response) = embed::serve(path, &headers) {
        return response;
    }
    let page = path.is_empty() || (!path.contains('/') && !path.contains('.'));
    match embed::serve("index.html", &headers) {
        Some(response) if page => response,
        _ => (StatusCode::NOT_FOUND, "There is nothing here.").into_response(),
    }
}

/// `GET /live/v1/page.json`.
pub(crate) async fn page(State(site): State<Site>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-cache")], Json(Value::clone(&site.page)))
}

/// `GET /livez`: the process answers.
pub(crate) async fn livez() -> &'static str {
    "ok"
}

/// `GET /readyz`: it is ready to be sent visitors; the details as JSON either way.
pub(crate) async fn readyz(State(site): State<Site>) -> Response<Body> {
    let (ready, details) = (site.ready)();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(details)).into_response()
}
