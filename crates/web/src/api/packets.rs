//! `GET /api/v1/packets`: what was received, as it was received, newest first; and one packet with the way it took and
//! what each of its bytes means.

use std::sync::Arc;

use axum::{Json, extract::State};
use godwit_packet::{DiagnosticCode, Explained, Kind, Packet, Text, explain, is_alias, is_network_mark, parse};
use godwit_pipeline::{EntityKey, EntityKind, Name, sentence};
use godwit_store::{PacketPage, PacketQuery, Store, StoredPacket};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, rfc3339, shown,
    stations::{names, rounded},
    time,
};
use crate::{
    Site, SiteState,
    answer::Answer,
    error::{ApiError, PathOf, QueryOf},
    heavy::Place,
};

/// Packets that one request looks at when a filter passes few of them; `next` goes on from there.
const MOST_LOOKED_AT: usize = 10_000;
/// Packets further in the future, microseconds, were stored under a clock that was ahead: they are not the newest, and are
/// listed for those who ask for that time.
const FUTURE_US: i64 = 3_600_000_000;
/// The verdicts that may be asked for.
const VERDICTS: [&str; 4] = ["accepted", "duplicate", "implausible", "bad"];
/// Longest text to look for, bytes: as long as a line may be.
const MOST_TEXT: usize = 512;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    since: Option<String>,
    until: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    verdict: Option<String>,
    text: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    duplicates: Option<String>,
}

/// What a list may leave out beyond what the store does.
#[derive(Debug, Default)]
struct Filter {
    kind: Option<&'static str>,
    verdict: Option<&'static str>,
    /// Without regard to capitals.
    text: Option<Vec<u8>>,
}

impl Filter {
    fn of(query: &ListQuery) -> Result<Self, ApiError> {
        let text = query.text.as_ref().map(|text| text.as_bytes().to_vec());
        if text.as_ref().is_some_and(|text| text.len() > MOST_TEXT) {
            return Err(ApiError::bad_request(format!("text is longer than {MOST_TEXT} bytes")));
        }
        Ok(Self {
            kind: one_of("kind", query.kind.as_deref(), Kind::ALL.iter().map(|kind| kind.as_str()))?,
            verdict: one_of("verdict", query.verdict.as_deref(), VERDICTS)?,
            text: text.filter(|text| !text.is_empty()),
        })
    }

    fn passes(&self, packet: &StoredPacket) -> bool {
        self.kind.is_none_or(|kind| kind == packet.kind)
            && self.verdict.is_none_or(|verdict| verdict == packet.verdict)
            && self.text.as_ref().is_none_or(|text| packet.raw.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text)))
    }

    fn passes_all(&self) -> bool {
        self.kind.is_none() && self.verdict.is_none() && self.text.is_none()
    }
}

/// The one of these words that a parameter is.
fn one_of(name: &str, value: Option<&str>, all: impl IntoIterator<Item = &'static str>) -> Result<Option<&'static str>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let words: Vec<&str> = all.into_iter().collect();
    match words.iter().find(|one| **one == value) {
        Some(one) => Ok(Some(one)),
        None => Err(ApiError::bad_request(format!("{name} = \"{}\" is none of {}", shown(value), words.join(", ")))),
    }
}

/// `GET /api/v1/packets?since=&until=&name=&kind=&verdict=&text=&limit=&cursor=&duplicates=`.
pub(crate) async fn list(State(site): SiteState, QueryOf(query): QueryOf<ListQuery>) -> Result<Answer, ApiError> {
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
    let filter = Filter::of(&query)?;
    let limit = limit(query.limit.as_deref(), 100, 10_000)?;
    let since_us = time("since", query.since.as_deref())?.unwrap_or(0);
    let latest_us = (site.clock)().saturating_add(FUTURE_US);
    let until_us = match time("until", query.until.as_deref())? {
        Some(until_us) => until_us,
        None if since_us < latest_us && before_id.is_none_or(|id| id <= latest_us) => latest_us,
        None => i64::MAX,
    };
    let asked = PacketQuery {
        since_us,
        until_us,
        about: query.name.as_deref().map(about),
        duplicates: duplicates || filter.verdict == Some("duplicate"),
        limit,
        before_id,
    };
    let place = site.answers.heavy.enter().await?;
    let filter = Arc::new(filter);
    let (mut page, mut passed_over) = looked_up(&site, &place, asked.clone(), &filter).await?;
    // Nothing at all up to now: the clock is behind, and what is stored is better than an empty list.
    if page == PacketPage::default() && until_us == latest_us && before_id.is_none() {
        (page, passed_over) = looked_up(&site, &place, PacketQuery { until_us: i64::MAX, ..asked }, &filter).await?;
    }
    let made = move || {
        let answer = Answer::new().list("packets", page.packets.iter().map(packet)).read(passed_over);
        match page.next {
            Some(next) => answer.field("next", next.to_string()),
            None => answer,
        }
    };
    place.run(made).await
}

