//! Requests that go out: to which addresses they may go.
//!
//! The operator gives a URL. A host that it names must resolve to public addresses: neither a name that turns to an address
//! of the network inside, nor a redirect, makes this program ask there. An address that the URL itself has is what the
//! operator means, except link-local ones, where clouds keep the credentials of machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Reads a URL to fetch from: over HTTPS, or HTTP of this machine.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(text: &str) -> Result<Url, String> {
    if text.len() > 500 {
        return Err("is over 500 bytes".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is not a web address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user before the host".to_owned());
    }
    match (url.scheme(), host_of(&url).ok_or("has no host")?) {
        (_, Named::Address(address)) if !may_be_meant(address) => Err(format!("is at {address}, where nothing is fetched from")),
        ("https", _) | ("http", Named::ThisMachine) => Ok(url),
        ("http", Named::Address(address)) if address.is_loopback() => Ok(url),
        _ => Err("is not an address over HTTPS".to_owned()),
    }
}

/// What a URL says of its host.
enum Named {
    /// `localhost`.
    ThisMachine,
    Address(IpAddr),
    Other,
}

fn host_of(url: &Url) -> Option<Named> {
    Some(match url.host()? {
        Host::Domain("localhost") => Named::ThisMachine,
        Host::Domain(_) => Named::Other,
        Host::Ipv4(address) => Named::Address(address.into()),
        Host::Ipv6(address) => Named::Address(IpAddr::V6(address).to_canonical()),
    })
}

/// Whether an address that is written out may be asked.
fn may_be_meant(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_unspecified() || address.is_multicast())
}

/// Whether an address is one of the public network.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        // "This network", carrier-grade NAT, protocol assignments, benchmarking, reserved.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        // An IPv4 address in NAT64, or in 6to4.
        (0x64, 0xff9b, 0, 0, 0, 0) => is_public_v4(v4(g, h)),
        (0x2002, ..) => is_public_v4(v4(b, c)),
        // 2000::/3 is what is given out; in it Teredo and documentation.
        (0x2000..=0x3fff, ..) => !(a == 0x2001 && (b == 0 || b == 0xdb8)) && a != 0x3fff,
        _ => false,
    }
}

#[cfg(feature = "archive")]
pub(crate) use client::client;

#[cfg(feature = "archive")]
mod client {
    use std::{io, net::SocketAddr, sync::Arc, time::Duration};

    use anyhow::Context as _;
    use reqwest::{
        dns::{Addrs, Name, Resolve, Resolving},
        redirect::Policy,
    };
    use url::Url;

    use super::is_public;

    /// Redirects that are followed.
    const MOST_REDIRECTS: usize = 3;

    /// A client for this URL: redirects stay at its scheme, host and port; a host is only asked at public addresses. No
    /// proxy of the environment is used, because a proxy would resolve names itself.
    pub(crate) fn client(url: &Url) -> anyhow::Result<reqwest::Client> {
        // The first provider stays; ours is the only one in the tree.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let origin = url.origin();
        let redirects = Policy::custom(move |attempt| {
            if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error(io::Error::other("it redirects more than three times"))
            } else if attempt.url().origin() == origin {
                attempt.follow()
            } else {
                attempt.error(io::Error::other("it redirects to another host"))
            }
        });
        reqwest::Client::builder()
            .https_only(url.scheme() == "https")
            .timeout(Duration::from_secs(60))
            .connect_timeout(Duration::from_secs(10))
            .redirect(redirects)
            .dns_resolver(Arc::new(PublicOnly))
            .no_proxy()
            .user_agent(concat!("godwit/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the client for requests that go out cannot be made")
    }

    /// Resolves to public addresses alone; `localhost` to this machine.
    struct PublicOnly;

    impl Resolve for PublicOnly {
        fn resolve(&self, name: Name) -> Resolving {
            Box::pin(async move {
                let name = name.as_str().to_owned();
                let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                let allowed: Vec<SocketAddr> = found.filter(|at| allowed(&name, *at)).collect();
                if allowed.is_empty() {
                    let why = format!("{name} is at no public address; give the address itself in the URL if it is meant");
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into());
                }
                Ok(Box::new(allowed.into_iter()) as Addrs)
            })
        }
    }

    pub(super) fn allowed(name: &str, at: SocketAddr) -> bool {
        if name == "localhost" { at.ip().to_canonical().is_loopback() } else { is_public(at.ip()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_over_https_or_of_this_machine() {
        for good in [
            "https://example.org/tocalls.json",
            "https://example.org:8443",
            "https://10.0.0.5/x",
            "https://[2001:4860::1]/x",
            "http://127.0.0.1:8000/x",
            "http://localhost/x",
            "http://[::1]:80/",
        ] {
            assert!(check(good).is_ok(), "{good}: {:?}", check(good));
        }
        for bad in [
            "http://example.org/x",
            "http://127.0.0.1:80@evil.example/",
            "https://user:pass@example.org/",
            "https://user@example.org/",
            "http://127.0.0.1.example.org/x",
            "http://localhost.example.org/",
            "http://10.0.0.5/x",
            "https://169.254.169.254/latest/meta-data",
            "http://169.254.169.254/",
            "https://[fe80::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://0.0.0.0/",
            "https://2852039166/",
            "https://",
            "ftp://example.org/",
            "file:///etc/passwd",
            "nonsense",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_addresses_are_told_from_the_others() {
        for public in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"] {
            assert!(is_public(public.parse().expect(public)), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "::a00:1",
        ] {
            assert!(!is_public(other.parse().expect(other)), "{other}");
        }
    }

    #[cfg(feature = "archive")]
    mod over_sockets {
        use godwit_testkit::{Server, Step, send};

        use super::super::*;

        async fn serving(answer: String) -> Server {
            Server::start(vec![vec![Step::Login, send(&answer)]]).await
        }

        async fn body(url: &str) -> Result<String, String> {
            let url = check(url)?;
            let answer =
                client(&url).expect("a client").get(url).send().await.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
            answer.text().await.map_err(|error| error.to_string())
        }

        #[tokio::test]
        async fn redirects_stay_where_they_are() {
            let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi".to_owned();
            let elsewhere = serving(ok.clone()).await;
            let to =
                |where_to: String| format!("HTTP/1.1 302 Found\r\nLocation: {where_to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            assert_eq!(body(&format!("http://{}/", elsewhere.address)).await.as_deref(), Ok("hi"));
            // Another port is another server.
            let elsewhere = serving(ok.clone()).await;
            for location in
                [format!("http://{}/", elsewhere.address), "http://169.254.169.254/".to_owned(), "https://example.org/".to_owned()]
            {
                let server = serving(to(location)).await;
                let error = body(&format!("http://{}/", server.address)).await.expect_err("refused");
                assert!(error.contains("another host"), "{error}");
            }
            let server = Server::start(vec![vec![Step::Login, send(&to("/again".to_owned()))], vec![Step::Login, send(&ok)]]).await;
            assert_eq!(body(&format!("http://{}/", server.address)).await.as_deref(), Ok("hi"));
        }

        #[test]
        fn names_lead_to_public_addresses_alone() {
            let at = |address: &str| address.parse().expect(address);
            assert!(client::allowed("example.org", at("93.184.216.34:0")) && client::allowed("localhost", at("127.0.0.1:0")));
            for address in ["127.0.0.1:0", "10.0.0.1:0", "169.254.169.254:0", "[::1]:0", "[fd00::1]:0"] {
                assert!(!client::allowed("example.org", at(address)), "{address}");
            }
            assert!(!client::allowed("localhost", at("10.0.0.1:0")));
        }
    }
}
