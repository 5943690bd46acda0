//! What every byte of a line means: the spans the parser marks while reading, with values and sentences.

use std::fmt;

use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::info::{parse_traced, strip_end};
use crate::packet::Trace;
use crate::text::windows_1252;
use crate::{DaoPrecision, Field, Kind, Packet, ParseError, Span, Symbol, Timestamp, TimestampForm, Tone};

/// One run of bytes with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// Which bytes are which field.
    pub span: Span,
    /// The bytes for people; control characters as `<0x1c>`.
    pub text: String,
    /// The value decoded, with its unit; empty where the text says it all.
    pub value: String,
    /// One plain sentence.
    pub meaning: &'static str,
    /// What is odd about these bytes.
    pub warnings: Vec<DiagnosticCode>,
}

/// A line explained: spans that cover every byte exactly once, in order, and the packet or why there is none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation<'a> {
    /// The packet, or the reason there is none.
    pub packet: Result<Packet<'a>, ParseError<'a>>,
    /// The spans, from the first byte to the last.
    pub spans: Vec<Explained>,
}

/// Collects marks.
#[derive(Default)]
struct Marks(Vec<Span>);

impl Trace for Marks {
    const ON: bool = true;

    fn mark(&mut self, field: Field, start: usize, end: usize) {
        if end > start {
            self.0.push(Span::new(field, start, end));
        }
    }
}

/// Explains a line byte by byte. A line that cannot be read is explained as far as it goes.
///
/// ```
/// let explained = godwit_packet::explain(b"OE9XXX-9>APRS:!4722.85N/00832.46E>088/036 hi");
/// let latitude = explained.spans.iter().find(|e| e.span.field == godwit_packet::Field::Latitude).unwrap();
/// assert_eq!((latitude.text.as_str(), latitude.value.as_str()), ("4722.85N", "47.38083 degrees"));
/// ```
#[must_use]
pub fn explain(line: &[u8]) -> Explanation<'_> {
    let mut marks = Marks::default();
    let mut packet = Packet::default();
    let packet = parse_traced(line, &mut packet, &mut marks).map(|()| packet);
    let line = line.get(..usize::from(u16::MAX)).unwrap_or(line);
    let spans = cover(line, marks.0);
    let diagnostics: Vec<Diagnostic> = match &packet {
        Ok(packet) => all_diagnostics(packet),
        Err(_) => Vec::new(),
    };
    let mut spans: Vec<Explained> = spans.into_iter().map(|span| explained(line, span, packet.as_ref().ok())).collect();
    for diagnostic in diagnostics {
        warn(&mut spans, diagnostic.code, diagnostic.start);
    }
    if let Err(error) = &packet {
        warn(&mut spans, error.code, u16::try_from(error.offset).unwrap_or(u16::MAX));
    }
    Explanation { packet, spans }
}

fn all_diagnostics(packet: &Packet<'_>) -> Vec<Diagnostic> {
    let mut all = packet.diagnostics.as_slice().to_vec();
    let mut inner = packet.third_party.as_deref();
    while let Some(packet) = inner {
        all.extend_from_slice(packet.diagnostics.as_slice());
        inner = packet.third_party.as_deref();
    }
    all
}

/// Puts a warning on the span that holds `start`, or the last one.
fn warn(spans: &mut [Explained], code: DiagnosticCode, start: u16) {
    let at = spans.iter().position(|explained| explained.span.end > start).unwrap_or(spans.len().saturating_sub(1));
    if let Some(explained) = spans.get_mut(at)
        && !explained.warnings.contains(&code)
    {
        explained.warnings.push(code);
    }
}

