//! Every route, in one list.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};

use crate::{Site, api, basemap, history, live, pages};

/// The site.
pub fn router(site: Site) -> Router {
    Router::new()
        .route("/api/v1/stations", get(api::stations::list))
        .route("/api/v1/stations/near", get(api::search::near))
        .route("/api/v1/stations/{name}", get(api::stations::one))
        .route("/api/v1/stations/{name}/track", get(api::track::track))
        .route("/api/v1/packets", get(api::packets::list))
        .route("/api/v1/packets/{id}", get(api::packets::one))
        .route("/api/v1/search", get(api::search::search))
        .route("/api/v1/status", get(api::status::status))
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
        .fallback(pages::asset)
        .layer(middleware::from_fn_with_state(site.clone(), secure))
        .with_state(site)
}

/// Headers of every answer: nothing from elsewhere runs, nothing inline, no guessing of types, no framing.
async fn secure(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:{}; font-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        site.image_hosts
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}
