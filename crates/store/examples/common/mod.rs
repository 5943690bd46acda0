//! What the benches of the two engines share: the same packets, the same questions, the same words.

#![allow(dead_code, reason = "each bench uses a part")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline, Record};
use godwit_store::{Area, Batch, HeardSide, PacketQuery, Store};

/// Heard now and then, in one place or moving.
const STATIONS: usize = 50_000;
/// Cars: every tenth packet two times.
const TRACKERS: usize = 500;
/// Weather every ten minutes: every tenth packet.
const WEATHER: usize = 500;
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// 2026-11-23 00:00:00 UTC.
pub(crate) const START_US: i64 = 1_795_392_000_000_000;

/// Rows to begin with: MILLIONS (default 5).
pub(crate) fn rows() -> usize {
    (std::env::var("MILLIONS").map_or(5.0, |millions| millions.parse::<f64>().unwrap()) * 1e6) as usize
}

/// Batches over seven days.
pub(crate) struct Traffic {
    pipeline: Pipeline,
    pub(crate) next: usize,
    step_us: i64,
}

impl Traffic {
    /// So many packets in seven days.
    pub(crate) fn new(packets: usize) -> Self {
        Self { pipeline: Pipeline::default(), next: 0, step_us: 7 * DAY_US / packets as i64 }
    }