/// The packets asked for that pass, and how many were looked at and are not among them.
async fn looked_up(site: &Site, place: &Place, asked: PacketQuery, filter: &Arc<Filter>) -> Result<(PacketPage, usize), ApiError> {
    if filter.passes_all() { Ok((site.store.packets(asked).await?, 0)) } else { filtered(&*site.store, place, asked, filter).await }
}

/// Those of the packets asked for that pass. Looks at no more than [`MOST_LOOKED_AT`]: `next` goes on there, also when
/// nothing was found yet. Also how many were looked at and are not in the page.
async fn filtered(store: &dyn Store, place: &Place, mut asked: PacketQuery, filter: &Arc<Filter>) -> Result<(PacketPage, usize), ApiError> {
    let limit = asked.limit;
    let mut found = PacketPage::default();
    let mut looked_at = 0;
    loop {
        // Much is looked through for little: more at once than is wanted.
        asked.limit = (MOST_LOOKED_AT - looked_at).min(2000);
        let page = store.packets(asked.clone()).await?;
        looked_at += page.packets.len();
        let filter = filter.clone();
        let full;
        (found, full) = place.run(move || take(found, page, limit, &filter)).await?;
        if full || found.next.is_none() || looked_at >= MOST_LOOKED_AT {
            let passed_over = looked_at - found.packets.len();
            return Ok((found, passed_over));
        }
        asked.before_id = found.next;
    }
}

/// Takes what passes of a further page, until there are enough: true.
fn take(mut found: PacketPage, page: PacketPage, limit: usize, filter: &Filter) -> (PacketPage, bool) {
    found.next = page.next;
    for packet in page.packets {
        if found.packets.len() == limit {
            // There is more on this page: the next request begins with it.
            found.next = found.packets.last().map(|packet| packet.id);
            return (found, true);
        }
        if filter.passes(&packet) {
            found.packets.push(packet);
        }
    }
    (found, false)
}

/// `GET /api/v1/packets/{id}`: a packet, the stations it went through and what its bytes mean.
pub(crate) async fn one(State(site): SiteState, PathOf(id): PathOf<String>) -> Result<Json<Value>, ApiError> {
    let unknown = || ApiError::not_found(format!("There is no packet \"{}\", or it is past the retention.", shown(&id)));
    let number = id.parse().ok().filter(|id| *id > 0).ok_or_else(unknown)?;
    let place = site.answers.heavy.enter().await?;
    let stored = site.store.packet(number).await?.ok_or_else(unknown)?;
    drop(place);
    let mut object = packet(&stored);
    // A line that is no packet went no way that could be told.
    if let Ok(parsed) = parse(&stored.raw) {
        object["heard"] = parsed.heard().as_str().into();
        let position = |callsign: &str| {
            let state = site.live.get(&EntityKey { kind: EntityKind::Station, name: Name::new(callsign.as_bytes())? })?;
            state.position.map(|(_, fix, _)| (fix.latitude, fix.longitude))
        };
        object["hops"] = hops(&parsed, &position).into();
    }
    let explained = explain(&stored.raw);
    if let Err(error) = &explained.packet {
        object["error"] = json!({ "code": error.code.as_str(), "message": error.message(), "offset": error.offset });
    }
    object["explanation"] = explained.spans.iter().map(span).collect();
    Ok(Json(object))
}

/// A run of bytes and what it means. Together the spans cover the line, each byte once.
fn span(explained: &Explained) -> Value {
    let mut object = json!({
        "start": explained.span.start,
        "end": explained.span.end,
        "field": explained.span.field.as_str(),
        "text": explained.text,
        "meaning": explained.meaning,
    });
    if !explained.value.is_empty() {
        object["value"] = explained.value.clone().into();
    }
    if !explained.warnings.is_empty() {
        let warning = |code: &DiagnosticCode| json!({ "code": code.as_str(), "message": code.message() });
        object["warnings"] = explained.warnings.iter().map(warning).collect();
    }
    object
}

