//! The opening handshake of a WebSocket (RFC 6455, section 4.2).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};

type Refused = (StatusCode, [(HeaderName, &'static str); 1], &'static str);

/// Checks what a client asks for and makes the answer to its key.
///
/// # Errors
/// It is not a WebSocket handshake (426) or not one of version 13 (426) or has no proper key (400).
pub(super) fn accept(headers: &HeaderMap) -> Result<HeaderValue, Refused> {
    let upgrade = (StatusCode::UPGRADE_REQUIRED, [(header::UPGRADE, "websocket")]);
    if !names(headers, header::CONNECTION, "upgrade") || !names(headers, header::UPGRADE, "websocket") {
        return Err((upgrade.0, upgrade.1, "this address speaks WebSocket; the same tiles are at /live/v1/tiles/"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err((upgrade.0, [(header::SEC_WEBSOCKET_VERSION, "13")], "only version 13 of WebSocket is spoken here"));
    }
    let bad = (StatusCode::BAD_REQUEST, [(header::CONNECTION, "close")], "Sec-WebSocket-Key is missing or is not 16 bytes of base64");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or(bad.clone())?.as_bytes();
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        return Err(bad);
    }
    let digest = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    HeaderValue::from_str(&STANDARD.encode(digest)).map_err(|_| bad)
}

/// Whether a header's list has a word, in any case.
fn names(headers: &HeaderMap, header: HeaderName, word: &str) -> bool {
    let lists = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| entry.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(change: &[(&'static str, &'static str)]) -> Result<HeaderValue, StatusCode> {
        let mut headers = HeaderMap::new();
        // The example of the standard, section 1.3.
        let usual = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in usual.iter().chain(change) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        accept(&headers).map_err(|(status, ..)| status)
    }

    #[test]
    fn the_example_of_the_standard_and_what_is_refused() {
        assert_eq!(asked(&[]).expect("accepted"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(asked(&[("connection", "close")]), Err(StatusCode::UPGRADE_REQUIRED));
        assert_eq!(asked(&[("upgrade", "h2c")]), Err(StatusCode::UPGRADE_REQUIRED));
        assert_eq!(asked(&[("sec-websocket-version", "8")]), Err(StatusCode::UPGRADE_REQUIRED));
        assert_eq!(asked(&[("sec-websocket-key", "dGhl")]), Err(StatusCode::BAD_REQUEST));
        assert_eq!(asked(&[("sec-websocket-key", "!!!")]), Err(StatusCode::BAD_REQUEST));
    }
}
