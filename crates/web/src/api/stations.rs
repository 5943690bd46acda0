//! `GET /api/v1/stations`, `/api/v1/stations/{name}`: from the live side; one that fell silent long ago from the
//! store. What a station said is read from its raw lines.

use axum::{Extension, Json, extract::State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use godwit_live::Area;
use godwit_packet::{parse, symbol_name};
use godwit_pipeline::{EntityKey, EntityKind, EntityState, Name, changes_again};
use godwit_store::PacketQuery;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{limit, rfc3339, shown, time};
use crate::{
    Devices, Site, SiteState,
    answer::Answer,
    cost::Cost,
    error::{ApiError, PathOf, QueryOf},
};

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    bbox: Option<String>,
    since: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Entities looked at for a list cost as much as one row that is read.
const LOOKED_AT_A_ROW: usize = 20;

/// `GET /api/v1/stations?bbox=W,S,E,N&since=&limit=&cursor=`, in the order of kinds and names.
pub(crate) async fn list(State(site): SiteState, QueryOf(query): QueryOf<ListQuery>) -> Result<Answer, ApiError> {
    let area = match query.bbox.as_deref() {
        Some(text) => area(text)?,
        None => Area { west: -180.0, south: -90.0, east: 180.0, north: 90.0 },
    };
    let since_us = time("since", query.since.as_deref())?.unwrap_or(i64::MIN);
    let limit = limit(query.limit.as_deref(), 1000, 5000)?;
    let after = match query.cursor.as_deref() {
        None => None,
        Some(text) => {
            Some(key_of(text).ok_or_else(|| ApiError::bad_request(format!("cursor = \"{}\" is not one that \"next\" gave", shown(text))))?)
        }
    };
    let live = site.live.clone();
    let made = move || {
        let found = live.within(&area, since_us, after, limit);
        let answer = Answer::new().list("stations", found.states.iter().map(|state| Value::Object(short(state))));
        let answer = answer.field("truncated", found.next.is_some()).read(found.looked_at / LOOKED_AT_A_ROW);
        match found.next {
            Some(next) => answer.field("next", cursor(next)),
            None => answer,
        }
    };
    site.answers.heavy.enter().await?.run(made).await
}

/// A key as a cursor: the number of the kind and the bytes of the name. It holds on every replica and after a restart.
fn cursor(key: EntityKey) -> String {
    URL_SAFE_NO_PAD.encode([&[key.kind as u8][..], key.name.as_bytes()].concat())
}

fn key_of(cursor: &str) -> Option<EntityKey> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (kind, name) = bytes.split_first()?;
    Some(EntityKey { kind: EntityKind::from_number(*kind)?, name: Name::new(name)? })
}

fn area(text: &str) -> Result<Area, ApiError> {
    let wrong = || {
        ApiError::bad_request(format!(
            "bbox = \"{}\" is not W,S,E,N in degrees: -180..180, -90..90, S below N; W greater than E crosses the date line",
            shown(text)
        ))
    };
    let numbers: Vec<f64> = text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>().ok_or_else(wrong)?;
    match numbers[..] {
        [west, south, east, north]
            if [west, east].iter().all(|degrees| (-180.0..=180.0).contains(degrees))
                && [south, north].iter().all(|degrees| (-90.0..=90.0).contains(degrees))
                && south <= north =>
        {
            Ok(Area { west, south, east, north })
        }
        _ => Err(wrong()),
    }
}

#[derive(Deserialize)]
pub(crate) struct OneQuery {
    kind: Option<String>,
    at: Option<String>,
}

/// Of an entity's packets before a time, at most this many are read for its state.
const PAST_PACKETS: usize = 500;
/// First so many: the last few nearly always have a position among them.
const PAST_PACKETS_FIRST: usize = 20;

