//! `GET /api/v1/stations/{name}/telemetry`: the telemetry that an entity sent, with names, units and equations as far as
//! the entity sent them itself within the time that is asked for. Packets are read again for it.

use axum::{
    Json,
    extract::{Query, State},
};
use godwit_packet::{Telemetry, TelemetryDefinition, parse};
use godwit_pipeline::EntityKey;
use godwit_store::{PacketQuery, StoredPacket};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    limit, rfc3339, span,
    stations::{keys, kinds, known, unknown},
};
use crate::{
    Site, SiteState,
    error::{ApiError, PathOf},
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
    Query(query): Query<TelemetryQuery>,
) -> Result<Json<Value>, ApiError> {
    let keys = keys(&name, kinds(query.kind.as_deref())?);
    let between = span(query.since.as_deref(), query.until.as_deref(), (site.clock)())?;
    let limit = limit(query.limit.as_deref(), 1000, 10_000)?;
    for key in keys.iter().copied() {
        let series = read(&site, key, between, limit).await?;
        if !series.reports.is_empty() {
            return Ok(Json(series.json(key)));
        }
    }
    known(&site, &keys).await?.map(|key| Json(Series::default().json(key))).ok_or_else(|| unknown(&name))
}

/// Newest first, until there are enough reports and all that tells what they mean, or the bound is reached.
async fn read(site: &Site, key: EntityKey, (since_us, until_us): (i64, i64), limit: usize) -> Result<Series, ApiError> {
    let mut series = Series::default();
    let mut before_id = None;
    for _ in 0..MOST_READ / READ_AT_ONCE {
        let about = Some(vec![key]);
        let query = PacketQuery { since_us, until_us, about, duplicates: false, limit: READ_AT_ONCE, before_id };
        let page = site.store.packets(query).await?;
        for packet in &page.packets {
            series.take(packet, key, limit);
        }
        before_id = page.next;
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

    fn json(&self, key: EntityKey) -> Value {
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
        let reports: Vec<Value> = self.reports.iter().map(|report| self.report_json(report)).collect();
        let mut answer = json!({
            "name": key.name.to_string(),
            "kind": key.kind.as_str(),
            "channels": channels,
            "bits": bits,
            "reports": reports,
            "truncated": self.truncated,
        });
        if let Some((sense, project)) = &self.sense {
            answer["bit_sense"] = format!("{sense:08b}").into();
            if !project.is_empty() {
                answer["project"] = project.clone().into();
            }
        }
        answer
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
