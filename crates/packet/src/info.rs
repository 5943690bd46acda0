//! The information field: its first byte says what it is (chapter 5).

use crate::diagnostic::DiagnosticCode as Code;
use crate::header::{self, Header};
use crate::packet::{Decoder, Outcome, Refused, Trace};
use crate::{
    Field, Kind, MAX_LINE, Packet, ParseError, Text, comment, df, grid, item, message, mic_e, nmea, object, position, query, raw_weather,
    status, telemetry, third_party, weather,
};

/// Longest line APRS-IS allows, without its end.
const LINE_ALLOWED: usize = 510;
/// How far into the information field a position may start behind other text (chapter 5).
const LATE_POSITION: usize = 40;

/// Reads one packet in TNC2 form. CR and LF at the end are ignored.
///
/// # Errors
/// When there is no usable header, or when the data type is known but its mandatory part is broken. The error then
/// still carries header and kind.
///
/// ```
/// use godwit_packet::{Kind, parse};
/// let packet = parse(b"OE9XXX-9>APRS,OE9A*,qAR,OE9XYZ-10::OE9YYY-1 :hello{7").unwrap();
/// assert_eq!(packet.kind, Kind::Message);
/// assert_eq!(packet.message.unwrap().text, "hello");
/// assert_eq!(packet.igate(), Some("OE9XYZ-10"));
/// ```
pub fn parse(line: &[u8]) -> Result<Packet<'_>, ParseError<'_>> {
    let mut packet = Packet::default();
    parse_traced(line, &mut packet, &mut ()).map(|()| packet)
}

/// As [`parse`], into a packet that is there already: what it held is gone, also when there is an error. A packet is
/// about a kilobyte, so this spares a loop over many lines the move of each.
///
/// # Errors
/// As [`parse`].
///
/// ```
/// use godwit_packet::{Packet, parse_into};
/// let mut packet = Packet::default();
/// for line in [b"OE9XXX-9>APRS:>on air".as_slice(), b"OE9YYY-1>APRS:>off"] {
///     parse_into(line, &mut packet).unwrap();
///     assert!(packet.status.is_some());
/// }
/// assert_eq!(packet.source, "OE9YYY-1");
/// ```
pub fn parse_into<'a>(line: &'a [u8], packet: &mut Packet<'a>) -> Result<(), ParseError<'a>> {
    // A packet that was read has a line; one that was not is as new.
    if !packet.raw.is_empty() {
        *packet = Packet::default();
    }
    parse_traced(line, packet, &mut ())
}

/// Reads only the header of a line: who sent it, and by which way.
///
/// # Errors
/// As [`parse`] for a broken header.
pub fn parse_header(line: &[u8]) -> Result<Header<'_>, ParseError<'_>> {
    scan_line(strip_end(line)).map(|scanned| scanned.header)
}

/// The line without CR and LF at its end.
pub(crate) fn strip_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

fn scan_line(line: &[u8]) -> Result<header::Scanned<'_>, ParseError<'_>> {
    let error = |code, offset| ParseError { code, offset, header: None, kind: None, name: None };
    match line.first() {
        None => return Err(error(Code::LineEmpty, 0)),
        Some(b'#') => return Err(error(Code::LineServer, 0)),
        _ if line.len() > MAX_LINE => return Err(error(Code::LineLong, MAX_LINE)),
        _ => {}
    }
    header::scan(line).map_err(|refused| error(refused.code, refused.offset))
}

/// [`parse_into`] a new packet, telling `trace` what each byte is.
pub(crate) fn parse_traced<'a, T: Trace>(line: &'a [u8], packet: &mut Packet<'a>, trace: &mut T) -> Result<(), ParseError<'a>> {
    let line = strip_end(line);
    let scanned = scan_line(line)?;
    let header = scanned.header;
    if T::ON {
        header::mark(line, scanned.end, |field, start, end| {
            trace.mark(field, start, end);
        });
    }
    packet.begin(line, header, &line[scanned.end..]);
    let mut decoder = Decoder { line, depth: 0, packet, trace };
    if let Some((code, at)) = scanned.oddity {
        decoder.flag(code, &line[at..=at]);
    }
    if line.len() > LINE_ALLOWED {
        decoder.flag(Code::LineLong, &line[LINE_ALLOWED..]);
    }
    match decode(&mut decoder) {
        Ok(()) => Ok(()),
        Err(Refused { code, offset }) => Err(ParseError { code, offset, header: Some(header), kind: Some(packet.kind), name: packet.name }),
    }
}