/// `GET /api/v1/stations/{name}?kind=&at=`.
pub(crate) async fn one(
    State(site): SiteState,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<OneQuery>,
) -> Result<(Extension<Cost>, Json<Value>), ApiError> {
    let kinds = kinds(query.kind.as_deref())?;
    let mut read = 0;
    let at_us = time("at", query.at.as_deref())?;
    for key in keys(&name, kinds) {
        let latest = match site.live.get(&key) {
            Some(state) => Some(state),
            None => {
                let _place = site.answers.heavy.enter().await?;
                site.store.entity(key).await?
            }
        };
        let state = match (latest, at_us) {
            (Some(latest), Some(at_us)) => past(&site, &latest, at_us, &mut read).await?,
            (latest, _) => latest,
        };
        if let Some(state) = state {
            return Ok((Extension(Cost::of_rows(read)), Json(full(&state, &site.devices))));
        }
    }
    match at_us {
        None => Err(unknown(&name)),
        Some(_) => Err(ApiError::not_found(format!("Of \"{}\" no packet is kept that was received then or before.", shown(&name)))),
    }
}

/// The state of an entity at a time, by the packets that are kept; `None` when none is that was received then or before.
/// `read` is raised by the packets that were read. Only when it was heard first is taken from its latest state: that packet may be past the retention.
async fn past(site: &Site, latest: &EntityState, at_us: i64, read: &mut usize) -> Result<Option<EntityState>, ApiError> {
    let _place = site.answers.heavy.enter().await?;
    let key = latest.key;
    let mut state: Option<EntityState> = None;
    let (mut before_id, mut limit) = (None, PAST_PACKETS_FIRST);
    let read_before = *read;
    loop {
        let asked =
            PacketQuery { since_us: 0, until_us: at_us.saturating_add(1), about: Some(vec![key]), duplicates: false, limit, before_id };
        let page = site.store.packets(asked).await?;
        *read += page.packets.len();
        for packet in &page.packets {
            for change in changes_again(packet.received_at_us, &packet.raw, packet.verdict == "accepted") {
                if change.key == key {
                    // Following order does not matter: an older packet never replaces what a newer one said.
                    state.get_or_insert_with(|| EntityState::new(&change)).apply(&change);
                }
            }
        }
        let placed = state.as_ref().is_some_and(|state| state.position.is_some());
        before_id = page.next;
        let read = *read - read_before;
        if placed || before_id.is_none() || read >= PAST_PACKETS {
            break;
        }
        limit = PAST_PACKETS - read;
    }
    if let Some(state) = &mut state {
        state.first_heard_us = state.first_heard_us.min(latest.first_heard_us);
    }
    Ok(state)
}

/// The answer for a name that nobody bears.
pub(crate) fn unknown(name: &str) -> ApiError {
    ApiError::not_found(format!("No station, object or item \"{}\" is known.", shown(name)))
}

/// The kinds that a parameter allows; all without it.
pub(crate) fn kinds(value: Option<&str>) -> Result<&'static [EntityKind], ApiError> {
    match value {
        None => Ok(&[EntityKind::Station, EntityKind::Object, EntityKind::Item]),
        Some("station") => Ok(&[EntityKind::Station]),
        Some("object") => Ok(&[EntityKind::Object]),
        Some("item") => Ok(&[EntityKind::Item]),
        Some(other) => Err(ApiError::bad_request(format!("kind = \"{}\" is not station, object or item", shown(other)))),
    }
}

/// The names that a text may mean: as written; as Latin-1 bytes where it is not ASCII; a callsign in capitals.
pub(crate) fn names(text: &str) -> Vec<Name> {
    let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let upper = text.to_ascii_uppercase();
    let mut names: Vec<Name> =
        [Some(text.as_bytes()), latin1.as_deref(), Some(upper.as_bytes())].into_iter().flatten().filter_map(Name::new).collect();
    names.dedup();
    names
}

/// What a name and kinds may mean, the likeliest first.
pub(crate) fn keys(name: &str, kinds: &[EntityKind]) -> Vec<EntityKey> {
    names(name).into_iter().flat_map(|name| kinds.iter().map(move |kind| EntityKey { kind: *kind, name })).collect()
}

/// The first of these that was ever heard.
pub(crate) async fn known(site: &Site, keys: &[EntityKey]) -> Result<Option<EntityKey>, ApiError> {
    for key in keys {
        if site.live.get(key).is_some() || site.store.entity(*key).await?.is_some() {
            return Ok(Some(*key));
        }
    }
    Ok(None)
}

/// At most this many decimals.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

