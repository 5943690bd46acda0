//! What a viewer of a busy city gets in an hour, in bytes, and what packing these would save and cost. The hour is
//! simulated: every packet and every tick of it happens, one right after the other.

use std::collections::HashMap;

use flate2::{Compress, Compression, FlushCompress};
use godwit_live::{Limits, Live};
use godwit_pipeline::Pipeline;
use godwit_simulator::{Simulator, SimulatorConfig};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    load::tiles,
    wire::{self, Deltas},
};

const SECOND_US: i64 = 1_000_000;
/// The traffic of the whole network.
const PACKETS_A_SECOND: u32 = 200;
const STATIONS: usize = 20_000;

/// CPU time of this thread, seconds.
pub fn thread_cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A way to pack messages for one viewer, as `permessage-deflate` does (RFC 7692).
struct Packer {
    name: &'static str,
    compress: Compress,
    /// What was sent before helps to pack what comes.
    remembers: bool,
    bytes: usize,
    cpu_s: f64,
}

impl Packer {
    fn new(name: &'static str, level: u32, remembers: bool) -> Self {
        Self { name, compress: Compress::new(Compression::new(level), false), remembers, bytes: 0, cpu_s: 0.0 }
    }

    fn take(&mut self, message: &[u8]) {
        let began = thread_cpu_s();
        let mut out = Vec::with_capacity(message.len() + 64);
        if !self.remembers {
            self.compress.reset();
        }
        self.compress.compress_vec(message, &mut out, FlushCompress::Sync).expect("packed");
        self.cpu_s += thread_cpu_s() - began;
        // The last four bytes of a flush are not sent.
        self.bytes += header(out.len() - 4) + out.len() - 4;
    }
}

/// Bytes of the frame round a message.
fn header(length: usize) -> usize {
    match length {
        ..126 => 2,
        126..65_536 => 4,
        _ => 10,
    }
}

/// The tiles of a view (front/src/live/tiles.ts): its width in pixels and the margin of a fifth on each side.
fn view(centre: (f64, f64), zoom: i32, (width, height): (f64, f64)) -> Vec<(u8, u16, u16)> {
    let level: u8 = match zoom {
        ..7 => 3,
        7..9 => 5,
        9..11 => 7,
        11.. => 9,
    };
    let (side, world) = (f64::from(1_u32 << level), 256.0 * 2.0_f64.powi(zoom));
    let reach = |pixels: f64| pixels / world * side * 0.7;
    let range = |middle: f64, reach: f64| (middle * side - reach).floor() as u16..=(middle * side + reach).floor() as u16;
    let columns = range(centre.0, reach(width));
    columns.flat_map(|x| range(centre.1, reach(height)).map(move |y| (level, x, y))).collect()
}

/// Web Mercator, 0..1.
fn mercator(latitude: f64, longitude: f64) -> (f64, f64) {
    (longitude / 360.0 + 0.5, 0.5 - latitude.to_radians().sin().atanh() / (2.0 * std::f64::consts::PI))
}

