//! Compares the packet parser with others from the registry, on the same lines, in one process, interleaved.
//!
//! `bench-parse [FILE]...` prints packets per CPU-second, instructions per packet (when valgrind is there), the share
//! of packets recognised, and our ratio to each. Without a file a generated mix is used.

mod mix;
mod parsers;

use std::io::Write as _;
use std::process::Command;

use cpu_time::ThreadTime;
use parsers::Parser;

/// Rounds over the lines; the median counts.
const ROUNDS: usize = 5;
/// Lines in the smaller and the larger run whose difference gives instructions per packet.
const COUNTED: [usize; 2] = [4000, 8000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, name, count, files @ ..] = arguments.as_slice()
        && command == "--run"
    {
        let lines = spread(&load(files), count.parse().expect("a number of lines"));
        let parser = parsers::ALL.iter().find(|parser| parser.name == *name).expect("a parser of that name");
        std::hint::black_box(lines.iter().filter(|line| (parser.recognises)(line)).count());
        return;
    }
    let lines = load(&arguments);
    println!("{} lines, {} bytes on average", lines.len(), lines.iter().map(Vec::len).sum::<usize>() / lines.len().max(1));
    let rates = measure(&lines);
    let ours = rates[0];
    println!("{:<22} {:>12} {:>8} {:>10} {:>9}", "parser", "packets/s", "ns", "instr.", "known");
    for (parser, rate) in parsers::ALL.iter().zip(&rates) {
        let known = lines.iter().filter(|line| (parser.recognises)(line)).count() as f64 * 100.0 / lines.len() as f64;
        let instructions = instructions(parser, &arguments).map_or("-".to_owned(), |count| count.to_string());
        println!("{:<22} {rate:>12.0} {:>8.0} {instructions:>10} {known:>8.2}%", parser.name, 1e9 / rate);
    }
    for (parser, rate) in parsers::ALL.iter().zip(&rates).skip(1) {
        println!("{} {:.2}x", parser.name, ours / rate);
    }
    allocations();
}

/// The lines of the files, or a generated mix.
fn load(files: &[String]) -> Vec<Vec<u8>> {
    if files.is_empty() {
        return mix::lines(20_000);
    }
    let mut lines = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("cannot read {file}: {error}"));
        lines.extend(bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
    }
    lines
}

/// `count` lines from all over the input.
fn spread(lines: &[Vec<u8>], count: usize) -> Vec<Vec<u8>> {
    // A step that shares no factor with most lengths visits lines of every part.
    (0..count).map(|at| lines[at * 7919 % lines.len()].clone()).collect()
}

/// Packets per CPU-second of each parser: the median of rounds in which all take turns.
fn measure(lines: &[Vec<u8>]) -> Vec<f64> {
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); parsers::ALL.len()];
    for _ in 0..ROUNDS {
        for (parser, rates) in parsers::ALL.iter().zip(&mut rates) {
            // Slow parsers read fewer lines, all read for long enough.
            let part = &lines[..lines.len() / parser.slowness];
            let start = ThreadTime::now();
            std::hint::black_box(part.iter().filter(|line| (parser.recognises)(line)).count());
            rates.push(part.len() as f64 / start.elapsed().as_secs_f64());
        }
    }
    rates
        .into_iter()
        .map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        })
        .collect()
}

/// Instructions per packet by callgrind: the difference of two runs, so that starting up does not count.
fn instructions(parser: &Parser, files: &[String]) -> Option<u64> {
    let run = |count: usize| -> Option<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--run", parser.name, &count.to_string()])
            .args(files)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().find_map(|line| line.split("Collected :").nth(1))?.trim().parse().ok()
    };
    let [small, large] = COUNTED.map(run);
    Some(large?.saturating_sub(small?) / (COUNTED[1] - COUNTED[0]) as u64)
}

/// Heap allocations of our parser for one packet of each position form.
fn allocations() {
    let lines: [&[u8]; 3] = [
        b"OE9XXX-9>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ-10:@231015z4722.85N/00832.46E>088/036/A=001414 hi!W47!",
        b"OE9XXX-9>APRS,qAR,OE9XYZ-10:=/0&RhTiV'>[L[ moving",
        b"OE9XXX-9>TW2RX5,WIDE1-1,qAR,OE9XYZ:`~<JrIK>/`\"8Z}Test_5",
    ];
    for line in lines {
        let _ = std::hint::black_box(godwit_packet::parse(line).map(|packet| packet.device().is_some()));
    }
    let info = allocation_counter::measure(|| {
        for line in lines {
            std::hint::black_box(godwit_packet::parse(line).map(|packet| packet.device().is_some()).is_ok());
        }
    });
    println!("{} heap allocations for {} position packets", info.count_total, lines.len());
    let _ = std::io::stdout().flush();
}
