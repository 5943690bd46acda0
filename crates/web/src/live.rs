//! The live stream: one WebSocket a page (docs/protocol.md), and the same tiles over plain HTTP.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::{Bytes, BytesMut};
use godwit_live::{TileAddress, TileAnswer, Viewer, wire};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{Site, error::ApiError};

/// A viewer that takes nothing for so long is closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// `GET /live/v1/ws`.
pub(crate) async fn socket(State(site): State<Site>, upgrade: WebSocketUpgrade) -> Response<Body> {
    let Some(viewer) = site.live.viewer() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")], "too many viewers at the moment").into_response();
    };
    // The default read buffer is 128 KiB a connection, taken at once.
    upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(16 << 20)
        .max_message_size(Viewer::MOST_BYTES)
        .max_frame_size(Viewer::MOST_BYTES)
        .on_upgrade(move |socket| watch(socket, viewer, site))
}

async fn watch(mut socket: WebSocket, mut viewer: Viewer, site: Site) {
    if send(&mut socket, viewer.hello((site.clock)()).into()).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            () = site.stop.wanted() => {
                // Spread the return of many viewers over some seconds.
                let delay_ms = u32::try_from((site.clock)() % 5000).unwrap_or(0);
                let goodbye = [&[wire::VERSION][..], &wire::leave(delay_ms)].concat();
                let _ = send(&mut socket, goodbye.into()).await;
                let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(None))).await;
                return;
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Err(error) = viewer.subscribe(&text) {
                        let reason = error.to_string().chars().take(100).collect::<String>();
                        let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(Some(CloseFrame { code: 1008, reason: reason.into() })))).await;
                        return;
                    }
                }
                Some(Ok(Message::Binary(_))) => {
                    let close = CloseFrame { code: 1003, reason: "send JSON texts".into() };
                    let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(Some(close)))).await;
                    return;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            pieces = viewer.next(site.clock) => {
                if send(&mut socket, joined(&pieces)).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, bytes: Bytes) -> Result<(), ()> {
    timeout(PATIENCE, socket.send(Message::Binary(bytes))).await.map_err(drop)?.map_err(drop)
}

fn joined(pieces: &[Bytes]) -> Bytes {
    let mut message = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| message.extend_from_slice(piece));
    message.freeze()
}

#[derive(Deserialize)]
pub(crate) struct TileQuery {
    since: Option<String>,
}

/// `GET /live/v1/tiles/{level}/{x}/{y}?since=EPOCH-SEQ`.
pub(crate) async fn tile(
    State(site): State<Site>,
    Path((level, x, y)): Path<(u8, u16, u16)>,
    Query(query): Query<TileQuery>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let address = TileAddress::new(level, x, y).ok_or_else(|| ApiError::not_found(format!("There is no tile {level}/{x}/{y}.")))?;
    let parse = |text: &str| {
        let (epoch, seq) = text.split_once('-')?;
        Some((u64::from_str_radix(epoch, 16).ok()?, seq.parse().ok()?))
    };
    let since = match &query.since {
        Some(text) => Some(parse(text).ok_or_else(|| ApiError::bad_request("since is EPOCH-SEQ, as an ETag gave it"))?),
        None => None,
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).map(|tag| tag.trim_matches('"').to_owned());
    let now_us = (site.clock)();
    let (tag, frames) = match site.live.tile(address, since, now_us) {
        TileAnswer::Full(tag, frames) | TileAnswer::Deltas(tag, frames) => (tag, frames),
        TileAnswer::Nothing(tag) => {
            return Ok((StatusCode::NO_CONTENT, [(header::ETAG, format!("\"{tag}\""))]).into_response());
        }
    };
    let etag = format!("\"{tag}\"");
    if known.as_ref() == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let mut message = vec![
        Bytes::from_static(&[wire::VERSION]),
        wire::hello(site.live.epoch(), now_us, godwit_live::Live::TICK_MS, env!("CARGO_PKG_VERSION")),
    ];
    message.extend(frames);
    let headers = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "public, max-age=1".to_owned()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
    ];
    Ok((headers, joined(&message)).into_response())
}
