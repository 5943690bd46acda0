//! `godwit decode`: what every line means, for programs (JSON) or people.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::ArgMatches;
use godwit_packet::{DeviceDatabase, Text, explain, json_with};

use crate::terminal::shown;

/// The longest line taken; what is longer is cut, and is no packet.
const LONGEST: u64 = 65_536;

pub(crate) fn decode(matches: &ArgMatches) -> anyhow::Result<()> {
    let path: &PathBuf = matches.get_one("file").context("file")?;
    let as_json = matches.get_one::<String>("format").is_some_and(|format| format == "json");
    let every_byte = matches.get_flag("explain");
    let received_at = matches.get_one::<jiff::Timestamp>("received-at").map(|time| time.as_microsecond());
    let (source, live): (Box<dyn BufRead>, bool) = if path.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), true)
    } else {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let is_pipe = !file.metadata().is_ok_and(|data| data.is_file());
        (Box::new(BufReader::with_capacity(1 << 16, file)), is_pipe)
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let flush = live || io::stdout().is_terminal();
    lines(source, |line| {
        if as_json {
            let received_at_us = received_at.unwrap_or_else(godwit_flow::now_us);
            serde_json::to_writer(&mut out, &json_with(line, Some(received_at_us), DeviceDatabase::built_in()))?;
            out.write_all(b"\n")?;
        } else if !line.is_empty() {
            for_people(&mut out, line, every_byte)?;
        }
        if flush { out.flush() } else { Ok(()) }
    })?;
    out.flush()?;
    Ok(())
}

/// Calls for each line, with bounded memory: of a line that is too long the rest is passed over.
fn lines(mut source: Box<dyn BufRead>, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if io::Read::take(&mut source, LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            source.skip_until(b'\n')?;
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        each(&line)?;
    }
}

/// The line, then every run of bytes with its field, value, meaning and warnings.
fn for_people(out: &mut impl Write, line: &[u8], every_byte: bool) -> io::Result<()> {
    let explanation = explain(line);
    writeln!(out, "{}", shown(&Text::new(line).to_string_lossy()))?;
    match &explanation.packet {
        Ok(packet) => {
            writeln!(
                out,
                "  {} from {}, heard: {}",
                packet.kind.as_str().replace('_', " "),
                shown(&packet.source.to_string()),
                packet.heard().as_str()
            )?;
        }
        Err(error) => writeln!(out, "  not readable: {} (byte {})", error.message(), error.offset)?,
    }
    for part in &explanation.spans {
        // Without --explain: what has a value or is odd.
        if !every_byte && part.value.is_empty() && part.warnings.is_empty() {
            continue;
        }
        let bytes = format!("{}-{}", part.span.start, part.span.end);
        writeln!(out, "  {bytes:>9}  {:<22} {:<24} {}", part.span.field.as_str(), shown(&part.text), shown(&part.value))?;
        if every_byte {
            writeln!(out, "             {}", part.meaning)?;
        }
        for warning in &part.warnings {
            writeln!(out, "             odd: {}", warning.message())?;
        }
    }
    writeln!(out)
}
