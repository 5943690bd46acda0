//! Every route, in one list.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{Audience, Site, api, basemap, error::ApiError, history, limit, live, metrics, missing, pages};

/// The site, as this audience is shown it.
pub fn router(site: Arc<Site>, audience: Audience) -> Router {
    let (status, ready) = match audience {
        Audience::Public => (get(api::status::public), get(pages::readyz)),
        Audience::Operators => (get(api::status::status), get(pages::readyz_in_full)),
    };
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
        .route("/api/v1/status", status)
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
        .route("/readyz", ready)
        .route("/startupz", get(pages::startupz))
        .route("/robots.txt", get(pages::robots))
        .route("/404.css", get(missing::style))
        .fallback(pages::asset);
    guarded(site, routes)
}

/// What operators alone are shown; merged into the site where they ask.
pub fn operators(site: Arc<Site>) -> Router {
    guarded(site, Router::new().route("/metrics", get(metrics::metrics)))
}

/// Routes as those of the site: limited, read only, and with its headers.
pub fn guarded(site: Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    let fixed = Fixed::of(&site);
    routes.layer(middleware::from_fn_with_state((site.clone(), Arc::new(fixed)), guard)).with_state(site)
}

/// Headers that are the same for all documents.
struct Fixed {
    policy: Option<HeaderValue>,
    hsts: Option<HeaderValue>,
}

impl Fixed {
    fn of(site: &Site) -> Self {
        let seconds = site.answers.hsts_seconds;
        let hsts = (seconds > 0).then(|| HeaderValue::try_from(format!("max-age={seconds}")).ok()).flatten();
        Self { policy: policy(&site.image_hosts), hsts }
    }
}

/// Nothing from elsewhere runs, nothing inline; images come from the hosts that were configured, too.
fn policy(image_hosts: &str) -> Option<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:{image_hosts}; font-src 'self'; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
}

/// What the page uses of a browser, and what it never does.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(self), gyroscope=(), magnetometer=(), \
                           microphone=(), midi=(), payment=(), usb=()";

/// Refuses who asks too often or wants to do more than read, and adds the headers that answers have in common.
async fn guard(State((site, fixed)): State<(Arc<Site>, Arc<Fixed>)>, request: Request, next: Next) -> Response {
    let of_api = request.uri().path().starts_with("/api/");
    let method = request.method();
    let mut response = if of_api && method == Method::OPTIONS {
        preflight()
    } else if method != Method::GET && method != Method::HEAD {
        ([(header::ALLOW, if of_api { "GET, HEAD, OPTIONS" } else { "GET, HEAD" })], ApiError::method()).into_response()
    } else {
        match limit::ask(&site, limit::asking(&request)).await {
            Err(refused) => *refused,
            Ok(allowed) => {
                // A panic costs this one answer, not the connection or the process.
                let answered = site.panics.of_handler(next.run(request)).await;
                let mut response = answered.unwrap_or_else(|| ApiError::internal().into_response());
                limit::settle(&site, allowed, &mut response).await;
                response
            }
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    if of_api {
        readable_by_all(headers);
    }
    // Whoever has the answer has its other headers (RFC 9110, section 15.4.5).
    if status == StatusCode::NOT_MODIFIED {
        return response;
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Tiles are no documents and run nothing. With more than six headers their map is made twice.
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == live::TILE_TYPE) {
        return response;
    }
    // A client that is turned away does not keep a place, also if it reads nothing.
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if status.is_client_error() || status.is_server_error() {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    } else if of_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    }
    if let Some(policy) = &fixed.policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    if let Some(hsts) = &fixed.hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    let shared = HeaderValue::from_static(if of_api { "cross-origin" } else { "same-origin" });
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), shared);
    response
}

/// The answer to a browser that asks whether a page of another site may read the API (CORS): it may, and need not ask
/// again for a day.
fn preflight() -> Response {
    let headers = [
        (header::ALLOW, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "accept, content-type, if-none-match"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Pages of every site may read an answer; nothing that identifies anybody goes with a request.
fn readable_by_all(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, ratelimit, ratelimit-policy, retry-after"));
}
