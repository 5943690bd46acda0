//! What weather services put behind a symbol (chapters 11 and 12): storms, signposts, and outlines of warnings. Read
//! on request; what is read is not part of the comment, outlines excepted.

use std::ops::Range;

use crate::text::{digits, take};
use crate::{Packet, Text};

const MS_PER_KNOT: f64 = 1852.0 / 3600.0;
const KM_PER_NAUTICAL_MILE: f64 = 1.852;
/// Most corners read of one outline; a line of 512 bytes cannot hold more.
const CORNERS: usize = 256;

/// How far a storm has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StormStage {
    /// `TD`.
    TropicalDepression,
    /// `TS`.
    TropicalStorm,
    /// `HC`.
    Hurricane,
}

impl StormStage {
    /// The stable name, snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TropicalDepression => "tropical_depression",
            Self::TropicalStorm => "tropical_storm",
            Self::Hurricane => "hurricane",
        }
    }
}

/// A storm as a weather service reports it (chapter 12): `/TS/www^GGG/pppp>RRR&rrr%ggg` behind course and speed.
/// Readings that were not sent are absent.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Storm {
    /// How far it has grown.
    pub stage: StormStage,
    /// Sustained wind, m/s.
    pub wind_speed_ms: Option<f64>,
    /// Strongest gusts, m/s.
    pub wind_gust_ms: Option<f64>,
    /// Pressure in its centre, hPa.
    pub pressure_hpa: Option<f64>,
    /// How far out winds blow with hurricane force, km.
    pub hurricane_radius_km: Option<f64>,
    /// How far out they blow with storm force, km.
    pub storm_radius_km: Option<f64>,
    /// How far out there is a whole gale, km.
    pub gale_radius_km: Option<f64>,
}

/// Storm data at the start of `text`, behind a slash or not, and where it stands.
pub(crate) fn storm(text: &[u8]) -> Option<(Storm, Range<usize>)> {
    let (head, mut rest) = take(text.strip_prefix(b"/").unwrap_or(text), 3)?;
    let stage = match head {
        b"TD/" => StormStage::TropicalDepression,
        b"TS/" => StormStage::TropicalStorm,
        b"HC/" => StormStage::Hurricane,
        _ => return None,
    };
    let mut storm = Storm {
        stage,
        wind_speed_ms: None,
        wind_gust_ms: None,
        pressure_hpa: None,
        hurricane_radius_km: None,
        storm_radius_km: None,
        gale_radius_km: None,
    };
    let mut part = |mark: &[u8], width: usize, slot: &mut Option<f64>, unit: f64| {
        let Some((value, after)) = rest.strip_prefix(mark).and_then(|rest| take(rest, width)) else { return };
        let known = digits(value);
        if known.is_some() || value.iter().all(|byte| matches!(byte, b'.' | b' ')) {
            *slot = known.map(|value| f64::from(value) * unit);
            rest = after;
        }
    };
    part(b"", 3, &mut storm.wind_speed_ms, MS_PER_KNOT);
    part(b"^", 3, &mut storm.wind_gust_ms, MS_PER_KNOT);
    part(b"/", 4, &mut storm.pressure_hpa, 1.0);
    part(b">", 3, &mut storm.hurricane_radius_km, KM_PER_NAUTICAL_MILE);
    part(b"&", 3, &mut storm.storm_radius_km, KM_PER_NAUTICAL_MILE);
    part(b"%", 3, &mut storm.gale_radius_km, KM_PER_NAUTICAL_MILE);
    Some((storm, 0..text.len() - rest.len()))
}

/// Where the first `{abc}` stands: one to three printable characters that are no braces.
pub(crate) fn signpost(text: &[u8]) -> Option<Range<usize>> {
    let opens = memchr::memchr_iter(b'{', text);
    opens.filter_map(|open| Some(open..open + 2 + text[open + 1..].iter().take(4).position(|&byte| byte == b'}')?)).find(|range| {
        let inner = &text[range.start + 1..range.end - 1];
        !inner.is_empty() && inner.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'{' | b'}'))
    })
}

/// The outline of a warning or a front, as weather services add it to an object (1.2 notes): points relative to the
/// object's position.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outline {
    /// `a` to `l`: colour and dash of the line.
    pub line: char,
    /// True for a closed shape, false for a line.
    pub is_closed: bool,
    /// Degrees north and east to add to the object's position, corner by corner.
    pub offsets: Vec<(f64, f64)>,
}

/// Where ` }` and a line type start an outline.
pub(crate) fn outline_start(text: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(text, b" }")?;
    matches!(text.get(at + 2..at + 5)?, [b'a'..=b'l', b'0' | b'1', b'!'..=b'z']).then_some(at)
}

