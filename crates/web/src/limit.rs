//! Who asks, and how much one client may ask.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use godwit_live::limit::{Left, Limiter, Rate, Verdict};

use crate::{Site, cost::Cost, error::ApiError, server::Client};

/// Addresses that are believed about who asks through them.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<(IpAddr, u8)>);

impl FromStr for Proxies {
    type Err = String;

    /// Reads addresses and networks with commas between: `127.0.0.1, 10.0.0.0/8, ::1`.
    ///
    /// # Errors
    /// Which of them is neither.
    fn from_str(text: &str) -> Result<Self, String> {
        let one = |text: &str| {
            let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
            let address: IpAddr = address.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
            (bits <= most).then_some((address, bits))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| one(part).ok_or_else(|| format!("{part} is no address or network"))).collect::<Result<_, _>>().map(Self)
    }
}

impl Proxies {
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, bits)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (u32::from(*network) ^ u32::from(address)).checked_shr(32 - u32::from(*bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (u128::from(*network) ^ u128::from(address)).checked_shr(128 - u32::from(*bits)).unwrap_or(0) == 0
            }
            _ => false,
        })
    }

    /// Who asks: the peer, or what the last proxy that we believe says who asked it.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
        for address in said.iter().rev() {
            if !self.contain(client) {
                break;
            }
            // With a port, as some write it.
            let address = address.trim();
            let parsed = address.parse().or_else(|_| address.parse::<SocketAddr>().map(|socket| socket.ip()));
            let Ok(address) = parsed else { break };
            client = IpAddr::to_canonical(&address);
        }
        client
    }
}

/// The limits of a site on what one client may ask.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Of the API and the past; an expensive answer takes more than one unit. On all replicas together with Redis.
    pub limiter: Arc<Limiter>,
    /// Of all else, which is cheap: tiles, the page and its files, WebSocket handshakes. On this replica.
    pub light: Arc<Limiter>,
}

impl Limit {
    /// The light limit is so many times the other one: a map that is opened asks for many files and tiles at once, and
    /// several people may look at it from one address.
    pub const LIGHT: u32 = 20;
}

/// What is limited by cost, and says so in its headers.
const LIMITED: [&str; 2] = ["/api/", "/history/"];

/// A request of a client that is limited.
pub(crate) struct Asking {
    client: IpAddr,
    by_cost: bool,
}

/// A request that was let through.
pub(crate) struct Allowed {
    client: IpAddr,
    left: Left,
}

/// Who asks, if that is somebody limited: programs of this machine may ask as often as they like.
pub(crate) fn asking(request: &Request) -> Option<Asking> {
    let client = request.extensions().get::<Client>().filter(|client| !client.local)?;
    let by_cost = LIMITED.iter().any(|start| request.uri().path().starts_with(start));
    Some(Asking { client: client.address, by_cost })
}

/// Takes one unit for a request. `None` within: its answer costs no more.
///
/// # Errors
/// The answer to a client that asks too often: 429 with `Retry-After`.
pub(crate) async fn ask(site: &Site, asking: Option<Asking>) -> Result<Option<Allowed>, Box<Response>> {
    let (Some(limit), Some(Asking { client, by_cost })) = (&site.limit, asking) else { return Ok(None) };
    let limiter = if by_cost { &limit.limiter } else { &limit.light };
    match limiter.ask(client, (site.clock)()).await {
        Verdict::Allowed(left) => Ok(by_cost.then_some(Allowed { client, left })),
        Verdict::Wait(wait) => {
            let mut refused = ApiError::too_many(wait).into_response();
            if by_cost {
                say(limiter.rate(), Left { units: 0, full_in: wait }, refused.headers_mut());
            }
            Err(Box::new(refused))
        }
    }
}

/// Takes what the answer cost beyond the one unit, and says what is left.
pub(crate) async fn settle(site: &Site, allowed: Option<Allowed>, response: &mut Response) {
    let (Some(limit), Some(Allowed { client, mut left })) = (&site.limit, allowed) else { return };
    if let Some(Cost(units)) = response.extensions().get().copied()
        && units > 1
    {
        left = limit.limiter.charge(client, units - 1, (site.clock)()).await;
    }
    say(limit.limiter.rate(), left, response.headers_mut());
}

/// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): the units of a full bucket, the seconds in
/// which it fills, the units that are left, the seconds until it is full.
fn say(rate: Rate, left: Left, headers: &mut HeaderMap) {
    let seconds = |time: Duration| time.as_micros().div_ceil(1_000_000);
    let policy = format!("\"default\";q={};w={}", rate.burst, seconds(rate.fill()).max(1));
    let now = format!("\"default\";r={};t={}", left.units, seconds(left.full_in));
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", now)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header"));
        }
        proxies.parse::<Proxies>().expect("proxies").client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn only_proxies_that_we_know_are_believed() {
        assert_eq!(client("", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "anybody can write a header");
        assert_eq!(client("192.0.2.0/24", "192.0.2.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("192.0.2.0/24", "::ffff:192.0.2.1", &["203.0.113.9:1234"]), "203.0.113.9");
        assert_eq!(client("192.0.2.1", "192.0.2.1", &["10.0.0.1, 203.0.113.9"]), "203.0.113.9", "what the client wrote itself comes first");
        assert_eq!(client("192.0.2.1,10.0.0.0/8", "192.0.2.1", &["198.51.100.7", "203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(client("::1,fd00::/8", "::1", &["2001:db8::1, fd00::7"]), "2001:db8::1");
        assert_eq!(client("192.0.2.1", "192.0.2.1", &["unknown"]), "192.0.2.1");
        assert_eq!(client("0.0.0.0/0", "192.0.2.1", &["1.2.3.4, 5.6.7.8"]), "1.2.3.4");
        for wrong in ["192.0.2.0/33", "::/129", "host", "1.2.3", "192.0.2.0/x"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
    }
}
