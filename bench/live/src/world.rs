//! How long the world is locked: what everybody else waits for at most.

use std::sync::Arc;

use godwit_live::{Area, Limits, Live};
use godwit_pipeline::Pipeline;
use godwit_simulator::{Simulator, SimulatorConfig};

use crate::{city::thread_cpu_s, load::tiles};

const SECOND_US: i64 = 1_000_000;
const ENTITIES: usize = 100_000;

/// Milliseconds of CPU that something takes.
fn ms<T>(what: impl FnOnce() -> T) -> f64 {
    let began = thread_cpu_s();
    std::hint::black_box(what());
    (thread_cpu_s() - began) * 1e3
}

/// Prints the longest of each, with a world of 100,000 entities all of whose tiles are watched.
pub fn locks() {
    let start_us = 1_800_000_000 * SECOND_US;
    let live = Live::new(Limits { entities: 500_000, age_us: 3_600 * SECOND_US, viewers: 10_000 }, start_us);
    let config = SimulatorConfig { seed: 1, stations: ENTITIES, rate: 200.0, start_us };
    let (mut simulator, mut pipeline) = (Simulator::new(&config), Pipeline::default());
    let (mut number, mut now_us) = (0_u64, start_us);
    // Everybody within ten minutes.
    while live.figures().entities < ENTITIES as u32 * 9 / 10 {
        for _ in 0..10_000 {
            let mut line = simulator.next_line();
            line.at_us = start_us + (line.at_us - start_us) / 20;
            live.apply(&pipeline.accept(line.at_us, &line.bytes).changes);
            now_us = line.at_us;
        }
    }
    let _viewers = watch_everything(&live, now_us);
    println!("{} entities, {} tiles watched", live.figures().entities, live.figures().tiles);
    let mut ticks = Vec::new();
    let mut applying = Vec::new();
    for _ in 0..200 {
        number += 1;
        now_us += SECOND_US / 4;
        let changes: Vec<_> = (0..50).flat_map(|_| pipeline.accept(now_us, &simulator.next_line().bytes).changes).collect();
        applying.push(ms(|| live.apply(&changes)));
        ticks.push(ms(|| live.tick(now_us, now_us, number)));
    }
    let longest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    println!(
        "  200 packets/s: a tick {:.2} ms, the longest {:.2}; 50 packets at once {:.2} ms",
        mean(&ticks),
        longest(&ticks),
        longest(&applying)
    );
    let mut ticks = Vec::new();
    for _ in 0..8 {
        number += 1;
        now_us += SECOND_US / 4;
        let changes: Vec<_> = (0..5000).flat_map(|_| pipeline.accept(now_us, &simulator.next_line().bytes).changes).collect();
        live.apply(&changes);
        ticks.push(ms(|| live.tick(now_us, now_us, number)));
    }
    println!("  20,000 packets/s: a tick {:.2} ms, the longest {:.2}", mean(&ticks), longest(&ticks));
    let all = Area { west: -180.0, south: -90.0, east: 180.0, north: 90.0 };
    println!(
        "  questions: everything of an area {:.2} ms, search {:.2} ms, nearest {:.2} ms",
        ms(|| live.within(&all, now_us, None, 500)),
        ms(|| live.search("*QRV*", 50)),
        ms(|| live.nearest(-48.9, -123.4, 50))
    );
    let mut viewer = live.viewer().expect("room");
    let busiest = [(3_u8, 4_u16, 2_u16)];
    viewer.subscribe(&tiles(&busiest), now_us).expect("tiles");
    println!("  the snapshot of a continent, not in one piece: {:.2} ms", ms(|| viewer.news(now_us)));
    // All leave for their age.
    now_us += 2 * 3_600 * SECOND_US;
    let mut ticks = Vec::new();
    while live.figures().entities > 0 {
        number += 1;
        now_us += SECOND_US / 4;
        ticks.push(ms(|| live.tick(now_us, now_us, number)));
    }
    println!("  all leave at once: a tick {:.2} ms, the longest {:.2}, {} ticks", mean(&ticks), longest(&ticks), ticks.len());
}

/// Viewers of every tile of every level.
fn watch_everything(live: &Arc<Live>, now_us: i64) -> Vec<godwit_live::Viewer> {
    let mut viewers = Vec::new();
    for level in [3_u8, 5, 7, 9] {
        let side = 1_u16 << level;
        let all: Vec<(u8, u16, u16)> = (0..side).flat_map(|x| (0..side).map(move |y| (level, x, y))).collect();
        for list in all.chunks(64) {
            let mut viewer = live.viewer().expect("room");
            viewer.subscribe(&tiles(list), now_us).expect("tiles");
            viewers.push(viewer);
        }
    }
    viewers
}