/// Simulates an hour and prints what its viewers got.
pub fn hour() {
    let start_us = 1_800_000_000 * SECOND_US;
    let live = Live::new(Limits { entities: 500_000, age_us: 86_400 * SECOND_US, viewers: 10 }, start_us);
    let mut simulator = Simulator::new(&SimulatorConfig { seed: 1, stations: STATIONS, rate: f64::from(PACKETS_A_SECOND), start_us });
    let mut pipeline = Pipeline::default();
    // Before the viewers come, everybody was heard, and it shows where most is going on.
    let mut busy: HashMap<(u16, u16), (u32, (f64, f64))> = HashMap::new();
    let mut line = simulator.next_line();
    while line.at_us < start_us + 1200 * SECOND_US {
        let place = mercator(line.position.0, line.position.1);
        let tile = busy.entry(((place.0 * 512.0) as u16, (place.1 * 512.0) as u16)).or_insert((0, (0.0, 0.0)));
        tile.0 += 1;
        tile.1 = (tile.1.0 + place.0, tile.1.1 + place.1);
        live.apply(&pipeline.accept(line.at_us, &line.bytes).changes);
        line = simulator.next_line();
    }
    let (packets, sums) = busy.values().max_by_key(|(packets, _)| *packets).expect("traffic");
    let city = (sums.0 / f64::from(*packets), sums.1 / f64::from(*packets));
    let (mut now_us, mut number) = (start_us + 1200 * SECOND_US, 0);
    live.tick(now_us, now_us, number);
    println!("an hour in the busiest city, {PACKETS_A_SECOND} packets/s in the world, {:.1} of them there", f64::from(*packets) / 1200.0);

    let views = [
        ("desktop, zoom 12", 12, (1280.0, 800.0)),
        ("desktop, zoom 11", 11, (1280.0, 800.0)),
        ("phone, zoom 11", 11, (390.0, 844.0)),
        ("desktop, zoom 10", 10, (1280.0, 800.0)),
        ("desktop, zoom 8", 8, (1280.0, 800.0)),
        ("desktop, zoom 6", 6, (1280.0, 800.0)),
    ];
    let mut viewers: Vec<_> = views
        .iter()
        .map(|(name, zoom, size)| {
            let mut viewer = live.viewer().expect("room");
            let list = view(city, *zoom, *size);
            viewer.subscribe(&tiles(&list), now_us).expect("tiles");
            let first = viewer.news(now_us);
            Hour { name, viewer, tiles: list.len(), first: first.len(), messages: 0, bytes: 0, updates: 0, unpacked: 0, largest: 0 }
        })
        .collect();
    let mut packers = [
        Packer::new("permessage-deflate, level 6, with what came before", 6, true),
        Packer::new("permessage-deflate, level 1, with what came before", 1, true),
        Packer::new("permessage-deflate, level 6, each message alone", 6, false),
    ];
    let (mut each_packed, mut each_cpu_s) = (0, 0.0);
    let mut deltas = Deltas::default();
    let end_us = now_us + 3600 * SECOND_US;
    while now_us < end_us {
        now_us += SECOND_US / 4;
        number += 1;
        while line.at_us <= now_us {
            live.apply(&pipeline.accept(line.at_us, &line.bytes).changes);
            line = simulator.next_line();
        }
        live.tick(now_us, now_us, number);
        for (at, hour) in viewers.iter_mut().enumerate() {
            let message = hour.viewer.news(now_us);
            if message.is_empty() {
                continue;
            }
            let bytes = message.pieces.concat();
            hour.messages += 1;
            hour.bytes += bytes.len() + header(bytes.len());
            hour.updates += deltas.updates(&bytes);
            hour.unpacked += bytes.len() + header(bytes.len()) + deltas.saved(&bytes);
            hour.largest = hour.largest.max(bytes.len());
            if at != 1 {
                continue;
            }
            packers.iter_mut().for_each(|packer| packer.take(&bytes));
            let began = thread_cpu_s();
            for piece in &message.pieces {
                each_packed += piece.len().min(packed(piece));
            }
            each_cpu_s += thread_cpu_s() - began;
            each_packed += header(bytes.len());
        }
    }
    for hour in &viewers {
        println!(
            "  {}, {} tiles: {:.3} MB ({:.3} if large deltas were not packed) after a first {:.1} kB; {} messages of {:.1} updates, {:.1} bytes an update, the largest {} bytes",
            hour.name,
            hour.tiles,
            hour.bytes as f64 / 1e6,
            hour.unpacked as f64 / 1e6,
            hour.first as f64 / 1e3,
            hour.messages,
            hour.updates as f64 / f64::from(hour.messages),
            hour.bytes as f64 / hour.updates as f64,
            hour.largest
        );
    }
    let plain = &viewers[1];
    println!("  of {}, packed:", plain.name);
    for packer in packers {
        println!(
            "    {}: {:.2} of the bytes, {:.1} us of CPU for each message and viewer",
            packer.name,
            packer.bytes as f64 / plain.bytes as f64,
            packer.cpu_s / f64::from(plain.messages) * 1e6
        );
    }
    println!(
        "    each delta once for all viewers: {:.2} of the bytes, {:.1} us for each message",
        each_packed as f64 / plain.bytes as f64,
        each_cpu_s / f64::from(plain.messages) * 1e6
    );
    snapshots(&live, now_us);
}

struct Hour {
    name: &'static str,
    viewer: godwit_live::Viewer,
    tiles: usize,
    first: usize,
    messages: u32,
    bytes: usize,
    updates: usize,
    unpacked: usize,
    largest: usize,
}

/// Bytes of a piece under raw DEFLATE.
fn packed(piece: &[u8]) -> usize {
    let mut out = Vec::with_capacity(piece.len() + 64);
    Compress::new(Compression::new(4), false).compress_vec(piece, &mut out, FlushCompress::Finish).expect("packed");
    out.len()
}

/// Bytes of an entity in the snapshots of whole levels.
fn snapshots(live: &std::sync::Arc<Live>, now_us: i64) {
    for level in [3_u8, 5] {
        let side = 1_u16 << level;
        let (mut bytes, mut entities) = (0, 0);
        for (x, y) in (0..side).flat_map(|x| (0..side).map(move |y| (x, y))) {
            let mut viewer = live.viewer().expect("room");
            viewer.subscribe(&tiles(&[(level, x, y)]), now_us).expect("a tile");
            let message = viewer.news(now_us).pieces.concat();
            for (kind, body) in wire::frames(&message) {
                if kind == wire::SNAPSHOT {
                    bytes += body.len();
                    entities += wire::entities(body);
                }
            }
        }
        println!("  snapshots of level {level}: {entities} entities, {:.1} bytes each", bytes as f64 / entities as f64);
    }
}