/// What lists show of an entity.
pub(crate) fn short(state: &EntityState) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("name".into(), state.key.name.to_string().into());
    object.insert("kind".into(), state.key.kind.as_str().into());
    if let Some(owner) = state.owner {
        object.insert("owner".into(), owner.to_string().into());
    }
    object.insert("last_heard".into(), rfc3339(state.last_heard_us).into());
    let Some((_, fix, raw)) = &state.position else {
        return object;
    };
    object.insert("latitude".into(), rounded(fix.latitude, 6).into());
    object.insert("longitude".into(), rounded(fix.longitude, 6).into());
    if fix.symbol_code != 0 {
        object.insert(
            "symbol".into(),
            json!({ "table": char::from(fix.symbol_table).to_string(), "code": char::from(fix.symbol_code).to_string() }),
        );
    }
    if let Some(speed) = fix.speed_kmh {
        object.insert("speed_kmh".into(), rounded(f64::from(speed), 1).into());
    }
    if let Some(course) = fix.course_deg {
        object.insert("course_deg".into(), course.into());
    }
    if let Ok(packet) = parse(raw) {
        let packet = packet.innermost();
        if !packet.comment.is_empty() {
            object.insert("comment".into(), packet.comment.to_string_lossy().trim().to_owned().into());
        }
        if let Some(altitude) = packet.altitude_m {
            object.insert("altitude_m".into(), rounded(altitude, 1).into());
        }
    }
    object
}

/// What the card shows: the list's fields, and what the last packets say in full.
fn full(state: &EntityState, devices: &Devices) -> Value {
    let mut object = short(state);
    object.insert("alive".into(), state.alive.into());
    object.insert("first_heard".into(), rfc3339(state.first_heard_us).into());
    let raw = state.position.as_ref().map_or(&state.raw, |(.., raw)| raw);
    object.insert("raw".into(), godwit_packet::Text::new(raw).to_string_lossy().into_owned().into());
    object.insert("received_at".into(), rfc3339(state.position.as_ref().map_or(state.last_heard_us, |(at_us, ..)| *at_us)).into());
    if let Some((_, fix, _)) = &state.position {
        object.insert("symbol_name".into(), symbol_name(char::from(fix.symbol_table), char::from(fix.symbol_code)).into());
        if fix.ambiguity > 0 {
            object.insert("ambiguity".into(), fix.ambiguity.into());
        }
    }
    if let Ok(Value::Object(mut decoded)) = devices.with(|table| serde_json::to_value(godwit_packet::json_with(raw, None, table))) {
        for field in ["path", "q_construct", "igate", "heard"] {
            if let Some(value) = decoded.remove(field) {
                object.insert(field.into(), value);
            }
        }
        let mut inner = decoded.remove("third_party").unwrap_or(Value::Object(decoded));
        for field in ["weather", "phg", "range_km", "mic_e_message", "telemetry", "device", "timestamp"] {
            if let Some(value) = inner.get_mut(field).map(Value::take) {
                object.insert(field.into(), value);
            }
        }
    }
    if let Ok(packet) = parse(&state.raw)
        && let Some(status) = packet.innermost().status
    {
        object.insert("status".into(), status.text.to_string_lossy().into_owned().into());
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::{EntityKey, EntityKind, Name};

    use super::{area, cursor, key_of, names};

    #[test]
    fn cursors_lead_back_to_their_keys() {
        for (kind, name) in [(EntityKind::Station, &b"A"[..]), (EntityKind::Object, b"\xff, /?&%"), (EntityKind::Item, b"123456789")] {
            let key = EntityKey { kind, name: Name::new(name).expect("a name") };
            assert_eq!(key_of(&cursor(key)), Some(key));
        }
        for text in ["", "AA", "A", "!!!!", "CUFCQw", "AEFBQUFBQUFBQUE"] {
            assert_eq!(key_of(text), None, "{text}");
        }
    }

    #[test]
    fn boxes_are_checked() {
        assert!(area("5,45,11,48").is_ok() && area("170, -20, -170, 20").is_ok());
        for text in ["", "1,2,3", "1,2,3,x", "1,50,2,40", "NaN,0,1,1", "-181,0,1,1", "0,0,0,91", "1,2,3,4,5"] {
            assert!(area(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_tried_as_written_and_in_capitals() {
        let tried: Vec<String> = names("oe9xxx-9").iter().map(ToString::to_string).collect();
        assert_eq!(tried, ["oe9xxx-9", "OE9XXX-9"]);
        assert!(names("a name that is far too long").is_empty());
    }
}
