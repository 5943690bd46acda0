//! How often one client may ask the API and the past; the live map has no such limit.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use godwit_live::limit::{Limiter, Verdict};

use crate::{Site, error::ApiError};

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
    fn contain(&self, address: IpAddr) -> bool {
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
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
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

/// The limit of a site.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Who counts.
    pub limiter: Arc<Limiter>,
    /// Who is believed about who asks.
    pub proxies: Proxies,
}

/// What is limited: the API and the past. A map that is opened asks for many files and tiles at once.
const LIMITED: [&str; 2] = ["/api/", "/history/"];

/// Who asks, if it is for something limited. Programs of this machine may ask as often as they like.
pub(crate) fn asking(site: &Site, request: &Request) -> Option<IpAddr> {
    let limit = site.limit.as_ref()?;
    if !LIMITED.iter().any(|start| request.uri().path().starts_with(start)) {
        return None;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
    Some(limit.proxies.client(peer, request.headers())).filter(|client| !client.is_loopback())
}

/// The answer to a client that asks too often: 429 with `Retry-After`.
pub(crate) async fn refused(site: &Site, client: IpAddr) -> Option<Response> {
    match site.limit.as_ref()?.limiter.ask(client, (site.clock)()).await {
        Verdict::Allowed => None,
        Verdict::Wait(wait) => Some(ApiError::too_many(wait).into_response()),
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
