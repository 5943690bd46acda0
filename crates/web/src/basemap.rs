//! Base maps from PMTiles archives, served tile by tile as they lie there: the embedded offline one, and a file of the
//! operator's.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use godwit_flow::Repeated;
use pmtiles::{
    AsyncBackend, AsyncPmTilesReader, BackendResponse, Compression, HashMapCache, NoCache, PmtError, PmtResult, TileCoord, TileType,
};
use serde_json::{Value, json};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::{SiteState, conditional, embed::fingerprint, error::PathOf};

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

/// No tile or directory comes near this; a damaged archive may ask for more.
const MOST_BYTES: usize = 16 * 1024 * 1024;

const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");

struct OnDisk(Arc<File>);

impl AsyncBackend for OnDisk {
    async fn read(&self, offset: u64, length: usize) -> PmtResult<BackendResponse> {
        let file = self.0.clone();
        let read = move || {
            let mut bytes = vec![0; length.min(MOST_BYTES)];
            let mut filled = 0;
            while filled < bytes.len() {
                match file.read_at(&mut bytes[filled..], offset.saturating_add(filled as u64))? {
                    0 => break,
                    more => filled += more,
                }
            }
            bytes.truncate(filled);
            Ok(bytes)
        };
        let bytes = spawn_blocking(read).await.map_err(std::io::Error::other).flatten().map_err(PmtError::Reading)?;
        Ok(BackendResponse::new(bytes.into()))
    }
}

/// A base map of the operator's: a PMTiles archive on disk.
pub struct FileMap {
    reader: AsyncPmTilesReader<OnDisk, NoCache>,
    name: String,
    attribution: String,
}

impl FileMap {
    /// Opens an archive; name and credit line are those of its metadata.
    ///
    /// # Errors
    /// It cannot be read, is no PMTiles archive of version 3, or holds neither images nor vector tiles.
    pub async fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let reader = AsyncPmTilesReader::try_from_source(OnDisk(Arc::new(file))).await.map_err(|error| error.to_string())?;
        if matches!(reader.get_header().tile_type, TileType::Unknown | TileType::Mlt) {
            return Err("its tiles are neither images nor Mapbox vector tiles".to_owned());
        }
        let metadata = reader.get_metadata().await.map_err(|error| error.to_string())?;
        let metadata: Value = serde_json::from_str(&metadata).unwrap_or_default();
        let text = |key: &str| plain(metadata[key].as_str().unwrap_or_default());
        Ok(Self { name: text("name"), attribution: text("attribution"), reader })
    }

    /// What the page is told of it (one of `basemaps` of `/live/v1/page.json`).
    #[must_use]
    pub fn json(&self) -> Value {
        let header = self.reader.get_header();
        let kind = if header.tile_type == TileType::Mvt { "vector" } else { "raster" };
        let name = if self.name.is_empty() { "PMTiles" } else { &self.name };
        json!({
            "id": "file", "name": name, "kind": kind, "url": "/basemap/file/{z}/{x}/{y}", "attribution": self.attribution, "max_zoom": header.max_zoom,
        })
    }
}

/// At most 200 characters of a text, without the tags that credit lines come with.
fn plain(text: &str) -> String {
    let mut within = false;
    let visible = text.chars().filter(|&character| {
        within = character == '<' || (within && character != '>');
        !within && character != '>' && !character.is_control()
    });
    visible.take(200).collect::<String>().trim().to_owned()
}

/// `GET /basemap/file/{z}/{x}/{y}`: a tile of the operator's archive; 204 where it has none, 404 without an archive.
pub(crate) async fn file_tile(State(site): SiteState, PathOf((z, x, y)): PathOf<(u8, u32, u32)>, headers: HeaderMap) -> Response<Body> {
    let (Some(map), Ok(coordinate)) = (&site.basemap_file, TileCoord::new(z, x, y)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let header = map.reader.get_header();
    let tile = map.reader.get_tile(coordinate).await;
    answer(tile, header.tile_type.content_type(), header.tile_compression, &headers)
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
    answer(tile, "application/vnd.mapbox-vector-tile", Compression::Gzip, &headers)
}

fn answer(tile: PmtResult<Option<Bytes>>, kind: &'static str, compression: Compression, headers: &HeaderMap) -> Response<Body> {
    static LINES: Repeated = Repeated::new(Duration::from_secs(60));
    let tile = match tile {
        Ok(Some(tile)) => tile,
        Ok(None) => return (StatusCode::NO_CONTENT, [CACHE]).into_response(),
        Err(error) => {
            if let Some(unsaid) = LINES.failed(Instant::now()) {
                tracing::error!(%error, requests_since_the_last_line = unsaid, "a base map cannot be read");
            }
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let encoding = compression.content_encoding();
    let vary = encoding.map(|_| [(header::VARY, "accept-encoding")]);
    if let Some(encoding) = encoding.filter(|encoding| !crate::embed::accepts(headers, encoding)) {
        return (StatusCode::NOT_ACCEPTABLE, vary, format!("base map tiles are sent with Content-Encoding: {encoding}")).into_response();
    }
    let tag = format!("{:x}", fingerprint(&tile));
    let kept = (vary, [CACHE], [(header::ETAG, format!("\"{tag}\""))]);
    if conditional::known(headers, |known| known == tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, [(header::CONTENT_TYPE, kind)], encoding.map(|encoding| [(header::CONTENT_ENCODING, encoding)]), tile).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_lines_lose_their_tags() {
        assert_eq!(plain("<a href=\"https://protomaps.com\">Protomaps</a> © <a href='x'>OpenStreetMap</a>"), "Protomaps © OpenStreetMap");
        assert_eq!(plain("<img src=x onerror=alert(1)>"), "");
        assert_eq!(plain("a > b\n<"), "a  b");
        assert_eq!(plain(&"é".repeat(500)).chars().count(), 200);
    }

    #[tokio::test]
    async fn an_archive_on_disk_says_what_it_is() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/basemap/basemap.pmtiles"));
        let map = FileMap::open(path).await.expect("opens");
        assert_eq!((&map.json()["kind"], &map.json()["max_zoom"]), (&json!("vector"), &json!(6)));
        let coordinate = TileCoord::new(3, 4, 2).expect("a tile");
        let embedded = reader().await.expect("opens").get_tile(coordinate).await.expect("reads");
        assert_eq!(map.reader.get_tile(coordinate).await.expect("reads"), embedded);
        assert!(embedded.is_some());
    }

    #[tokio::test]
    async fn what_is_no_archive_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("map.pmtiles");
        assert!(FileMap::open(&path).await.err().expect("missing").contains("No such file"));
        for bytes in [&b""[..], b"PMTiles", &[b"PMTiles\x03".as_slice(), &[0xff; 119]].concat(), &[7; 4000]] {
            std::fs::write(&path, bytes).expect("writes");
            assert!(FileMap::open(&path).await.is_err(), "{} bytes", bytes.len());
        }
    }
}
