//! Which sites may open a live stream (RFC 6454): a page of this site, those that the operator lists, and programs, which
//! send no `Origin`.

use std::str::FromStr;

use axum::http::{HeaderMap, header};

/// A host with the port that is meant.
type Place<'a> = (&'a str, u16);

/// Origins that are allowed beside the site's own.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl FromStr for Origins {
    type Err = String;

    /// Reads origins with commas between: `https://map.example.org, http://10.0.0.5:8080`.
    ///
    /// # Errors
    /// Which of them is none.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let one = |part: &str| {
            let part = part.to_ascii_lowercase();
            if place(&part).is_some() { Ok(part) } else { Err(format!("{part} is no origin such as https://map.example.org")) }
        };
        parts.map(one).collect::<Result<_, _>>().map(Self)
    }
}

impl Origins {
    /// Whether the page that asks may open a live stream.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Some(origin) = origin.to_str().ok().map(str::to_ascii_lowercase) else { return false };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let Some(asks) = place(&origin) else { return false };
        // The scheme that a web server in front ends is not known here: a host without a port is meant at the scheme's own.
        let own = split(&host).is_some_and(|(name, port)| (name, port.unwrap_or(default_port(&origin))) == asks);
        own || self.0.iter().any(|allowed| scheme(allowed) == scheme(&origin) && place(allowed) == Some(asks))
    }
}

fn scheme(origin: &str) -> &str {
    origin.split("://").next().unwrap_or_default()
}

fn default_port(origin: &str) -> u16 {
    if scheme(origin) == "https" { 443 } else { 80 }
}

/// Host and port of an origin; `None` if it is none (`null`, for one).
fn place(origin: &str) -> Option<Place<'_>> {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
    let (host, port) = split(rest)?;
    Some((host, port.unwrap_or_else(|| default_port(origin))))
}

/// A host, which may be an address in brackets, and its port if there is one.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = if authority.starts_with('[') { authority.find(']')? + 1 } else { authority.find(':').unwrap_or(authority.len()) };
    let (host, port) = authority.split_at(end);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
    if host.is_empty() || !host.chars().all(fits) {
        return None;
    }
    match port.strip_prefix(':') {
        Some(port) => port.parse().ok().map(|port| (host, Some(port))),
        None => port.is_empty().then_some((host, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_itself_its_operators_list_and_programs_are_let_in() {
        let allow = |origin: Option<&str>, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            }
            "https://Map.example.org, http://10.0.0.5:8080".parse::<Origins>().expect("origins").allow(&headers)
        };
        for (origin, host) in [
            (None, "aprs.example"),
            (Some("https://aprs.example"), "aprs.example"),
            (Some("http://aprs.example"), "APRS.example"),
            (Some("https://aprs.example"), "aprs.example:443"),
            (Some("http://localhost:8080"), "localhost:8080"),
            (Some("http://[::1]:8080"), "[::1]:8080"),
            (Some("https://map.example.org"), "127.0.0.1:8080"),
            (Some("https://map.example.org:443"), "127.0.0.1:8080"),
            (Some("http://10.0.0.5:8080"), "upstream"),
        ] {
            assert!(allow(origin, host), "{origin:?} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "aprs.example"),
            ("https://aprs.example.evil.example", "aprs.example"),
            ("https://aprs.example:8443", "aprs.example"),
            ("http://localhost:8081", "localhost:8080"),
            ("http://map.example.org", "127.0.0.1:8080"),
            ("https://aprs.example@evil.example", "aprs.example"),
            ("null", "aprs.example"),
            ("", "aprs.example"),
            ("https://", ""),
            ("file://", "aprs.example"),
        ] {
            assert!(!allow(Some(origin), host), "{origin} {host}");
        }
        for wrong in ["map.example.org", "https://a/b", "https://", "https://a:x", "*"] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
    }
}
