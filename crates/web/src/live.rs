//! The live stream: one WebSocket a page (docs/protocol.md), and the same tiles over plain HTTP.
//!
//! After the handshake the connection is ours ([`viewer`]): tiles are encoded once, and a viewer's message is a list of
//! shared pieces that goes to the socket in one write (docs/adr/0002).

mod frames;
mod handshake;
mod viewer;

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use godwit_flow::Repeated;
use godwit_live::{TileAddress, TileAnswer};
use serde::Deserialize;

use crate::{
    SiteState, conditional,
    error::{ApiError, PathOf, QueryOf},
    server::Client,
};

/// How long viewers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct ViewerTiming {
    /// A viewer to which nothing can be written for so long is closed.
    pub patience: Duration,
    /// When the program ends, viewers are asked to go elsewhere, spread over this time.
    pub drain: Duration,
}

impl Default for ViewerTiming {
    /// 30 s and 4 s.
    fn default() -> Self {
        Self { patience: Duration::from_secs(30), drain: Duration::from_secs(4) }
    }
}

impl ViewerTiming {
    /// What a viewer has to get going after its delay is over, before it is closed.
    pub const GRACE: Duration = Duration::from_secs(2);
}

/// `GET /live/v1/ws`.
pub(crate) async fn socket(State(site): SiteState, mut request: Request) -> Response<Body> {
    let accept = match handshake::accept(request.headers()) {
        Ok(accept) => accept,
        Err(refused) => return refused.into_response(),
    };
    if !site.answers.origins.allow(request.headers()) {
        return foreign(request.headers());
    }
    let unavailable = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")], why).into_response();
    if site.stop.is_wanted() {
        return unavailable("this server is going away");
    }
    // One client must not take the places of all.
    let Ok(place) = request.extensions().get::<Client>().map_or(Ok(None), Client::viewer) else {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "30")], "too many viewers from this address").into_response();
    };
    let Some(viewer) = site.live.viewer() else {
        return unavailable("too many viewers at the moment");
    };
    let (upgrade, panics) = (hyper::upgrade::on(&mut request), site.panics.clone());
    tokio::spawn(async move { panics.of_viewer(viewer::serve(upgrade, (viewer, place), site)).await });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The answer to a page of another site. The log says once a minute how a web server in front is made known.
fn foreign(headers: &HeaderMap) -> Response<Body> {
    static LINES: Repeated = Repeated::new(Duration::from_secs(60));
    if let Some(unsaid) = LINES.failed(Instant::now()) {
        let of =
            |name| headers.get(name).map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
        tracing::warn!(
            origin = of(header::ORIGIN),
            host = of(header::HOST),
            requests_since_the_last_line = unsaid,
            "a page of another origin may not open a live stream; if it is this site, the web server in front must pass on Host, or name \
             the origin in allowed-origins"
        );
    }
    (StatusCode::FORBIDDEN, "pages of other sites may not open a live stream here").into_response()
}

#[derive(Deserialize)]
pub(crate) struct TileQuery {
    since: Option<String>,
}

/// What a tile is sent as.
pub(crate) const TILE_TYPE: &str = "application/octet-stream";

/// `GET /live/v1/tiles/{level}/{x}/{y}?since=EPOCH-SEQ`.
pub(crate) async fn tile(
    State(site): SiteState,
    PathOf((level, x, y)): PathOf<(u8, u16, u16)>,
    QueryOf(query): QueryOf<TileQuery>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let address = TileAddress::new(level, x, y).ok_or_else(|| ApiError::not_found(format!("There is no tile {level}/{x}/{y}.")))?;
    let since = match &query.since {
        Some(text) => Some(state(text).ok_or_else(|| ApiError::bad_request("since is EPOCH-SEQ, as an ETag gave it"))?),
        None => None,
    };
    let now_us = (site.clock)();
    // A tag names the state of the tile: with it alone a client asks whether the whole tile is still the one it has.
    let (status, tag, body) = match site.live.tile(address, since, now_us) {
        TileAnswer::Nothing(tag) => (StatusCode::NO_CONTENT, tag, Bytes::new()),
        TileAnswer::Full(message) if is_known(request.headers(), &message.tag) => (StatusCode::NOT_MODIFIED, message.tag, Bytes::new()),
        TileAnswer::Full(message) | TileAnswer::Deltas(message) => (StatusCode::OK, message.tag, message.body),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_maybe_shared(tag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control(level)));
    if status == StatusCode::OK {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TILE_TYPE));
    }
    Ok(response)
}

/// Fresh for as long as the level stands still (docs/protocol.md). A cache in front asks once for all who ask meanwhile,
/// and goes on for a while when this server is away.
fn cache_control(level: u8) -> &'static str {
    match level {
        0 => "public, max-age=5, stale-while-revalidate=10, stale-if-error=30",
        _ => "public, max-age=1, stale-while-revalidate=4, stale-if-error=30",
    }
}

/// `EPOCH-SEQ`, alone or as an `ETag`.
fn state(text: &str) -> Option<(u64, u32)> {
    let text = text.trim();
    let (epoch, seq) = text.strip_prefix("W/").unwrap_or(text).trim_matches('"').split_once('-')?;
    Some((u64::from_str_radix(epoch, 16).ok()?, seq.parse().ok()?))
}

/// Whether the client has the state of this tag.
fn is_known(headers: &HeaderMap, tag: &[u8]) -> bool {
    // Most clients of tiles send none, and a tag is not read for them.
    headers.contains_key(header::IF_NONE_MATCH) && {
        let now = std::str::from_utf8(tag).ok().and_then(state);
        conditional::known(headers, |known| now.is_some() && state(known) == now)
    }
}
