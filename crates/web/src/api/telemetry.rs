//! `GET /api/v1/stations/{name}/telemetry`: the telemetry that an entity sent, with names, units and equations as far as
//! the entity sent them itself within the time that is asked for. Packets are read again for it.

use axum::extract::State;
use godwit_packet::{Telemetry, TelemetryDefinition, parse};
use godwit_pipeline::EntityKey;
use godwit_store::{PacketQuery, Store, StoredPacket};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    limit, rfc3339, span,
    stations::{keys, kinds, known, unknown},
};
use crate::{
    SiteState,
    answer::Answer,
    error::{ApiError, PathOf, QueryOf},
    heavy::Place,
};

/// Packets of the entity that one request reads, and at once.
const MOST_READ: usize = 20_000;
const READ_AT_ONCE: usize = 2000;
/// Analogue channels of a report, and all with the bits.
const CHANNELS: usize = 5;
const NAMED: usize = 13;

#[derive(Deserialize)]
pub(crate) struct TelemetryQuery {
    kind: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/{name}/telemetry?kind=&since=&until=&limit=`: the newest `limit` reports, oldest first.
pub(crate) async fn telemetry(
    State(site): SiteState,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<TelemetryQuery>,
) -> Result<Answer, ApiError> {
    let keys = keys(&name, kinds(query.kind.as_deref())?);
    let between = span(query.since.as_deref(), query.until.as_deref(), (site.clock)())?;
    let limit = limit(query.limit.as_deref(), 1000, 10_000)?;
    let place = site.answers.heavy.enter().await?;
    for key in keys.iter().copied() {
        let series = read(&*site.store, &place, key, between, limit).await?;
        if !series.reports.is_empty() {
            return place.run(move || series.answer(key)).await;
        }
    }
    known(&site, &keys).await?.map(|key| Series::default().answer(key)).ok_or_else(|| unknown(&name))
}

/// Newest first, until there are enough reports and all that tells what they mean, or the bound is reached.
async fn read(
    store: &dyn Store,
    place: &Place,
    key: EntityKey,
    (since_us, until_us): (i64, i64),
    limit: usize,
) -> Result<Series, ApiError> {
    let mut series = Series::default();
    let mut before_id = None;
    for _ in 0..MOST_READ / READ_AT_ONCE {
        let about = Some(vec![key]);
        let query = PacketQuery { since_us, until_us, about, duplicates: false, limit: READ_AT_ONCE, before_id };
        let page = store.packets(query).await?;
        before_id = page.next;
        let taking = move || {
            series.read += page.packets.len();
            page.packets.iter().for_each(|packet| series.take(packet, key, limit));
            series
        };
        series = place.run(taking).await?;
        if before_id.is_none() || series.is_whole() {
            break;
        }
    }
    series.truncated |= before_id.is_some();
    series.reports.reverse();
    Ok(series)
}

#[derive(Debug)]
struct Report {
    id: i64,
    received_at_us: i64,
    sequence: Option<u32>,
    values: [Option<f64>; CHANNELS],
    bits: Option<u8>,
}

/// What was found; of each definition the latest.
#[derive(Debug, Default)]
struct Series {
    reports: Vec<Report>,
    truncated: bool,
    names: Option<Vec<String>>,
    units: Option<Vec<String>>,
    equations: Option<[[f64; 3]; CHANNELS]>,
    /// Which state of each bit is true, B1 in the highest place, and the project.
    sense: Option<(u8, String)>,
    /// Packets that were read.
    read: usize,
}

impl Series {
    /// Whether older packets would add nothing.
    fn is_whole(&self) -> bool {
        self.truncated && self.names.is_some() && self.units.is_some() && self.equations.is_some() && self.sense.is_some()
    }

    /// Takes an older packet than all before.
    fn take(&mut self, stored: &StoredPacket, key: EntityKey, limit: usize) {
        let Ok(packet) = parse(&stored.raw) else { return };
        let packet = packet.innermost();
        let own = packet.message.is_some_and(|message| message.addressee.bytes() == key.name.as_bytes());
        if let Some(definition) = packet.telemetry_definition().filter(|_| own) {
            let texts = |texts: Vec<godwit_packet::Text<'_>>| texts.iter().map(|text| text.to_string_lossy().into_owned()).collect();
            match definition {
                TelemetryDefinition::Names(names) => _ = self.names.get_or_insert_with(|| texts(names)),
                TelemetryDefinition::Units(units) => _ = self.units.get_or_insert_with(|| texts(units)),
                TelemetryDefinition::Equations(equations) => _ = self.equations.get_or_insert(equations),
                TelemetryDefinition::Bits { sense, project } => {
                    self.sense.get_or_insert_with(|| (sense, project.to_string_lossy().into_owned()));
                }
                _ => {}
            }
        } else if let Some(telemetry) = packet.telemetry {
            if self.reports.len() < limit {
                self.reports.push(report(stored, &telemetry));
            } else {
                self.truncated = true;
            }
        }
    }

    fn answer(&self, key: EntityKey) -> Answer {
        let named = |texts: &Option<Vec<String>>, at: usize| {
            texts.as_ref().and_then(|texts| texts.get(at)).filter(|text| !text.is_empty()).cloned()
        };
        let channel = |at: usize| {
            let mut object = Map::new();
            for (field, texts) in [("name", &self.names), ("unit", &self.units)] {
                if let Some(text) = named(texts, at) {
                    object.insert(field.into(), text.into());
                }
            }
            object
        };
        let mut channels: Vec<Map<String, Value>> = (0..NAMED).map(channel).collect();
        if let Some(equations) = &self.equations {
            for (object, equation) in channels.iter_mut().zip(equations) {
                object.insert("equation".into(), json!(equation));
            }
        }
        let bits = channels.split_off(CHANNELS);
        let mut answer = Answer::new().field("name", key.name.to_string()).field("kind", key.kind.as_str());
        answer = answer.field("channels", channels).field("bits", bits);
        if let Some((sense, project)) = &self.sense {
            answer = answer.field("bit_sense", format!("{sense:08b}"));
            if !project.is_empty() {
                answer = answer.field("project", project.clone());
            }
        }
        answer = answer.list("reports", self.reports.iter().map(|report| self.report_json(report)));
        answer.field("truncated", self.truncated).read(self.read.saturating_sub(self.reports.len()))
    }

    fn report_json(&self, report: &Report) -> Value {
        let value = |at: usize, raw: f64| match self.equations.map(|equations| equations[at]) {
            Some([a, b, c]) => a * raw * raw + b * raw + c,
            None => raw,
        };
        // JSON has no infinity: an equation may make one, and then there is no value.
        let values: Vec<Value> = report.values.iter().enumerate().map(|(at, raw)| json!(raw.map(|raw| value(at, raw)))).collect();
        let mut object = json!({ "id": report.id.to_string(), "received_at": rfc3339(report.received_at_us), "values": values });
        if self.equations.is_some() {
            object["raw_values"] = json!(report.values);
        }
        if let Some(sequence) = report.sequence {
            object["sequence"] = sequence.into();
        }
        if let Some(bits) = report.bits {
            object["bits"] = format!("{bits:08b}").into();
        }
        object
    }
}

fn report(stored: &StoredPacket, telemetry: &Telemetry<'_>) -> Report {
    let mut values = telemetry.values;
    values.iter_mut().skip(telemetry.values().len()).for_each(|value| *value = None);
    Report { id: stored.id, received_at_us: stored.received_at_us, sequence: telemetry.sequence, values, bits: telemetry.bits }
}
