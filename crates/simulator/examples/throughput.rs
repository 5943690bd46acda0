//! How fast traffic is made, and how long a world of 200,000 stations takes to make.

#![allow(clippy::print_stdout, reason = "a bench")]

use std::time::Instant;

use godwit_simulator::{Simulator, SimulatorConfig};

fn main() {
    for stations in [20_000, 200_000] {
        let began = Instant::now();
        let mut simulator = Simulator::new(&SimulatorConfig { seed: 1, stations, rate: 50_000.0, start_us: 1_795_435_200_000_000 });
        let placed = began.elapsed();
        let began = Instant::now();
        let bytes: usize = (0..1_000_000).map(|_| simulator.next_line().bytes.len()).sum();
        let rate = 1e6 / began.elapsed().as_secs_f64();
        println!(
            "{stations:>7} stations placed in {:.2} s; {rate:>9.0} packets/s, {:.0} bytes each",
            placed.as_secs_f64(),
            bytes as f64 / 1e6
        );
    }
}
