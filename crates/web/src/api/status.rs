//! `GET /api/v1/status`: what the program is doing.

use axum::{Json, extract::State};
use serde_json::Value;

use crate::{Site, error::ApiError};

/// `GET /api/v1/status`.
pub(crate) async fn status(State(site): State<Site>) -> Result<Json<Value>, ApiError> {
    let figures = site.live.figures();
    let mut status = (site.status)();
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["entities"] = figures.entities.into();
    status["viewers"] = figures.viewers.into();
    status["engine"] = site.store.engine().into();
    Ok(Json(status))
}
