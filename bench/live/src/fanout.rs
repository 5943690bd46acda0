//! CPU of a server for each update that reaches a viewer.

use std::{thread::sleep, time::Duration};

use crate::{child::Helper, median};

/// What one server did in one round.
#[derive(Debug)]
struct Round {
    /// Part of what was asked for in that time.
    delivered: f64,
    updates_a_second: f64,
    cpu_us: f64,
    cores: f64,
    messages_a_second: f64,
    bytes_an_update: f64,
    /// Updates that no delta told of, in the end.
    lost: u64,
}

const SECONDS: f64 = 5.0;
const ROUNDS: usize = 3;

/// One round: all viewers watch the same four tiles, every packet is an update for each of them.
fn round(kind: &str, viewers: u32, rate: u32) -> Round {
    let mut server = Helper::start(&["serve", kind]);
    let address = server.answer();
    // All stations have been heard once before anybody looks.
    server.ask("rate 20000");
    while server.numbers("sent")[0] < u64::from(crate::traffic::STATIONS) {
        sleep(Duration::from_millis(50));
    }
    server.ask("rate 0");
    sleep(Duration::from_millis(500));
    let before = server.numbers("sent")[0];
    let mut load = Helper::start(&["load", &address, &viewers.to_string(), "together"]);
    assert_eq!(load.answer(), "ready");
    server.ask(&format!("rate {rate}"));
    // The buffers get their size.
    sleep(Duration::from_secs(3));
    let (counted, sent, used) = (load.numbers("count"), server.numbers("sent")[0], server.usage().cpu_s);
    let began = std::time::Instant::now();
    sleep(Duration::from_secs_f64(SECONDS));
    let (counts, sents, uses) = (load.numbers("count"), server.numbers("sent")[0], server.usage().cpu_s);
    let seconds = began.elapsed().as_secs_f64();
    let new = |at: usize| (counts[at] - counted[at]) as f64;
    // What was sent reaches those who read within a while, or never.
    server.ask("rate 0");
    let mut last = load.numbers("count");
    for _ in 0..30 {
        sleep(Duration::from_millis(700));
        let now = load.numbers("count");
        if now[0] == last[0] {
            break;
        }
        last = now;
    }
    assert_eq!(last[3], 0, "no connection ends");
    let all = (server.numbers("sent")[0] - before) * u64::from(viewers);
    Round {
        delivered: new(0) / ((sents - sent) as f64 * f64::from(viewers)),
        updates_a_second: new(0) / seconds,
        cpu_us: (uses - used) / new(0) * 1e6,
        cores: (uses - used) / seconds,
        messages_a_second: new(1) / seconds / f64::from(viewers),
        bytes_an_update: new(2) / new(0),
        lost: all.saturating_sub(last[0]),
    }
}

/// Compares at 1,000 and at 10,000 viewers; a million updates a second are asked for in each.
pub fn compare() {
    const KINDS: [&str; 4] = ["godwit", "axum-nodelay", "axum", "windowed"];
    for (viewers, rate) in [(1000, 1000), (10_000, 100)] {
        println!("{viewers} viewers of the same {rate} packets/s, {ROUNDS} rounds of {SECONDS} s in turns, medians");
        let mut rounds: [Vec<Round>; 4] = Default::default();
        for _ in 0..ROUNDS {
            for (kind, rounds) in KINDS.iter().zip(&mut rounds) {
                rounds.push(round(kind, viewers, rate));
            }
        }
        let middle = |at: usize, of: fn(&Round) -> f64| median(rounds[at].iter().map(of).collect());
        for (at, kind) in KINDS.iter().enumerate() {
            println!(
                "  {kind:<13} {:.3} us of CPU an update, {:.0} updates/s ({:.0} % in time, {} lost), {:.2} cores, {:.1} messages/s a viewer, {:.0} bytes an update",
                middle(at, |round| round.cpu_us),
                middle(at, |round| round.updates_a_second),
                middle(at, |round| round.delivered) * 100.0,
                rounds[at].iter().map(|round| round.lost).sum::<u64>(),
                middle(at, |round| round.cores),
                middle(at, |round| round.messages_a_second),
                middle(at, |round| round.bytes_an_update),
            );
        }
        let ours = middle(0, |round| round.cpu_us);
        for (at, kind) in KINDS.iter().enumerate().skip(1) {
            println!("  {kind}: {:.1} times the CPU of godwit", middle(at, |round| round.cpu_us) / ours);
        }
    }
}

/// Memory of viewers to whom nothing happens.
pub fn idle() {
    for (viewers, spread) in [(10_000, "together"), (10_000, "spread")] {
        let mut server = Helper::start(&["serve", "godwit"]);
        let address = server.answer();
        let before = server.usage();
        let mut load = Helper::start(&["load", &address, &viewers.to_string(), spread]);
        assert_eq!(load.answer(), "ready");
        // Each has had a pulse or two.
        sleep(Duration::from_secs(12));
        let after = server.usage();
        sleep(Duration::from_secs(10));
        let later = server.usage();
        println!(
            "{viewers} idle viewers, their tiles {spread}: {:.1} KiB of memory each, {:.3} cores",
            (later.memory - before.memory) as f64 / 1024.0 / f64::from(viewers),
            (later.cpu_s - after.cpu_s) / 10.0
        );
    }
}
