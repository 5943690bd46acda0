//! Who logs in, and where: checked before anything is sent.

use std::fmt;

/// What is wrong with a callsign, filter or server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoginError(String);

/// The login line's contents. The passcode is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    callsign: String,
    passcode: Option<u16>,
    filter: Option<String>,
}

impl Login {
    /// A login: read-only (`pass -1`) without a passcode.
    ///
    /// # Errors
    /// A callsign or filter that must not go on the line.
    pub fn new(callsign: &str, passcode: Option<u16>, filter: Option<&str>) -> Result<Self, LoginError> {
        check_callsign(callsign)?;
        if let Some(filter) = filter {
            check_filter(filter)?;
        }
        Ok(Self { callsign: callsign.to_owned(), passcode, filter: filter.map(str::to_owned) })
    }

    /// The same login with another filter.
    ///
    /// # Errors
    /// A filter that must not go on the line.
    pub fn with_filter(&self, filter: Option<&str>) -> Result<Self, LoginError> {
        Self::new(&self.callsign, self.passcode, filter)
    }

    /// Whether a passcode was given and is not the one of the callsign: servers will answer `unverified`.
    #[must_use]
    pub fn passcode_is_wrong(&self) -> bool {
        self.passcode.is_some_and(|given| given != passcode(&self.callsign))
    }

    /// The filter.
    #[must_use]
    pub fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    /// The command that sets the filter on a connection that is logged in, with CR and LF.
    #[must_use]
    pub fn filter_line(&self) -> String {
        format!("#filter {}\r\n", self.filter().unwrap_or("default"))
    }

    /// The callsign.
    #[must_use]
    pub fn callsign(&self) -> &str {
        &self.callsign
    }

    /// The line, with CR and LF. Software name and version are one word each, as servers demand.
    #[must_use]
    pub fn line(&self) -> String {
        let passcode = self.passcode.map_or_else(|| "-1".to_owned(), |passcode| passcode.to_string());
        let filter = self.filter.as_ref().map(|filter| format!(" filter {filter}")).unwrap_or_default();
        format!("user {} pass {passcode} vers Godwit {}{filter}\r\n", self.callsign, env!("CARGO_PKG_VERSION"))
    }
}

/// The passcode of a callsign: a public hash of the part before the SSID, in capitals. It is no secret and proves nothing.
#[must_use]
pub fn passcode(callsign: &str) -> u16 {
    let base = callsign.split('-').next().unwrap_or_default();
    let hash = base.bytes().enumerate().fold(0x73e2_u16, |hash, (at, byte)| {
        let byte = u16::from(byte.to_ascii_uppercase());
        hash ^ if at % 2 == 0 { byte << 8 } else { byte }
    });
    hash & 0x7fff
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("callsign", &self.callsign).field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// Whether this can log in: 3 to 9 characters in all, letters and digits with an optional SSID of one or two.
///
/// # Errors
/// Says what is wrong.
pub fn check_callsign(text: &str) -> Result<(), LoginError> {
    let refuse = |why: &str| Err(LoginError(why.to_owned()));
    if !(3..=9).contains(&text.len()) {
        return refuse("is not 3 to 9 characters long");
    }
    let (base, ssid) = text.split_once('-').map_or((text, None), |(base, ssid)| (base, Some(ssid)));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain(base) || ssid.is_some_and(|ssid| !plain(ssid) || ssid.len() > 2) {
        return refuse("is not letters and digits with an optional SSID after one dash");
    }
    Ok(())
}

fn check_filter(text: &str) -> Result<(), LoginError> {
    let good = text.len() <= 400 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if good { Ok(()) } else { Err(LoginError("the filter is over 400 bytes or has characters that are not printable ASCII".to_owned())) }
}

/// Whether this is `HOST:PORT` (IPv6 in brackets).
///
/// # Errors
/// Says what is wrong.
pub fn check_server(text: &str) -> Result<(), LoginError> {
    let refuse = |why: &str| Err(LoginError(why.to_owned()));
    let Some((host, port)) = text.rsplit_once(':') else {
        return refuse("has no port");
    };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return refuse("has no port from 1 to 65535 after the last colon");
    }
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = inner.map_or_else(
        || !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')),
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    if good { Ok(()) } else { refuse("has no usable host before the last colon (write IPv6 in brackets)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line() {
        let login = Login::new("N0CALL-1", None, Some("r/47/8/100")).expect("login");
        assert_eq!(login.line(), format!("user N0CALL-1 pass -1 vers Godwit {} filter r/47/8/100\r\n", env!("CARGO_PKG_VERSION")));
        let login = Login::new("N0CALL", Some(13023), None).expect("login");
        assert!(login.line().contains(" pass 13023 ") && !format!("{login:?}").contains("13023"));
    }

    #[test]
    fn a_wrong_passcode_is_known_before_it_is_sent() {
        assert_eq!((passcode("N0CALL"), passcode("n0call-12")), (13023, 13023));
        let wrong = |code| Login::new("N0CALL-1", code, None).expect("login").passcode_is_wrong();
        assert!(wrong(Some(1234)) && !wrong(Some(13023)) && !wrong(None));
    }

    #[test]
    fn nothing_hostile_gets_on_the_line() {
        for call in ["", "AB", "TOOLONG-10", "N0 CALL", "N0CALL-", "-1AB", "A-B-C", "N0CALL\r", "N0CALL-123", "É0CALL"] {
            assert!(check_callsign(call).is_err(), "{call}");
        }
        assert!(Login::new("N0CALL", None, Some("m/1\r\nuser X")).is_err());
        assert!(Login::new("N0CALL", None, Some(&"x".repeat(401))).is_err());
        for server in ["host", "host:", "host:0", "host:70000", ":1", "a b:1", "::1:1", "[::1:1", "[x]:1"] {
            assert!(check_server(server).is_err(), "{server}");
        }
        for server in ["rotate.aprs2.net:14580", "127.0.0.1:1", "[::1]:14580"] {
            assert!(check_server(server).is_ok(), "{server}");
        }
    }
}
