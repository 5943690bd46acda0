//! Stations round a point where four tiles of level 7 meet, so that whoever watches these four sees them all.

use std::time::Duration;

use godwit_flow::now_us;
use godwit_pipeline::{Outcome, Pipeline};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

/// The four tiles: level, x, y.
pub const TILES: [(u8, u16, u16); 4] = [(7, 63, 41), (7, 64, 41), (7, 63, 42), (7, 64, 42)];

/// West, south, east, north of what the stations stay within, degrees.
pub const BOX: [f64; 4] = [-0.9, 51.9, 0.9, 53.1];

/// Stations that take turns. At 1,000 packets/s each beacons every 2 s, so that no tick has two packets of one.
pub const STATIONS: u32 = 2000;

/// The packet of a turn: the stations beacon one after the other, each time from a new place.
pub fn line(turn: u32) -> Vec<u8> {
    let (station, round) = (turn % STATIONS, turn / STATIONS);
    let north = 52.0 + f64::from(station / 50) / 40.0;
    let east = -0.8 + f64::from(station % 50) / 32.0 + f64::from(round % 100) / 6000.0;
    let (degrees, side) = (east.abs(), if east < 0.0 { 'W' } else { 'E' });
    format!(
        "M{station:04}-9>APRS,DB0XYZ*,WIDE2-1,qAR,DB0IG:!{:02}{:05.2}N/{:03}{:05.2}{side}>{:03}/036{round}",
        north as u32,
        north.fract() * 60.0,
        degrees as u32,
        degrees.fract() * 60.0,
        turn % 360 + 1,
    )
    .into_bytes()
}

/// Hands packets on at a rate (packets/s), from when it is above 0 until it is 0 again. Tells how many there were.
pub async fn run(mut rate: watch::Receiver<u32>, sent: watch::Sender<u32>, mut sink: impl FnMut(&Outcome)) {
    let mut pipeline = Pipeline::default();
    let mut turn = 0;
    while rate.wait_for(|rate| *rate > 0).await.is_ok() {
        let (began, first) = (Instant::now(), turn);
        let mut clock = interval(Duration::from_millis(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            clock.tick().await;
            let now = *rate.borrow();
            if now == 0 {
                break;
            }
            while f64::from(turn - first) < began.elapsed().as_secs_f64() * f64::from(now) {
                sink(&pipeline.accept(now_us(), &line(turn)));
                turn += 1;
            }
            sent.send_replace(turn);
        }
    }
}