/// Reads the information field of `d.packet`.
pub(crate) fn decode<T: Trace>(d: &mut Decoder<'_, '_, T>) -> Outcome {
    let info = d.packet.info;
    let Some((&data_type, body)) = info.split_first() else {
        d.flag(Code::InfoEmpty, info);
        return Ok(());
    };
    if body.is_empty() && data_type.is_ascii_whitespace() {
        d.flag(Code::InfoEmpty, info);
        return text(d, info);
    }
    let kind = kind_of(data_type, body);
    d.packet.kind = kind;
    if !matches!(kind, Kind::Unknown | Kind::Nmea | Kind::RawWeather | Kind::Telemetry) {
        d.mark(Field::DataType, &info[..1]);
    }
    match kind {
        Kind::Position => position::report(d, data_type, body),
        Kind::MicE => mic_e::decode(d, data_type, body),
        Kind::Object => object::decode(d, body),
        Kind::Item => item::decode(d, body),
        Kind::Message => message::decode(d, body),
        Kind::Status => status::decode(d, body),
        Kind::Telemetry => telemetry::report(d, info),
        Kind::Weather => weather::positionless(d, body),
        Kind::Nmea => nmea::decode(d, info),
        Kind::RawWeather => raw_weather::decode(d, info),
        Kind::ThirdParty => third_party::decode(d, body),
        Kind::Query => query::general(d, body),
        Kind::Capabilities => query::capabilities(d, body),
        Kind::Grid => grid::beacon(d, body),
        Kind::Df => df::agrelo(d, body),
        Kind::UserDefined => {
            d.mark(Field::UserData, body);
            d.packet.comment.set(body);
            Ok(())
        }
        Kind::Test => text(d, body),
        _ => other(d, info),
    }
}

/// The kind the first byte promises.
fn kind_of(data_type: u8, body: &[u8]) -> Kind {
    match data_type {
        b'!' if body.first() == Some(&b'!') => Kind::RawWeather,
        b'!' | b'=' | b'/' | b'@' => Kind::Position,
        b'`' | b'\'' | 0x1C | 0x1D => Kind::MicE,
        b';' => Kind::Object,
        b')' => Kind::Item,
        b':' => Kind::Message,
        b'>' => Kind::Status,
        b'T' if body.first() == Some(&b'#') => Kind::Telemetry,
        b'_' => Kind::Weather,
        b'$' if body.starts_with(b"ULTW") => Kind::RawWeather,
        b'$' => Kind::Nmea,
        b'#' | b'*' if raw_weather::is_peet(body) => Kind::RawWeather,
        b'}' => Kind::ThirdParty,
        b'?' => Kind::Query,
        b'<' => Kind::Capabilities,
        b'[' => Kind::Grid,
        b'%' => Kind::Df,
        b'{' => Kind::UserDefined,
        b',' => Kind::Test,
        _ => Kind::Unknown,
    }
}

/// Anything without a data type of its own: a late position, noise before a Mic-E packet, or text.
fn other<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, info: &'a [u8]) -> Outcome {
    if info.starts_with(b"4P\0")
        && let Some(at) = info.iter().position(|&byte| matches!(byte, b'`' | b'\''))
        && at <= 20
        && info.len() - at > 9
    {
        d.packet.kind = Kind::MicE;
        d.mark(Field::Padding, &info[..at]);
        d.mark(Field::DataType, &info[at..=at]);
        d.flag(Code::TypeNoise, &info[..at]);
        return mic_e::decode(d, info[at], &info[at + 1..]);
    }
    let window = &info[..info.len().min(LATE_POSITION)];
    for (at, _) in window.iter().enumerate().filter(|&(_, &byte)| byte == b'!') {
        let body = &info[at + 1..];
        if position::is_complete(body) {
            d.packet.kind = Kind::Position;
            d.mark(Field::Text, &info[..at]);
            d.mark(Field::DataType, &info[at..=at]);
            d.flag(Code::TypeLate, &info[..at]);
            return position::report(d, b'!', body);
        }
    }
    let code = if matches!(info[0], b'&' | b'+' | b'.') { Code::TypeReserved } else { Code::TypeUnknown };
    d.flag(code, &info[..1]);
    text(d, info)
}

/// Keeps bytes as text and nothing more.
pub(crate) fn text<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, bytes: &'a [u8]) -> Outcome {
    comment::keep(d, bytes);
    if d.packet.kind == Kind::Unknown && !bytes.is_empty() && !Text(bytes).is_utf8() {
        d.flag(Code::EncodingFallback, bytes);
    }
    Ok(())
}
