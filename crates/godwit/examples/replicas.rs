//! Three replicas on one machine under 200 packets a second: how long a packet takes from the APRS-IS server to a viewer
//! of each replica, and whether all of them see the same. `cargo run --release --example replicas -- SECONDS`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use stage::Stage;

const RATE: u64 = 200;

/// Stations of the ledger; each has a new place every 2.5 s.
const STATIONS: u64 = 500;

/// The tiles of level 7 that the ledger's stations are in.
fn tile_of(latitude: f64, longitude: f64) -> (u16, u16, f64, f64) {
    let side = 128.0;
    let x = (longitude + 180.0) / 360.0 * side;
    let y = (1.0 - latitude.to_radians().sin().atanh() / std::f64::consts::PI) / 2.0 * side;
    (x as u16, y as u16, x.fract() * 65_536.0, y.fract() * 65_536.0)
}

/// Where the line with this number puts its station: the tile's row, and how far down in it, in 1/65536.
fn place(number: u64) -> (u16, u16, f64) {
    let (station, hundredths) = (number % STATIONS, number / STATIONS % 100);
    let latitude = 48.0 + ((station / 25) as f64 + hundredths as f64 / 100.0) / 60.0;
    let (x, y, _, down) = tile_of(latitude, 10.0 + (station % 25) as f64 / 60.0);
    (x, y, down)
}

/// A viewer of these tiles; each message of the stream with the time it came.
fn watch(address: &str, tiles: &[(u16, u16)], stop: &AtomicBool) -> Vec<(Instant, Vec<u8>)> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let ask = "GET /live/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(ask.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let list: Vec<String> = tiles.iter().map(|(x, y)| format!("[7,{x},{y}]")).collect();
    let text = format!("{{\"tiles\":[{}]}}", list.join(","));
    let masked: Vec<u8> = text.bytes().map(|byte| byte ^ 7).collect();
    socket.write_all(&[&[0x81, 0x80 | u8::try_from(text.len()).unwrap(), 7, 7, 7, 7][..], &masked].concat()).unwrap();
    let (mut messages, mut waiting) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.read(&mut buffer) else { continue };
        assert!(length > 0, "the server closed");
        let now = Instant::now();
        waiting.extend_from_slice(&buffer[..length]);
        while let Some((payload, used)) = frame(&waiting) {
            messages.push((now, payload));
            waiting.drain(..used);
        }
    }
    messages
}

/// A whole WebSocket frame at the beginning of the bytes, and how many it takes.
fn frame(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (length, start) = match *bytes.get(1)? {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    Some((bytes.get(start..start + length)?.to_vec(), start + length))
}

fn varint(bytes: &mut &[u8]) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

/// Stations and their distance from the north in the deltas of a message: (tile's row, station, 1/65536).
fn moves(message: &[u8]) -> Vec<(u16, u64, u16)> {
    let mut found = Vec::new();
    let mut rest = &message[1..];
    while let Some(kind) = rest.first().copied() {
        rest = &rest[1..];
        let length = varint(&mut rest);
        let mut body = take(&mut rest, length);
        if kind != 3 && kind != 7 {
            continue;
        }
        let head = take(&mut body, 13);
        let mut unpacked = Vec::new();
        if kind == 7 {
            flate2::read::DeflateDecoder::new(body).read_to_end(&mut unpacked).unwrap();
            body = &unpacked;
        }
        let row = u16::from_le_bytes([head[3], head[4]]);
        take(&mut body, 4);
        let stride = usize::from(take(&mut body, 1)[0]);
        let count = varint(&mut body);
        for _ in 0..count {
            varint(&mut body);
        }
        take(&mut body, 2 * count);
        let down = take(&mut body, 2 * count);
        take(&mut body, (stride - 4) * count);
        let lengths = take(&mut body, count);
        for at in 0..count {
            let name = String::from_utf8_lossy(take(&mut body, lengths[at].into())).into_owned();
            let station = name.strip_prefix("LG").and_then(|rest| rest.strip_suffix("-9")).and_then(|number| number.parse().ok());
            let down = u16::from_le_bytes([down[2 * at], down[2 * at + 1]]);
            found.extend(station.map(|station| (row, station, down)));
        }
    }
    found
}

fn report(how: &str, stage: &Stage, seconds: u64) {
    let tiles: Vec<(u16, u16)> =
        (0..STATIONS).map(place).map(|(x, y, _)| (x, y)).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let stop = Arc::new(AtomicBool::new(false));
    let viewers: Vec<_> = stage
        .replicas
        .iter()
        .map(|replica| {
            let (address, tiles, stop) = (replica.address.clone(), tiles.clone(), stop.clone());
            std::thread::spawn(move || watch(&address, &tiles, &stop))
        })
        .collect();
    stage.ledger.pace(RATE);
    std::thread::sleep(Duration::from_secs(5));
    let from = stage.ledger.sent();
    std::thread::sleep(Duration::from_secs(seconds));
    let until = stage.ledger.sent();
    std::thread::sleep(Duration::from_secs(3));
    stage.ledger.pace(0);
    std::thread::sleep(Duration::from_secs(3));
    stop.store(true, Ordering::Relaxed);
    let sent = stage.ledger.sent();
    let leader = stage.leader();
    for (at, viewer) in viewers.into_iter().enumerate() {
        // When each line was first seen: the newest one of its station that puts it there.
        let mut seen: BTreeMap<u64, Duration> = BTreeMap::new();
        for (when, message) in viewer.join().unwrap() {
            for (row, station, down) in moves(&message) {
                let mut candidates = (0..=(sent - 1 - station) / STATIONS).rev().map(|round| round * STATIONS + station).take(99);
                let number = candidates.find(|number| {
                    let (_, y, there) = place(*number);
                    y == row && (there - f64::from(down)).abs() < 1.5 && stage.ledger.sent_at(*number).is_some_and(|sent| sent <= when)
                });
                if let Some(number) = number {
                    seen.entry(number).or_insert_with(|| when - stage.ledger.sent_at(number).unwrap());
                }
            }
        }
        let mut times: Vec<Duration> = seen.range(from..until).map(|(_, time)| *time).collect();
        times.sort_unstable();
        let quantile = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_millis();
        println!(
            "{how}: replica {} {}: {} of {} lines seen; p50 {} ms, p99 {} ms, longest {} ms",
            at + 1,
            if Some(at) == leader { "(ingests)" } else { "(follows)" },
            times.len(),
            until - from,
            quantile(0.5),
            quantile(0.99),
            quantile(1.0)
        );
    }
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).map_or(30, |text| text.parse().unwrap());
    for bus in [true, false] {
        let mut stage = Stage::set(&["--standby", "warm"]).await;
        if bus {
            let url = stage.redis.url();
            stage.more.extend(["--redis-url".to_owned(), url]);
        }
        stage.start(3);
        report(if bus { "by Redis" } else { "by the database" }, &stage, seconds);
    }
}