    pub(crate) fn batch(&mut self, size: usize) -> Batch {
        let mut batch = Batch::default();
        for i in self.next..self.next + size {
            let outcome = self.pipeline.accept(START_US + i as i64 * self.step_us, line(i).as_bytes());
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
        self.next += size;
        batch
    }
}

fn line(i: usize) -> String {
    let round = i / 10;
    match i % 10 {
        0 => {
            let who = round % WEATHER;
            format!("W{who}B>APRS,TCPIP*,qAC,T2X:!{}_220/004g005t{:03}r000p002P001h50b09900", place(who * 97, 0), i / 7 % 100)
        }
        at @ (3 | 7) => {
            let who = (round * 2 + at / 7) % TRACKERS;
            let path = ["WIDE1-1,qAR,GATE7", "DIGI4*,WIDE2-1,qAR,GATE9"][i / 10 % 2];
            format!("T{who}B-9>APRS,{path}:!{}>147/064/A=001414 on the road", place(who * 89, round / TRACKERS))
        }
        _ => {
            let who = i * 7919 % STATIONS;
            // Four of seven stations send by the internet, so that with the trackers half of all packets come from radio. Of
            // captured APRS-IS lines 45 % of 97,000 do by their q construct (2012), and 26 % of 1,200 (2021).
            let path = if who % 7 < 4 { "TCPIP*,qAC,T2X".to_owned() } else { format!("WIDE1-1,qAR,GATE{}", who % 100) };
            format!("N{who}B>APRS,{path}:!{}-147/064/A=001414 on the road", place(who, i / 2 / STATIONS))
        }
    }
}

/// 35 to 60 north, 0 to 40 east.
fn place(who: usize, moved: usize) -> String {
    format!("{}{:02}.{:02}N/{:03}{:02}.46E", 35 + who % 25, who % 60, moved % 100, who / 25 % 40, who / 60 % 60)
}

/// A packet as a table keeps it that has a column for everything a packet says: 35 columns, which is the row that our
/// floors are about. Texts and numbers as COPY BINARY takes them.
pub(crate) const WIDE_COLUMNS: &str = "id uuid, received_at timestamptz, inserted_at timestamptz, sender text, base_callsign text,
  ssid text, destination text, path text, raw text, information text, kind text, comment text, symbol_table text, symbol_code text,
  latitude float8, longitude float8, altitude float8, speed float8, course int4, has_position bool, has_weather bool,
  temperature float8, humidity float8, wind_speed float8, wind_gust float8, wind_direction int4, pressure float8, rain_1h float8,
  rain_24h float8, rain_midnight float8, luminosity float8, device text, region text, tags text, geom geometry(Point, 4326)";

/// The values of [`WIDE_COLUMNS`] for a record; `None` is absent.
pub(crate) fn wide_row(record: &Record) -> Vec<Option<Vec<u8>>> {
    let raw = &record.raw[..];
    let colon = raw.iter().position(|byte| *byte == b':').unwrap_or(0);
    let (header, information) = (&raw[..colon], &raw[colon..]);
    let greater = header.iter().position(|byte| *byte == b'>').unwrap_or(0);
    let (sender, rest) = (&header[..greater], &header[greater..]);
    let text = |bytes: &[u8]| Some(bytes.to_vec());
    let float = |value: f64| Some(value.to_be_bytes().to_vec());
    let (latitude, longitude) = record.position.unwrap_or((47.0, 8.0));
    let weather = raw.contains(&b'_');
    let reading = |value: f64| if weather { float(value) } else { None };
    let uuid = [record.received_at_us.to_be_bytes(), record.received_at_us.rotate_left(17).to_be_bytes()].concat();
    let time = Some((record.received_at_us - 946_684_800_000_000).to_be_bytes().to_vec());
    // EWKB: little endian, a point with SRID 4326.
    let geom = [&[1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0][..], &longitude.to_le_bytes(), &latitude.to_le_bytes()].concat();
    vec![
        Some(uuid),
        time.clone(),
        time,
        text(sender),
        text(sender.split(|byte| *byte == b'-').next().unwrap_or(sender)),
        text(b"9"),
        text(b"APRS"),
        text(rest),
        text(raw),
        text(information),
        text(record.kind.as_bytes()),
        text(b"on the road"),
        text(b"/"),
        text(b">"),
        float(latitude),
        float(longitude),
        float(431.0),
        float(118.5),
        Some(147_i32.to_be_bytes().to_vec()),
        Some(vec![1]),
        Some(vec![u8::from(weather)]),
        reading(21.0),
        reading(50.0),
        reading(1.8),
        reading(2.2),
        weather.then(|| 220_i32.to_be_bytes().to_vec()),
        reading(990.0),
        reading(0.0),
        reading(0.5),
        reading(0.25),
        None,
        None,
        None,
        None,
        Some(geom),
    ]
}

pub(crate) fn station(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

pub(crate) fn tracker(draw: usize) -> EntityKey {
    station(&format!("T{}B-9", draw * 7 % TRACKERS))
}

pub(crate) fn weather(draw: usize) -> EntityKey {
    station(&format!("W{}B", draw * 7 % WEATHER))
}

/// What, degrees high, degrees wide.
pub(crate) const BOXES: [(&str, f64, f64); 3] = [("city", 0.4, 0.5), ("country", 6.0, 8.0), ("continent", 35.0, 50.0)];

pub(crate) fn area(draw: usize, height: f64, width: f64) -> Area {
    let (south, west) = ((35 + draw * 7 % 20) as f64, (draw * 11 % 35) as f64);
    Area { south, west, north: south + height, east: west + width }
}

pub(crate) fn newest(about: Option<Vec<EntityKey>>) -> PacketQuery {
    PacketQuery { since_us: 0, until_us: i64::MAX, about, duplicates: false, limit: 100, before_id: None }
}

/// Every question is about something that was not touched since the store was opened.
pub(crate) async fn questions(store: &dyn Store, now_us: i64) {
    let (day, week) = (now_us - DAY_US, now_us - 7 * DAY_US);
    let gate = |draw: usize| Name::new(format!("GATE{}", draw % 100).as_bytes()).unwrap();
    time("track 24 h", async |draw| store.track(tracker(draw), day, now_us, 10_000).await.unwrap().len()).await;
    time("weather 7 days", async |draw| store.weather(weather(draw), week, now_us, 10_000).await.unwrap().len()).await;
    for (what, height, width) in BOXES {
        time(&format!("box {what}"), async |draw| store.in_area(area(draw, height, width), 0, 100_000).await.unwrap().len()).await;
    }
    time("newest of a station", async |draw| store.packets(newest(Some(vec![tracker(draw)]))).await.unwrap().packets.len()).await;
    time("newest of all", async |_| store.packets(newest(None)).await.unwrap().packets.len()).await;
    time("hours of 7 days", async |_| store.hours(week, now_us).await.unwrap().len()).await;
    time("heard by, 7 days", async |draw| store.heard(gate(draw), HeardSide::By, week, 100).await.unwrap().len()).await;
    time("heard of, 7 days", async |draw| store.heard(tracker(draw).name, HeardSide::Of, week, 100).await.unwrap().len()).await;
}

/// Prints how long 200 questions took.
pub(crate) async fn time(what: &str, ask: impl AsyncFn(usize) -> usize) {
    let (mut times, mut found) = (Vec::new(), 0);
    for draw in 0..200 {
        let began = Instant::now();
        found += ask(draw).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let ms = |at: usize| times[times.len() * at / 100].as_secs_f64() * 1e3;
    println!("{what:<20} {:>10.2} ms p50 {:>8.2} ms p95   {} rows on average", ms(50), ms(95), found / times.len());
}

/// How fast something went, beside its floors.
pub(crate) fn rates(packets: usize, ours: Duration, floors: &[(&str, Duration)]) {
    let rate = |time: Duration| packets as f64 / time.as_secs_f64();
    for (what, time) in floors {
        println!("  {what:<24} {:>10.0} packets/s", rate(*time));
    }
    println!("  {:<24} {:>10.0} packets/s", "the store", rate(ours));
    for (what, time) in floors {
        println!("    {:.3} of {what}", rate(ours) / rate(*time));
    }
}

/// Processor time of this process, or with `Some` of another one.
pub(crate) fn cpu(pid: Option<u32>) -> Duration {
    let path = pid.map_or_else(|| "/proc/self/stat".to_owned(), |pid| format!("/proc/{pid}/stat"));
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap_or_default().split(' ').skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes of all files in a folder.
pub(crate) fn bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| if entry.path().is_dir() { bytes(&entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}
