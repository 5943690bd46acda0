//! What an API request is told when it fails: a status, a stable code, a sentence.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use godwit_flow::Repeated;
use serde::de::DeserializeOwned;
use serde_json::json;

/// An error answer, `{"error":{"code","message"}}`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// When asking again may help, seconds.
    retry_after_s: Option<u64>,
}

/// When the store may answer again, or a rush is over.
const MOMENT_S: u64 = 5;

impl ApiError {
    /// 400: a parameter is wrong; the message names it, its value and what is allowed.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "bad_request", message: message.into(), retry_after_s: None }
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "not_found", message: message.into(), retry_after_s: None }
    }

    /// 405: everything here is read only.
    pub(crate) fn method() -> Self {
        let message = "Only GET and HEAD are answered here.".to_owned();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: "method_not_allowed", message, retry_after_s: None }
    }

    /// 503: too much is going on; try again.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "busy", message: message.into(), retry_after_s: Some(MOMENT_S) }
    }

    /// 500: the handler panicked; the log has the place.
    pub(crate) fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            message: "This request met a fault in the server. It is counted and logged there.".to_owned(),
            retry_after_s: None,
        }
    }

    /// 429: this client asks too often.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            message: format!("Too many requests from this address. Ask again in {seconds} s."),
            retry_after_s: u64::try_from(seconds).ok(),
        }
    }
}

/// The store cannot answer now: 503, try again. What went wrong is for the operator's log, not for the client.
impl From<godwit_store::StoreError> for ApiError {
    fn from(error: godwit_store::StoreError) -> Self {
        static LINES: Repeated = Repeated::new(Duration::from_secs(60));
        if let Some(unsaid) = LINES.failed(Instant::now()) {
            tracing::warn!(%error, requests_since_the_last_line = unsaid, "the store did not answer a request");
        }
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "store_unavailable",
            message: "The archive cannot answer at the moment; the live map goes on. Try again in a few seconds.".to_owned(),
            retry_after_s: Some(MOMENT_S),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": { "code": self.code, "message": self.message } }));
        let mut response = (self.status, body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The parameters of a path; one that cannot be read is told of as every other error is, not in axum's own words.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(parameters)| Self(parameters)).map_err(|wrong| ApiError::bad_request(wrong.body_text()))
    }
}

/// The parameters of a query, with errors as [`PathOf`] has them: one given twice, or not UTF-8.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(parameters)| Self(parameters)).map_err(|wrong| ApiError::bad_request(wrong.body_text()))
    }
}