/// Orders the marks, drops what overlaps, and fills the gaps with text.
fn cover(line: &[u8], mut marks: Vec<Span>) -> Vec<Span> {
    marks.sort_by_key(|span| (span.start, span.end));
    let mut spans: Vec<Span> = Vec::with_capacity(marks.len() + 4);
    let mut at = 0;
    let stripped = strip_end(line).len();
    let gap = |spans: &mut Vec<Span>, from: usize, to: usize| {
        let text_end = to.min(stripped).max(from);
        if text_end > from {
            spans.push(Span::new(Field::Text, from, text_end));
        }
        if to > text_end {
            spans.push(Span::new(Field::Padding, text_end, to));
        }
    };
    for mark in marks {
        let (start, end) = (usize::from(mark.start), usize::from(mark.end).min(line.len()));
        if start < at || start >= end {
            continue;
        }
        gap(&mut spans, at, start);
        spans.push(mark);
        at = end;
    }
    gap(&mut spans, at, line.len());
    spans
}

fn explained(line: &[u8], span: Span, packet: Option<&Packet<'_>>) -> Explained {
    let bytes = line.get(usize::from(span.start)..usize::from(span.end)).unwrap_or_default();
    let packet = packet.map(|packet| owner(packet, line, span));
    let value = packet.map(|packet| value(packet, span.field, bytes)).unwrap_or_default();
    let meaning = match span.field {
        Field::Destination if packet.is_some_and(|packet| packet.kind == Kind::MicE) => MIC_E_DESTINATION,
        field => field.meaning(),
    };
    Explained { span, text: visible(bytes), value, meaning, warnings: Vec::new() }
}

/// What the destination is in a Mic-E packet.
const MIC_E_DESTINATION: &str = "Latitude and message in Mic-E form, where other packets have a destination address.";

/// The packet a span belongs to: the one inside, if the span is inside it.
fn owner<'p, 'a>(packet: &'p Packet<'a>, line: &[u8], span: Span) -> &'p Packet<'a> {
    let mut owner = packet;
    while let Some(inner) = owner.third_party.as_deref() {
        // The inner line always ends where the outer one ends.
        let start = strip_end(line).len() - inner.raw.len();
        if usize::from(span.start) < start {
            break;
        }
        owner = inner;
    }
    owner
}

/// Text with what is not printable escaped.
fn visible(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().flat_map(escape).collect(),
        Err(_) => bytes.iter().flat_map(|&byte| escape(windows_1252(byte))).collect(),
    }
}

fn escape(character: char) -> Vec<char> {
    if character.is_control() { format!("<0x{:02x}>", u32::from(character)).chars().collect() } else { vec![character] }
}

