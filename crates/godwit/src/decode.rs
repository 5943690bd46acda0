//! `godwit decode`: what every line means, for programs (JSON) or people.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::ArgMatches;
use godwit_packet::{Packet, Text, json, parse, symbol_name};

/// The longest line taken; what is longer is cut, and then is no packet.
const LONGEST: u64 = 65_536;

pub(crate) fn decode(matches: &ArgMatches) -> anyhow::Result<()> {
    let path: &PathBuf = matches.get_one("file").context("file")?;
    let as_json = matches
        .get_one::<String>("format")
        .is_some_and(|format| format == "json");
    let (source, live): (Box<dyn BufRead>, bool) = if path.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), true)
    } else {
        let file =
            File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        (Box::new(BufReader::with_capacity(1 << 16, file)), false)
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let flush = live || io::stdout().is_terminal();
    lines(source, |line| {
        if as_json {
            serde_json::to_writer(&mut out, &json(line))?;
            out.write_all(b"\n")?;
        } else {
            for_people(&mut out, line)?;
        }
        if flush { out.flush() } else { Ok(()) }
    })?;
    out.flush()?;
    Ok(())
}

/// Calls for each line, empty ones left out, with bounded memory.
fn lines(
    mut source: Box<dyn BufRead>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if io::Read::take(&mut source, LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if !line.is_empty() {
            each(&line)?;
        }
    }
}

/// Text from the air as a terminal may show it: control characters are escaped.
fn shown(bytes: &[u8]) -> String {
    Text(bytes)
        .to_text()
        .chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

fn for_people(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    writeln!(out, "{}", shown(line))?;
    match parse(line) {
        Ok(packet) => explain(out, &packet, "  ")?,
        Err(error) => {
            writeln!(
                out,
                "  not readable   {} (byte {})",
                error.message(),
                error.offset()
            )?;
        }
    }
    writeln!(out)
}

fn explain(out: &mut impl Write, packet: &Packet<'_>, indent: &str) -> io::Result<()> {
    let mut field = |name: &str, value: String| writeln!(out, "{indent}{name:<14} {value}");
    field(
        "from",
        format!("{} to {}", packet.source, packet.destination),
    )?;
    field("kind", packet.kind.as_str().replace('_', " "))?;
    let path: Vec<String> = packet
        .path
        .iter()
        .map(|hop| format!("{}{}", hop.callsign, if hop.used { "*" } else { "" }))
        .collect();
    if !path.is_empty() {
        let igate = packet
            .path
            .igate()
            .map(|igate| format!(", through {igate}"))
            .unwrap_or_default();
        field(
            "path",
            format!(
                "{} (heard: {}{igate})",
                path.join(" > "),
                packet.heard().as_str()
            ),
        )?;
    }
    if let Some(name) = packet.name {
        field(
            "name",
            format!(
                "{}{}",
                shown(name),
                if packet.alive == Some(false) {
                    " (killed)"
                } else {
                    ""
                }
            ),
        )?;
    }
    if let Some(position) = packet.position {
        field(
            "position",
            format!(
                "{:.6}, {:.6} ({}, to about {:.0} m)",
                position.latitude,
                position.longitude,
                position.format.as_str(),
                position.resolution_m.max(1.0)
            ),
        )?;
    }
    if let Some(symbol) = packet.symbol {
        field(
            "symbol",
            format!(
                "{}{} {}",
                char::from(symbol.table),
                char::from(symbol.code),
                symbol_name(symbol.table, symbol.code)
            ),
        )?;
    }
    for (name, value, unit) in [
        ("altitude", packet.altitude_m, "m"),
        ("speed", packet.speed_kmh.map(f64::from), "km/h"),
        ("course", packet.course_deg.map(f64::from), "°"),
    ] {
        if let Some(value) = value {
            field(name, format!("{value:.0} {unit}"))?;
        }
    }
    if let Some(weather) = packet.weather {
        field(
            "weather",
            format!("{weather:?}").replace("Some(", "").replace(')', ""),
        )?;
    }
    if let Some(telemetry) = packet.telemetry {
        let values: Vec<String> = telemetry
            .values
            .iter()
            .flatten()
            .map(f64::to_string)
            .collect();
        field("telemetry", values.join(" "))?;
    }
    if let Some(message) = packet.message {
        field("message to", shown(message.addressee.0))?;
        field("text", shown(message.text.0))?;
        if let Some(id) = message.id {
            field("number", shown(id.0))?;
        }
    }
    if let Some(status) = packet.status {
        field("status", shown(status.0))?;
    }
    if !packet.comment.is_empty() {
        field("comment", shown(&packet.comment.to_bytes()))?;
    }
    for odd in packet.diagnostics.iter() {
        field(
            "odd",
            format!("{} (bytes {}-{})", odd.message(), odd.start, odd.end),
        )?;
    }
    if let Some(inner) = &packet.third_party {
        writeln!(out, "{indent}carries")?;
        explain(out, inner, &format!("{indent}  "))?;
    }
    Ok(())
}
