//! Time blocks over HTTP (docs/protocol.md, "Time blocks"): closed ones are for ever, and every cache may keep them.

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use godwit_store::{Answer, BLOCK_S, BlockError, Part};
use serde_json::{Value, json};

use crate::{
    Site, SiteState, conditional,
    cost::Cost,
    error::{ApiError, PathOf},
};

/// So many bytes of a block cost as much as a row that is read: blocks are kept, and made for many.
const BYTES_A_ROW: usize = 1024;

/// `GET /history/v1/range`: which blocks may be asked for.
pub(crate) async fn range(State(site): SiteState) -> Result<impl IntoResponse, ApiError> {
    let range = site.blocks.range().await?;
    let body: Value = json!({
        "oldest_block": range.oldest,
        "oldest_ms": range.oldest_us / 1000,
        "open_block": range.open,
        "block_s": BLOCK_S,
        "server_time_ms": (site.clock)() / 1000,
    });
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(body)))
}

/// `GET /history/v1/{level}/{x}/{y}/{block}`: key frame and moves.
pub(crate) async fn whole(
    State(site): SiteState,
    PathOf((level, x, y, block)): PathOf<(u8, u16, u16, u32)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let answer = site.blocks.answer((level, x, y), block, Part::Whole).await;
    respond(answer, &format!("{level}/{x}/{y}/{block}"), &headers)
}

/// `GET /history/v1/{level}/{x}/{y}/{block}/{part}`: moves alone, of the block or of the hour that begins with it.
pub(crate) async fn part(
    State(site): SiteState,
    PathOf((level, x, y, block, part)): PathOf<(u8, u16, u16, u32, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let answer = match &*part {
        "moves" => site.blocks.answer((level, x, y), block, Part::Moves).await,
        "hour" => site.blocks.answer((level, x, y), block, Part::Hour).await,
        _ => Err(BlockError::Nothing),
    };
    respond(answer, &format!("{level}/{x}/{y}/{block}/{}", crate::api::shown(&part)), &headers)
}

fn respond(answer: Result<Answer, BlockError>, what: &str, request: &HeaderMap) -> Result<Response<Body>, ApiError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(BlockError::Nothing) => return Err(ApiError::not_found(format!("There is no block {what}, or it has not begun."))),
        Err(BlockError::Busy) => return Err(ApiError::busy("Too many others look at the past at the moment. Try again in a few seconds.")),
        Err(BlockError::Store(error)) => return Err(error.into()),
    };
    let cache = if answer.closed { "public, max-age=31536000, immutable" } else { "public, max-age=10" };
    let headers = [
        (header::ETAG, format!("\"{}\"", answer.tag)),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
    ];
    if conditional::known(request, |known| known == answer.tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let cost = Cost::of_rows(answer.bytes.len() / BYTES_A_ROW);
    Ok((Extension(cost), headers, answer.bytes).into_response())
}

/// What `/api/v1/status` says of it.
pub(crate) fn figures(site: &Site) -> Value {
    let figures = site.blocks.figures();
    json!({
        "blocks_read": figures.blocks_read,
        "reading_ms": figures.reading_ms,
        "answers_made": figures.answers_made,
        "answers_remembered": figures.answers_remembered,
        "refused": figures.refused,
        "memory_bytes": figures.bytes,
    })
}