/// The value of a field in words.
fn value(packet: &Packet<'_>, field: Field, bytes: &[u8]) -> String {
    let with = |value: Option<f64>, unit: &str| value.map(|value| format!("{} {unit}", round(value))).unwrap_or_default();
    let weather = packet.weather.unwrap_or_default();
    if unsaid(field, bytes) {
        return "unknown".to_owned();
    }
    match field {
        Field::Destination if packet.kind == Kind::MicE => {
            let latitude = packet.position.map(|p| format!("{:.5} degrees", p.latitude));
            let message = packet.mic_e_message.map(|message| message.as_str().replace('_', " "));
            latitude.into_iter().chain(message).collect::<Vec<_>>().join(", ")
        }
        Field::Destination => device(packet),
        Field::QConstruct => origin(packet.q_construct().unwrap_or_default()).to_owned(),
        Field::Timestamp => packet.timestamp.map(time).unwrap_or_default(),
        Field::SymbolTable => packet.symbol.map(table).unwrap_or_default(),
        Field::Tone => packet.frequency.and_then(|frequency| frequency.tone).map(tone).unwrap_or_default(),
        Field::FrequencyRange => with(packet.frequency.and_then(|frequency| frequency.range_km), "km"),
        Field::Dao => packet.dao.map(|dao| format!("datum {}, {}", dao.datum, precision(dao.precision))).unwrap_or_default(),
        Field::TelemetryBits => packet.telemetry.and_then(|telemetry| telemetry.bits).map(on_bits).unwrap_or_default(),
        Field::BitSense => match packet.telemetry_definition() {
            Some(crate::TelemetryDefinition::Bits { sense, .. }) => on_bits(sense),
            _ => String::new(),
        },
        Field::ChannelName | Field::ChannelUnit | Field::Coefficient => entry(packet, field, bytes),
        Field::BeamPower => packet.status.map(beam).unwrap_or_default(),
        Field::DataType => packet.kind.to_string(),
        Field::Alive => packet.alive.map(|alive| if alive { "live" } else { "killed" }.to_owned()).unwrap_or_default(),
        Field::Latitude => packet.position.map(|p| format!("{:.5} degrees", p.latitude)).unwrap_or_default(),
        Field::Longitude | Field::MicELongitude => packet.position.map(|p| format!("{:.5} degrees", p.longitude)).unwrap_or_default(),
        Field::SymbolCode => packet.symbol.map(|symbol| symbol.name().to_owned()).unwrap_or_default(),
        Field::CourseSpeed | Field::MicESpeedCourse => {
            let parts = [with(packet.course_deg, "degrees"), with(packet.speed_kmh, "km/h")];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Field::CompressedCs => {
            let parts = [
                with(packet.course_deg.or(weather.wind_direction_deg), "degrees"),
                with(packet.speed_kmh, "km/h"),
                with(weather.wind_speed_ms, "m/s"),
                with(packet.range_km, "km"),
            ];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Field::Altitude | Field::MicEAltitude => with(packet.altitude_m, "m"),
        Field::Range => with(packet.range_km, "km"),
        Field::Phg => {
            packet.phg.map(|phg| format!("{} W, {} m, {} dBi", phg.power_w, round(phg.height_m), phg.gain_db)).unwrap_or_default()
        }
        Field::Frequency => with(packet.frequency.map(|frequency| frequency.mhz), "MHz"),
        Field::Offset => with(packet.frequency.and_then(|frequency| frequency.offset_khz).map(f64::from), "kHz"),
        Field::Wind => {
            let parts = [with(weather.wind_direction_deg, "degrees"), with(weather.wind_speed_ms, "m/s")];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Field::WindDirection => with(weather.wind_direction_deg, "degrees"),
        Field::WindSpeed => with(weather.wind_speed_ms, "m/s"),
        Field::WindGust => with(weather.wind_gust_ms, "m/s"),
        Field::Temperature => with(weather.temperature_c, "°C"),
        Field::Rain1h => with(weather.rain_1h_mm, "mm"),
        Field::Rain24h => with(weather.rain_24h_mm, "mm"),
        Field::RainMidnight => with(weather.rain_midnight_mm, "mm"),
        Field::Humidity => with(weather.humidity_percent, "%"),
        Field::Pressure => with(weather.pressure_hpa, "hPa"),
        Field::Luminosity => with(weather.luminosity_wm2, "W/m²"),
        Field::Snow => with(weather.snow_24h_mm, "mm"),
        Field::WaterLevel => with(weather.water_level_m, "m"),
        Field::Battery => with(weather.battery_v, "V"),
        Field::Radiation => with(weather.radiation_nsvh, "nSv/h"),
        Field::MicESuffix | Field::MicEType => device(packet),
        Field::TelemetryBase91 | Field::TelemetryHex => packet.telemetry.map(telemetry).unwrap_or_default(),
        Field::BearingQuality => with(packet.df.map(|df| f64::from(df.bearing_deg)), "degrees"),
        Field::Storm => packet.storm().map(|storm| storm.stage.as_str().replace('_', " ")).unwrap_or_default(),
        Field::Hop => if bytes.ends_with(b"*") { "used" } else { "" }.to_owned(),
        _ => String::new(),
    }
}

/// True for a reading whose place is filled with dots, blanks or dashes.
fn unsaid(field: Field, bytes: &[u8]) -> bool {
    let is_reading = matches!(
        field,
        Field::WindDirection
            | Field::WindSpeed
            | Field::WindGust
            | Field::Temperature
            | Field::Rain1h
            | Field::Rain24h
            | Field::RainMidnight
            | Field::Humidity
            | Field::Pressure
            | Field::Luminosity
            | Field::Snow
    );
    is_reading && bytes.len() > 1 && bytes[1..].iter().all(|byte| matches!(byte, b'.' | b' ' | b'-'))
}

/// How a packet came to APRS-IS, by its q construct.
fn origin(q_construct: &str) -> &'static str {
    match q_construct {
        "qAC" => "by internet, from a verified client",
        "qAX" => "by internet, from an unverified client",
        "qAU" => "by internet, as a single datagram",
        "qAR" | "qAr" => "heard on radio by an igate",
        "qAo" | "qAO" => "passed on by a receive-only client",
        "qAS" => "passed on by another server or an unmarked igate",
        "qAI" => "traced: every server adds its name",
        "qAZ" => "for a server only",
        _ => "not defined",
    }
}

/// A time as sent, in words.
fn time(time: Timestamp<'_>) -> String {
    let Timestamp { year, month, day, hour, minute, second, .. } = time;
    match time.form {
        TimestampForm::DayHourMinute => format!("day {day}, {hour:02}:{minute:02} UTC"),
        TimestampForm::DayHourMinuteLocal => format!("day {day}, {hour:02}:{minute:02} where the sender is"),
        TimestampForm::HourMinuteSecond => format!("{hour:02}:{minute:02}:{second:02} UTC"),
        TimestampForm::MonthDayHourMinute => format!("month {month}, day {day}, {hour:02}:{minute:02} UTC"),
        TimestampForm::Full => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"),
    }
}

fn table(symbol: Symbol) -> String {
    match symbol.table {
        '/' => "primary".to_owned(),
        '\\' => "alternate".to_owned(),
        overlay => format!("alternate with overlay {overlay}"),
    }
}

fn tone(tone: Tone) -> String {
    match tone {
        Tone::Ctcss(hertz) => format!("{hertz} Hz to open the repeater"),
        Tone::ToneSquelch(hertz) => format!("{hertz} Hz both ways"),
        Tone::Dcs(code) => format!("DCS {code:03}"),
        Tone::Burst => "burst of 1750 Hz".to_owned(),
        Tone::Off => "none".to_owned(),
    }
}

fn precision(precision: DaoPrecision) -> &'static str {
    match precision {
        DaoPrecision::DatumOnly => "no digits added",
        DaoPrecision::Digit => "1.85 m steps",
        DaoPrecision::Base91 => "0.2 m steps",
    }
}

/// The bits that are on, by number.
fn on_bits(bits: u8) -> String {
    let on: Vec<String> = (1..=8).filter(|number| bits >> (8 - number) & 1 == 1).map(|number| format!("B{number}")).collect();
    if on.is_empty() { "none on".to_owned() } else { format!("{} on", on.join(", ")) }
}

/// The channel or bit that an entry of a telemetry definition is for.
fn entry(packet: &Packet<'_>, field: Field, bytes: &[u8]) -> String {
    match crate::telemetry::definition_entry(packet, bytes) {
        None => String::new(),
        Some(at) if field == Field::Coefficient => format!("channel {}, {}", at / 3 + 1, ["a", "b", "c"][at % 3]),
        Some(at @ 0..=4) => format!("channel {}", at + 1),
        Some(at) => format!("B{}", at - 4),
    }
}

fn beam(status: crate::Status<'_>) -> String {
    let part = |value: Option<u32>, unit: &str| value.map(|value| format!("{value} {unit}"));
    let parts = [part(status.beam_deg.map(u32::from), "degrees"), part(status.power_w, "W")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn device(packet: &Packet<'_>) -> String {
    packet.device().map(crate::Device::name).unwrap_or_default()
}

fn telemetry(telemetry: crate::Telemetry<'_>) -> String {
    let values: Vec<String> = telemetry.values().iter().map(|value| value.map(|v| v.to_string()).unwrap_or_default()).collect();
    format!("report {}: {}", telemetry.sequence.unwrap_or_default(), values.join(", "))
}

/// To two decimals, for people.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl fmt::Display for Explanation<'_> {
    /// One line for each span: bytes, field, text, value, meaning, then warnings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for explained in &self.spans {
            let span = explained.span;
            write!(f, "{:>4}-{:<4} {:<20} {:<24}", span.start, span.end, span.field.as_str(), explained.text)?;
            if !explained.value.is_empty() {
                write!(f, " {:<22}", explained.value)?;
            }
            writeln!(f, " {}", explained.meaning)?;
            for code in &explained.warnings {
                writeln!(f, "          ! {}: {}", code.as_str(), code.message())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value shown for a field of a line.
    fn shown(line: &str, field: Field) -> String {
        let explanation = explain(line.as_bytes());
        explanation.spans.into_iter().find(|part| part.span.field == field).map(|part| part.value).unwrap_or_default()
    }

    #[test]
    fn values_are_in_words() {
        let line = "OE9XXX-9>APZ001,qAR,OE9XYZ:@231015z4722.85NI00832.46E#146.520MHz T107 hi!W47!";
        for (field, value) in [
            (Field::Destination, "Experimental"),
            (Field::QConstruct, "heard on radio by an igate"),
            (Field::Timestamp, "day 23, 10:15 UTC"),
            (Field::SymbolTable, "alternate with overlay I"),
            (Field::Tone, "107.2 Hz to open the repeater"),
            (Field::Dao, "datum W, 1.85 m steps"),
        ] {
            assert_eq!(shown(line, field), value, "{field:?}");
        }
        let weather = "OE9XXX>APRS:!4722.85N/00832.46E_.../...g...t050h..";
        assert_eq!((shown(weather, Field::WindGust).as_str(), shown(weather, Field::Temperature).as_str()), ("unknown", "10 °C"));
        assert_eq!(shown("OE9XXX>APRS:T#1,1,2,3,4,5,01000001", Field::TelemetryBits), "B2, B8 on");
        assert_eq!(shown("OE9XXX>APRS:>JN47GL/- ^B7", Field::BeamPower), "110 degrees, 490 W");
    }

    #[test]
    fn telemetry_definitions_entry_by_entry() {
        let parts = |text: &str| -> Vec<String> {
            let line = format!("OE9XXX-11>APRS::OE9XXX-11:{text}");
            let spans = explain(line.as_bytes()).spans;
            let shown = spans.iter().filter(|part| usize::from(part.span.start) >= line.len() - text.len());
            shown
                .filter(|part| part.span.field != Field::Separator)
                .map(|part| format!("{}={} ({})", part.span.field.as_str(), part.text, part.value))
                .collect()
        };
        assert_eq!(
            parts("PARM.Volt,Temp,,,,Door{7"),
            [
                "definition_text=PARM. ()",
                "channel_name=Volt (channel 1)",
                "channel_name=Temp (channel 2)",
                "channel_name=Door (B1)",
                "message_id=7 ()"
            ]
        );
        assert_eq!(parts("UNIT.V"), ["definition_text=UNIT. ()", "channel_unit=V (channel 1)"]);
        assert_eq!(
            parts("EQNS.0,0.1,,5"),
            ["definition_text=EQNS. ()", "coefficient=0 (channel 1, a)", "coefficient=0.1 (channel 1, b)", "coefficient=5 (channel 2, a)"]
        );
        assert_eq!(parts("BITS.10100000,Hut"), ["definition_text=BITS. ()", "bit_sense=10100000 (B1, B3 on)", "project=Hut ()"]);
        assert_eq!(parts("BITS.no"), ["definition_text=BITS. ()", "text=no ()"]);
    }

    #[test]
    fn a_mic_e_destination_is_a_latitude() {
        let explanation = explain(b"OE9XXX-9>TW2RX5:`~<JrIK>/>Test");
        let destination = &explanation.spans[2];
        assert_eq!((destination.value.as_str(), destination.meaning), ("47.38083 degrees, en route", MIC_E_DESTINATION));
    }
}