fn outline(text: &[u8]) -> Option<Outline> {
    let at = outline_start(text)?;
    let &[line, shape, scale, ref pairs @ ..] = text.get(at + 2..)? else {
        return None;
    };
    let degrees = 10_f64.powf(f64::from(scale - b'!') / 20.0) * 0.0001;
    let pairs = &pairs[..memchr::memchr(b'{', pairs).unwrap_or(pairs.len())];
    let offset = |byte: u8| (f64::from(byte) - 78.0) * degrees;
    let (pairs, _) = pairs.as_chunks::<2>();
    let offsets: Vec<_> = pairs
        .iter()
        .take_while(|pair| pair.iter().all(|byte| (b'!'..=b'{').contains(byte)))
        .take(CORNERS)
        .map(|&[north, east]| (offset(north), offset(east)))
        .collect();
    (offsets.len() >= 2).then(|| Outline { line: char::from(line), is_closed: shape == b'0', offsets })
}

impl<'a> Packet<'a> {
    /// The storm this object is (symbols `\@` and `/@`), if it says so.
    #[must_use]
    pub fn storm(&self) -> Option<Storm> {
        self.storm_in(self.comment.whole())
    }

    /// The storm in a comment of this packet.
    pub(crate) fn storm_in(&self, comment: &[u8]) -> Option<Storm> {
        self.symbol.filter(|symbol| symbol.code == '@')?;
        storm(comment).map(|(storm, _)| storm)
    }

    /// What stands on a signpost (symbol `\m`): one to three characters.
    #[must_use]
    pub fn signpost(&self) -> Option<Text<'a>> {
        self.signpost_in(self.comment.whole())
    }

    /// What stands on the signpost in a comment of this packet.
    pub(crate) fn signpost_in<'c>(&self, comment: &'c [u8]) -> Option<Text<'c>> {
        self.symbol.filter(|symbol| symbol.table == '\\' && symbol.code == 'm')?;
        signpost(comment).map(|range| Text::new(&comment[range.start + 1..range.end - 1]))
    }

    /// The outline a weather service drew around or along this object, if any.
    #[must_use]
    pub fn outline(&self) -> Option<Outline> {
        self.name?;
        outline(&self.comment.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, explain, parse};

    fn object(rest: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>APRS:;BRENDA   *231015z2530.00N{rest}").into_bytes().into_boxed_slice())).expect(rest)
    }

    #[test]
    fn a_tropical_storm_on_the_move() {
        let packet = object("\\08000.00W@088/012/TS/055^070/0996>000&080%040");
        let storm = packet.storm().expect("a storm");
        assert_eq!((packet.course_deg, storm.stage), (Some(88.0), StormStage::TropicalStorm));
        assert_eq!((storm.wind_speed_ms, storm.wind_gust_ms), (Some(55.0 * MS_PER_KNOT), Some(70.0 * MS_PER_KNOT)));
        assert_eq!((storm.pressure_hpa, storm.hurricane_radius_km), (Some(996.0), Some(0.0)));
        assert_eq!((storm.storm_radius_km, storm.gale_radius_km), (Some(80.0 * 1.852), Some(40.0 * 1.852)));
        assert!(packet.comment.is_empty());
    }

    #[test]
    fn what_a_storm_does_not_say_is_absent() {
        let storm = object("/08000.00W@088/012/HC/100^.../0950&080").storm().expect("a storm");
        assert_eq!((storm.stage, storm.wind_gust_ms, storm.pressure_hpa), (StormStage::Hurricane, None, Some(950.0)));
        assert_eq!((storm.hurricane_radius_km, storm.storm_radius_km), (None, Some(80.0 * 1.852)));
        assert!(object("/08000.00W@088/012 rain").storm().is_none());
        assert!(object("/08000.00W>088/012/TS/055^070/0996").storm().is_none());
    }

    #[test]
    fn signposts_have_up_to_three_characters() {
        assert_eq!(object("\\08000.00Wm{55}").signpost(), Some(Text::new(b"55")));
        let limit = object("\\08000.00Wmlimit {120} here");
        assert_eq!((limit.signpost(), limit.comment.to_string_lossy().as_ref()), (Some(Text::new(b"120")), "limit  here"));
        assert_eq!(object("\\08000.00Wm{toolong} {5}").signpost(), Some(Text::new(b"5")));
        assert_eq!(object("\\08000.00Wm{}").signpost(), None);
        assert_eq!(object("\\08000.00Wm{1234}").signpost(), None);
        assert_eq!(object("/08000.00Wm{55}").signpost(), None);
    }

    #[test]
    fn outlines_are_relative_to_the_object() {
        let packet = object("\\08000.00WwTORNADO }c05XXBXBBXB{AbC1");
        let outline = packet.outline().expect("one");
        assert_eq!((outline.line, outline.is_closed, outline.offsets.len()), ('c', true, 4));
        let scale = 10_f64.powf(f64::from(b'5' - b'!') / 20.0) * 0.0001;
        assert!((outline.offsets[0].0 - 10.0 * scale).abs() < 1e-12 && (outline.offsets[1].0 + 12.0 * scale).abs() < 1e-12);
        assert!(object("\\08000.00Wwplain }z text").outline().is_none());
    }

    #[test]
    fn explained() {
        let line = b"OE9XXX-9>APRS:;BRENDA   *231015z2530.00N\\08000.00W@088/012/TS/055^070/0996>000&080%040";
        let spans = explain(line).spans;
        assert!(spans.iter().any(|part| part.span.field == Field::Storm && part.text.starts_with("/TS/055")));
    }
}
