//! The embedded offline base map: one PMTiles archive in the binary, served tile by tile as it lies there (gzip).

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use pmtiles::{AsyncBackend, AsyncPmTilesReader, BackendResponse, HashMapCache, PmtResult, TileCoord};
use tokio::sync::OnceCell;

use crate::error::PathOf;

static ARCHIVE: &[u8] = include_bytes!("../../../assets/basemap/basemap.pmtiles");

struct Embedded;

impl AsyncBackend for Embedded {
    async fn read(&self, offset: u64, length: usize) -> PmtResult<BackendResponse> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(ARCHIVE.len());
        let end = start.saturating_add(length).min(ARCHIVE.len());
        Ok(BackendResponse::new(Bytes::from_static(&ARCHIVE[start..end])))
    }
}

type Reader = AsyncPmTilesReader<Embedded, HashMapCache>;

async fn reader() -> PmtResult<&'static Reader> {
    static READER: OnceCell<Reader> = OnceCell::const_new();
    READER.get_or_try_init(|| Reader::try_from_cached_source(Embedded, HashMapCache::default())).await
}

/// `GET /basemap/{z}/{x}/{y}`: a Mapbox vector tile, z 0-6; 204 where the map is empty (a 404 would be an error to
/// browsers), 404 outside the pyramid.
pub(crate) async fn tile(PathOf((z, x, file)): PathOf<(u8, u32, String)>, headers: HeaderMap) -> Response<Body> {
    let coordinate = file.strip_suffix(".mvt").and_then(|y| y.parse().ok()).and_then(|y| TileCoord::new(z, x, y).ok());
    let Some(coordinate) = coordinate else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tile = match reader().await {
        Ok(reader) => reader.get_tile(coordinate).await,
        Err(error) => Err(error),
    };
    const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");
    match tile {
        Ok(Some(tile)) if crate::embed::accepts(&headers, "gzip") => {
            let kind = (header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile");
            ([CACHE, kind, (header::CONTENT_ENCODING, "gzip")], tile).into_response()
        }
        Ok(Some(_)) => (StatusCode::NOT_ACCEPTABLE, "base map tiles are sent with Content-Encoding: gzip").into_response(),
        Ok(None) => (StatusCode::NO_CONTENT, [CACHE]).into_response(),
        Err(error) => {
            tracing::error!(%error, "the embedded base map cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
