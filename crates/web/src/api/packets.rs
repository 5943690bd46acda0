//! `GET /api/v1/packets`: what was received, as it was received, newest first.

use axum::{
    Json,
    extract::{Query, State},
};
use godwit_packet::Text;
use godwit_pipeline::{EntityKey, EntityKind};
use godwit_store::{PacketQuery, StoredPacket};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{limit, rfc3339, shown, stations::names, time};
use crate::{Site, error::ApiError};

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    since: Option<String>,
    until: Option<String>,
    name: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    duplicates: Option<String>,
}

/// `GET /api/v1/packets?since=&until=&name=&limit=&cursor=&duplicates=`.
pub(crate) async fn list(State(site): State<Site>, Query(query): Query<ListQuery>) -> Result<Json<Value>, ApiError> {
    let before_id = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => Some(
            cursor
                .parse::<i64>()
                .ok()
                .filter(|id| *id > 0)
                .ok_or_else(|| ApiError::bad_request(format!("cursor = \"{}\" is not one that \"next\" gave", shown(cursor))))?,
        ),
    };
    let duplicates = match query.duplicates.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(ApiError::bad_request(format!("duplicates = \"{}\" is neither true nor false", shown(other))));
        }
    };
    let page = site
        .store
        .packets(PacketQuery {
            since_us: time("since", query.since.as_deref())?.unwrap_or(0),
            until_us: time("until", query.until.as_deref())?.unwrap_or(i64::MAX),
            about: query.name.as_deref().map(about),
            duplicates,
            limit: limit(query.limit.as_deref(), 100, 10_000)?,
            before_id,
        })
        .await?;
    let packets: Vec<Value> = page.packets.iter().map(packet).collect();
    let mut answer = json!({ "packets": packets });
    if let Some(next) = page.next {
        answer["next"] = next.to_string().into();
    }
    Ok(Json(answer))
}

fn about(name: &str) -> Vec<EntityKey> {
    let kinds = [EntityKind::Station, EntityKind::Object, EntityKind::Item];
    names(name).into_iter().flat_map(|name| kinds.map(|kind| EntityKey { kind, name })).collect()
}

fn packet(packet: &StoredPacket) -> Value {
    let text = Text::new(&packet.raw);
    let mut object = json!({
        "id": packet.id.to_string(),
        "received_at": rfc3339(packet.received_at_us),
        "source": packet.sender.map(|sender| sender.to_string()),
        "kind": packet.kind,
        "raw": text.to_string_lossy(),
        "verdict": packet.verdict,
    });
    if let Some(reason) = &packet.reason {
        object["reason"] = reason.clone().into();
    }
    if !text.is_utf8() {
        object["raw_base64"] = base64(&packet.raw).into();
    }
    if object["source"].is_null()
        && let Some(object) = object.as_object_mut()
    {
        object.remove("source");
    }
    object
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = group >> (18 - 6 * digit) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
