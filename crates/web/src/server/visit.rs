//! One connection's requests: what is refused before a handler sees it, who asks, and what an answer holds.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Json, Router,
    body::{Body, HttpBody as _},
    extract::{ConnectInfo, Request},
    http::{HeaderValue, Response, StatusCode, Version, header},
    response::IntoResponse,
};
use godwit_live::limit::one_client;
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::timeout;
use tower_service::Service as _;

use super::{Server, answer::Answer, bounds::Place, count, io::Progress};
use crate::live::TILE_TYPE;

/// Shorter answers are not counted.
const COUNTED_BYTES: u64 = 4096;

/// What an answer of unknown length counts: about as much as a connection holds of it at a time.
const STREAM_BYTES: u64 = 262_144;

/// An extension of a response: its bytes are shared by all who get them, so they do not count for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared;

/// Who asks: an extension of every request.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The client: the peer, or whom a trusted proxy names.
    pub(crate) address: IpAddr,
    /// A program of this machine, which may do as it likes.
    pub(crate) local: bool,
    server: Arc<Server>,
}

impl Client {
    /// A place for a viewer, held as long as it is connected; `None` within if it needs none.
    ///
    /// # Errors
    /// This client has as many viewers as one may have.
    pub(crate) fn viewer(&self) -> Result<Option<Place>, ()> {
        if self.local {
            return Ok(None);
        }
        match self.server.viewers.take(one_client(self.address)) {
            Some(place) => Ok(Some(place)),
            None => {
                count(&self.server.counters.refused_viewers);
                Err(())
            }
        }
    }
}

/// A connection, as far as its requests need to know it.
pub(super) struct Visit {
    server: Arc<Server>,
    peer: SocketAddr,
    /// The peer is a proxy that is believed about who asks.
    is_proxy: bool,
    progress: Arc<Progress>,
    router: Router,
}

impl Visit {
    pub(super) fn new(server: Arc<Server>, peer: SocketAddr, progress: Arc<Progress>, router: Router) -> Self {
        let is_proxy = server.proxies.contain(peer.ip().to_canonical());
        Self { server, peer, is_proxy, progress, router }
    }

    /// Answers one request.
    pub(super) async fn answer(self: Arc<Self>, request: hyper::Request<Incoming>) -> Result<Response<Answer>, Infallible> {
        self.progress.asked();
        let (response, place) = match self.admit(&request) {
            Ok((client, place)) => (self.ask(request, client).await, place),
            Err(refused) => (*refused, None),
        };
        Ok(self.hold(response, place))
    }

    /// Who asks, and the place it takes if a proxy asks for it; or the refusal.
    fn admit(&self, request: &hyper::Request<Incoming>) -> Result<(Client, Option<Place>), Box<Response<Body>>> {
        let counters = &self.server.counters;
        let headers = request.headers();
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        // RFC 9112, section 3.2.
        if hosts.next().is_some() || (host.is_none() && request.version() != Version::HTTP_10) {
            count(&counters.refused_host);
            return Err(refusal(StatusCode::BAD_REQUEST, "bad_request", "A request has one Host header.").into());
        }
        // No route reads a body, and none is read to be thrown away.
        if !request.body().is_end_stream() {
            count(&counters.refused_body);
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "bad_request", "Requests have no body here.").into());
        }
        let peer = self.peer.ip().to_canonical();
        let forwarded = ["x-forwarded-for", "forwarded", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        if self.is_proxy && !forwarded {
            self.tell_of_silent_proxy(peer, host);
        }
        let address = if self.is_proxy { self.server.proxies.client(peer, headers) } else { peer };
        let local = peer.is_loopback() && !forwarded;
        let place = if address == peer { None } else { self.server.connections.take(one_client(address)) };
        if address != peer && place.is_none() {
            count(&counters.refused_client);
            return Err(refusal(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests of this address at once.").into());
        }
        Ok((Client { address, local, server: self.server.clone() }, place))
    }

    /// A proxy that does not say who asks makes all its clients one (or, on this machine, unlimited). Programs that are no
    /// proxies ask for an address or for localhost.
    fn tell_of_silent_proxy(&self, peer: IpAddr, host: Option<&HeaderValue>) {
        let name = host.and_then(|host| host.to_str().ok()).filter(|host| !is_of_this_machine(host));
        if let Some(name) = name
            && !self.server.told_silent_proxy.swap(true, Ordering::Relaxed)
        {
            let what = if peer.is_loopback() { "is not limited at all" } else { "counts as one client" };
            tracing::warn!(
                "{peer} is in trusted-proxies and asked for {name:?} without X-Forwarded-For, so all that comes through it {what}: \
                 let it set that header (docs/operating.md, \"Behind a web server\"), or take it out of trusted-proxies"
            );
        }
    }

    async fn ask(&self, request: hyper::Request<Incoming>, client: Client) -> Response<Body> {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(client);
        match timeout(self.server.timing.answer, self.router.clone().call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                count(&self.server.counters.late);
                refusal(StatusCode::SERVICE_UNAVAILABLE, "busy", "This took too long. Try again in a few seconds.")
            }
        }
    }

    /// The response with what it holds while it is written; refused if there is no room for its bytes.
    fn hold(self: Arc<Self>, mut response: Response<Body>, place: Option<Place>) -> Response<Answer> {
        let bytes = response.body().size_hint().exact().unwrap_or(STREAM_BYTES);
        let shared = || {
            response.extensions().get::<Shared>().is_some()
                || response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == TILE_TYPE)
        };
        let mut taken = None;
        if bytes > COUNTED_BYTES && !shared() {
            taken = self.server.answers.take(bytes).map(Arc::new);
            if taken.is_none() {
                count(&self.server.counters.refused_memory);
                response = refusal(StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many long answers at once. Try again in a few seconds.");
            }
        }
        response.map(|body| Answer { body, bytes: taken, _place: place, progress: self.progress.clone() })
    }
}

/// A short answer instead of the one that was asked for; the connection ends with it.
fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let mut response = (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// Whether a Host is an address or localhost, with or without a port.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_of_this_machine;

    #[test]
    fn names_of_sites_are_told_from_addresses() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "10.1.2.3:80", "[::1]", "[2001:db8::1]:8080"] {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in ["aprs.example", "aprs.example:443", "localhost.example", ""] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }
}