/// The way of a packet in order: its sender (of a third-party packet the gateway, which sent it), the digipeaters that were
/// asked for, those that repeated it being `used`, and the igate. An alias that was used up belongs to the callsign before
/// it; one without any stands for a digipeater that did not give its name. Marks of networks are no hops, and with `qAS`
/// nobody knows whether the last station heard it. Positions are where the stations are now, the
/// sender's is what the packet says.
fn hops(packet: &Packet<'_>, position: &dyn Fn(&str) -> Option<(f64, f64)>) -> Vec<Value> {
    let own = packet.position.filter(|_| packet.third_party.is_none() && packet.name.is_none()).map(|at| (at.latitude, at.longitude));
    let hop = |callsign: &str, role: &str, used: bool, place: Option<(f64, f64)>| {
        let mut object = json!({ "callsign": callsign, "role": role, "used": used });
        if let Some((latitude, longitude)) = place.or_else(|| position(callsign)) {
            object["latitude"] = rounded(latitude, 6).into();
            object["longitude"] = rounded(longitude, 6).into();
        }
        object
    };
    let mut hops = vec![hop(packet.source.as_str(), "source", true, own)];
    let mut named = false;
    for digipeater in packet.path.radio().filter(|hop| !matches!(hop.callsign, "TCPIP" | "TCPXX") && !is_network_mark(hop.callsign)) {
        let alias = is_alias(digipeater.callsign);
        let belongs = digipeater.used && alias && std::mem::take(&mut named);
        named |= digipeater.used && !alias;
        if !belongs {
            hops.push(hop(digipeater.callsign, "digipeater", digipeater.used, None));
        }
    }
    let igate = packet.path.igate().filter(|_| packet.q_construct() != Some("qAS"));
    hops.extend(igate.map(|igate| hop(igate, "igate", true, None)));
    hops
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
        if let Some(sentence) = sentence(reason) {
            object["message"] = sentence.into();
        }
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
    use super::{base64, hops, parse};

    #[test]
    fn hops_tell_who_repeated_it() {
        let way = |line: &str| -> Vec<String> {
            let position = |callsign: &str| (callsign == "OE9XYZ-10").then_some((47.5, 9.5));
            hops(&parse(line.as_bytes()).expect(line), &position)
                .iter()
                .map(|hop| {
                    let text = |field: &str| hop[field].as_str().unwrap_or_default().to_owned();
                    let placed = if hop["latitude"].is_number() { "@" } else { "" };
                    format!("{} {}{}{placed}", &text("role")[..1], text("callsign"), if hop["used"] == true { "" } else { "?" })
                })
                .collect()
        };
        let fix = "!4722.85N/00832.46E>";
        assert_eq!(
            way(&format!("OE1A-9>APRS,OE2B,WIDE1*,OE3C*,WIDE2-1,qAR,OE9XYZ-10:{fix}")),
            ["s OE1A-9@", "d OE2B", "d OE3C", "d WIDE2-1?", "i OE9XYZ-10@"]
        );
        assert_eq!(way("OE1A-9>APRS,WIDE1*,OE2B*,qAO,OE9XYZ-10:>hi"), ["s OE1A-9", "d WIDE1", "d OE2B", "i OE9XYZ-10@"]);
        assert_eq!(way(&format!("OE1A-9>APRS,WIDE1-1,qAR,G1:{fix}")), ["s OE1A-9@", "d WIDE1-1?", "i G1"]);
        assert_eq!(way("OE1A>APRS,TCPIP*,qAC,T2X:>hi"), ["s OE1A"]);
        assert_eq!(way("OE1A>APRS,OE2B*,WIDE2-1,qAS,SERVER:>hi"), ["s OE1A", "d OE2B", "d WIDE2-1?"]);
        assert_eq!(way("OE1A>APDPRS,DSTAR*,qAR,OE9G-B:>hi"), ["s OE1A"]);
        assert_eq!(way(&format!("OE9G-10>APRS,OE2B*,qAR,G1:}}DL1AA>APRS,TCPIP,OE9G-10*:{fix}")), ["s OE9G-10", "d OE2B", "i G1"]);
        assert_eq!(way(&format!("OE1A>APRS,TCPIP*,qAC,T2X:;CAMP     *231015z{}", &fix[1..])), ["s OE1A"]);
    }

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
