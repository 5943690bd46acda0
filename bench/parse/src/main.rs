//! Compares the packet parser with others from the registry, on the same lines, in one process, interleaved.
//!
//! `bench-parse [FILE]...` prints packets per CPU-second, instructions per packet (when valgrind is there), the share
//! of packets recognised, and our ratio to each. Without a file a generated mix is used.
//!
//! All rows, the floors too, start from the same bytes in one piece and find the lines in them, as a program does
//! that reads a file or a socket.

mod mix;
mod parsers;

use std::process::Command;

use cpu_time::ThreadTime;
use parsers::Parser;

/// Rounds over the lines; the median counts.
const ROUNDS: usize = 7;
/// Lines in the runs that count instructions.
const COUNTED: usize = 8000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, name, passes, which, files @ ..] = arguments.as_slice()
        && command == "--run"
    {
        let parser = parsers::ALL.iter().find(|parser| parser.name == *name).expect("a parser of that name");
        let sample = sample(&load(files), which == "positions");
        for _ in 0..passes.parse().expect("a number of passes") {
            std::hint::black_box(recognised(parser, &sample));
        }
        return;
    }
    let text = load(&arguments);
    let count = lines(&text).count();
    println!("{count} lines, {} bytes on average", text.len() / count.max(1));
    let rates = measure(&text);
    println!("{:<22} {:>12} {:>8} {:>10} {:>9}", "parser", "packets/s", "ns", "instr.", "known");
    for (parser, rate) in parsers::ALL.iter().zip(&rates) {
        let known = recognised(parser, &text) as f64 * 100.0 / count as f64;
        let instructions = instructions(parser, "all", &arguments).map_or("-".to_owned(), |count| count.to_string());
        println!("{:<22} {rate:>12.0} {:>8.0} {instructions:>10} {known:>8.2}%", parser.name, 1e9 / rate);
    }
    for (parser, rate) in parsers::ALL.iter().zip(&rates).skip(1) {
        println!("{} {:.2}x", parser.name, rates[0] / rate);
    }
    if let Some(count) = instructions(&parsers::ALL[0], "positions", &arguments) {
        println!("{count} instructions for a position packet, its device and finding its line included");
    }
    allocations();
}

/// The lines of the files, or a generated mix, in one piece.
fn load(files: &[String]) -> Vec<u8> {
    if files.is_empty() {
        return mix::lines(20_000).join(&b'\n');
    }
    let read = |file: &String| std::fs::read(file).unwrap_or_else(|error| panic!("cannot read {file}: {error}"));
    files.iter().map(read).collect::<Vec<_>>().join(&b'\n')
}

/// The lines, empty ones left out.
#[inline]
fn lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let line = &text[..end];
        text = text.get(end + 1..).unwrap_or_default();
        Some(line)
    })
    .filter(|line| !line.is_empty())
}

/// How many lines the parser recognises.
fn recognised(parser: &Parser, text: &[u8]) -> usize {
    lines(text).filter(|line| (parser.recognises)(line)).count()
}

/// Lines from all over the input; all sorts, or those with the position of a station.
fn sample(text: &[u8], positions: bool) -> Vec<u8> {
    let is_position = |line: &&[u8]| {
        let info = line.iter().position(|&byte| byte == b':').and_then(|end| line.get(end + 1));
        matches!(info, Some(b'!' | b'=' | b'/' | b'@' | b'`' | b'\''))
    };
    let all: Vec<&[u8]> = lines(text).filter(|line| !positions || is_position(line)).collect();
    // A step that shares no factor with most lengths visits lines of every part.
    (0..COUNTED).map(|at| all[at * 7919 % all.len()]).collect::<Vec<_>>().join(&b'\n')
}

/// Packets per CPU-second of each parser: the median of rounds in which all take turns.
fn measure(text: &[u8]) -> Vec<f64> {
    // Slow parsers read only one line in so many, from all over.
    let part = |parser: &Parser| -> Vec<u8> {
        lines(text).enumerate().filter(|(at, _)| at % parser.slowness == 0).map(|(_, line)| line).collect::<Vec<_>>().join(&b'\n')
    };
    let parts: Vec<(Vec<u8>, usize)> = parsers::ALL
        .iter()
        .map(|parser| {
            let part = part(parser);
            let count = lines(&part).count();
            (part, count)
        })
        .collect();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); parsers::ALL.len()];
    for _ in 0..ROUNDS {
        for ((parser, (part, count)), rates) in parsers::ALL.iter().zip(&parts).zip(&mut rates) {
            let start = ThreadTime::now();
            std::hint::black_box(recognised(parser, part));
            rates.push(*count as f64 / start.elapsed().as_secs_f64());
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

/// Instructions per packet by callgrind: one run reads the same lines once more than the other, so that the
/// difference is reading them and nothing else.
fn instructions(parser: &Parser, which: &str, files: &[String]) -> Option<u64> {
    let run = |passes: &str| -> Option<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--run", parser.name, passes, which])
            .args(files)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().find_map(|line| line.split("Collected :").nth(1))?.trim().parse().ok()
    };
    Some(run("2")?.saturating_sub(run("1")?) / COUNTED as u64)
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
}
