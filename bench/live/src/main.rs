//! What viewers cost: the live socket beside plain broadcasts, its delays, snapshots over HTTP, an hour in a city.
//!
//! `bench-live` alone runs everything; `bench-live PART ...` some of `fanout`, `idle`, `http`, `latency`, `city`, `world`.
//! `GODWIT` names the program whose delays are measured.

mod child;
mod city;
mod fanout;
mod http;
mod latency;
mod load;
mod servers;
mod traffic;
mod wire;
mod world;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const PARTS: [&str; 6] = ["fanout", "idle", "http", "latency", "city", "world"];

fn main() {
    let files = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files }).expect("the hard limit is allowed");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // The parts that this program starts itself.
        ["serve", kind] => threads(2, servers::run(kind)),
        ["load", address, viewers, spread] => {
            threads(1, load::run(address.parse().expect("an address"), viewers.parse().expect("a number"), spread == "spread"));
        }
        ["http", address] => threads(1, http::load(address.parse().expect("an address"))),
        ["feed"] => threads(1, latency::load()),
        _ => {
            let parts = if words.is_empty() { &PARTS[..] } else { &words[..] };
            for part in parts {
                println!("-- {part}");
                match *part {
                    "fanout" => fanout::compare(),
                    "idle" => fanout::idle(),
                    "http" => http::compare(),
                    "latency" => match std::env::var("GODWIT") {
                        Ok(program) => latency::measure(&program),
                        Err(_) => println!("GODWIT does not name a program: not measured"),
                    },
                    "city" => city::hour(),
                    "world" => world::locks(),
                    other => panic!("there is no part {other}; the parts are {PARTS:?}"),
                }
            }
        }
    }
}

/// Runs with so many threads: as many as a small server has cores, or one.
fn threads(count: usize, what: impl Future<Output = ()>) {
    let mut builder = if count == 1 { tokio::runtime::Builder::new_current_thread() } else { tokio::runtime::Builder::new_multi_thread() };
    if count > 1 {
        builder.worker_threads(count);
    }
    builder.enable_all().build().expect("a runtime").block_on(what);
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
