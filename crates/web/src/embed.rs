//! The front-end, compiled in. Files with a content hash in their name (`/assets/`) never change: cached for a year.
//! All others are asked for anew each time, answered with 304 when unchanged.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};

use crate::{conditional, server::Shared};

struct Asset {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset of this path (without the leading slash), or `None`.
pub(crate) fn serve(path: &str, request: &HeaderMap) -> Option<Response<Body>> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    let hashed = path.starts_with("assets/");
    let (body, encoding) = match (asset.brotli, asset.gzip) {
        (Some(packed), _) if accepts(request, "br") => (packed, Some("br")),
        (_, Some(packed)) if accepts(request, "gzip") => (packed, Some("gzip")),
        _ => (asset.plain, None),
    };
    // Each content coding is another representation.
    let tag = format!(
        "{}-{:x}{}{}",
        env!("CARGO_PKG_VERSION"),
        fingerprint(asset.plain),
        encoding.map_or("", |_| "-"),
        encoding.unwrap_or_default()
    );
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, HeaderValue::from_str(&format!("\"{tag}\"")).ok()?);
    if conditional::known(request, |known| known == tag) {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let mut response = (headers, body).into_response();
    response.extensions_mut().insert(Shared);
    Some(response)
}

/// Whether the client takes this content coding (RFC 9110 section 12.5.3; `;q=0` refuses).
pub(crate) fn accepts(request: &HeaderMap, coding: &str) -> bool {
    request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|part| {
        let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
        let quality = parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case(coding) && quality > 0.0
    })
}

/// FNV-1a: enough to tell one build's file from another's.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).expect("value"))])
    }

    #[test]
    fn content_codings_are_negotiated() {
        assert!(accepts(&headers("gzip, deflate, br"), "br"));
        assert!(accepts(&headers("gzip;q=0.5, BR;q=0.1"), "br"));
        assert!(!accepts(&headers("gzip, br;q=0"), "br"));
        assert!(!accepts(&headers("identity"), "gzip"));
    }

    #[test]
    fn the_page_is_there_and_answers_304() {
        let page = serve("index.html", &HeaderMap::new()).expect("page");
        assert_eq!(page.status(), StatusCode::OK);
        let known = HeaderMap::from_iter([(header::IF_NONE_MATCH, page.headers()[header::ETAG].clone())]);
        assert_eq!(serve("index.html", &known).expect("page").status(), StatusCode::NOT_MODIFIED);
        assert!(serve("../Cargo.toml", &HeaderMap::new()).is_none());
    }
}
