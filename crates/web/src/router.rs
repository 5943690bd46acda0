//! Every route, in one list.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{Site, api, basemap, error::ApiError, history, limit, live, metrics, pages};

/// The site.
pub fn router(site: Arc<Site>) -> Router {
    let routes = Router::new()
        .route("/api/v1/stations", get(api::stations::list))
        .route("/api/v1/stations/near", get(api::search::near))
        .route("/api/v1/stations/{name}", get(api::stations::one))
        .route("/api/v1/stations/{name}/track", get(api::track::track))
        .route("/api/v1/stations/{name}/weather", get(api::weather::weather))
        .route("/api/v1/stations/{name}/telemetry", get(api::telemetry::telemetry))
        .route("/api/v1/stations/{name}/heard", get(api::heard::heard))
        .route("/api/v1/packets/hours", get(api::heard::hours))
        .route("/api/v1/packets", get(api::packets::list))
        .route("/api/v1/packets/{id}", get(api::packets::one))
        .route("/api/v1/search", get(api::search::search))
        .route("/api/v1/status", get(api::status::status))
        .route("/api/v1", get(api::routes::list))
        .route("/api/{*rest}", get(api::nothing))
        .route("/live/v1/ws", get(live::socket))
        .route("/live/v1/tiles/{level}/{x}/{y}", get(live::tile))
        .route("/live/v1/page.json", get(pages::page))
        .route("/history/v1/range", get(history::range))
        .route("/history/v1/{level}/{x}/{y}/{block}", get(history::whole))
        .route("/history/v1/{level}/{x}/{y}/{block}/{part}", get(history::part))
        .route("/basemap/{z}/{x}/{y}", get(basemap::tile))
        .route("/basemap/file/{z}/{x}/{y}", get(basemap::file_tile))
        .route("/livez", get(pages::livez))
        .route("/readyz", get(pages::readyz))
        .fallback(pages::asset);
    guarded(site, routes)
}

/// What operators alone are shown; merged into the site where they ask.
pub fn operators(site: Arc<Site>) -> Router {
    guarded(site, Router::new().route("/metrics", get(metrics::metrics)))
}

/// Routes as those of the site: limited, and with its headers.
pub fn guarded(site: Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    let policy = policy(&site.image_hosts);
    routes.layer(middleware::from_fn_with_state((site.clone(), policy), guard)).with_state(site)
}

/// Nothing from elsewhere runs, nothing inline; images come from the hosts that were configured, too.
fn policy(image_hosts: &str) -> Option<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:{image_hosts}; font-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
}

/// Refuses who asks too often. Headers of every answer: no guessing of types; of documents the policy and no framing.
async fn guard(State((site, policy)): State<(Arc<Site>, Option<HeaderValue>)>, request: Request, next: Next) -> Response {
    let mut response = match limit::ask(&site, limit::asking(&request)).await {
        Err(refused) => *refused,
        Ok(allowed) => {
            // A panic costs this one answer, not the connection or the process.
            let answered = site.panics.of_handler(next.run(request)).await;
            let mut response = answered.unwrap_or_else(|| ApiError::internal().into_response());
            limit::settle(&site, allowed, &mut response).await;
            response
        }
    };
    // Whoever has the answer has its headers (RFC 9110, section 15.4.5).
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Tiles are no documents and run nothing. With more than six headers their map is made twice.
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == live::TILE_TYPE) {
        return response;
    }
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}
