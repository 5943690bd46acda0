//! What is odd about a packet, and what made one unreadable: a code, where, and a sentence.

use std::fmt;

use crate::{Kind, packet::Start};

/// Something odd in a packet that decodes all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable snake_case code.
    pub code: &'static str,
    /// First byte of the line that it is about.
    pub start: u16,
    /// The byte after the last.
    pub end: u16,
}

impl Diagnostic {
    /// One sentence for people.
    #[must_use]
    pub fn message(&self) -> &'static str {
        sentence(self.code)
    }
}

/// The first eight oddities of a packet, kept inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Diagnostics {
    list: [Diagnostic; 8],
    length: u8,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self {
            list: [Diagnostic {
                code: "",
                start: 0,
                end: 0,
            }; 8],
            length: 0,
        }
    }
}

impl Diagnostics {
    pub(crate) fn add(&mut self, code: &'static str, start: usize, end: usize) {
        if let Some(slot) = self.list.get_mut(usize::from(self.length)) {
            let clamp = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
            *slot = Diagnostic {
                code,
                start: clamp(start),
                end: clamp(end),
            };
            self.length += 1;
        }
    }

    /// The oddities, in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().take(usize::from(self.length))
    }

    /// Whether one with this code is there.
    #[must_use]
    pub fn contains(&self, code: &str) -> bool {
        self.iter().any(|diagnostic| diagnostic.code == code)
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Why a line is not a packet, or which mandatory part of one is broken. What could be read before that stays at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError<'a> {
    pub(crate) code: &'static str,
    pub(crate) offset: usize,
    pub(crate) start: Option<Start<'a>>,
    pub(crate) kind: Option<Kind>,
}

impl<'a> ParseError<'a> {
    pub(crate) fn new(code: &'static str, offset: usize) -> Self {
        Self {
            code,
            offset,
            start: None,
            kind: None,
        }
    }

    /// Stable snake_case code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The byte of the line where it went wrong.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The sender, if the header was good.
    #[must_use]
    pub fn source(&self) -> Option<&'a str> {
        self.start.map(|start| start.source)
    }

    /// The kind of packet, if the header was good and the data type known.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// One sentence for people.
    #[must_use]
    pub fn message(&self) -> &'static str {
        sentence(self.code)
    }
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.message(), self.offset)
    }
}

impl std::error::Error for ParseError<'_> {}

fn sentence(code: &str) -> &'static str {
    match code {
        "line_empty" => "The line is empty.",
        "line_comment" => "A line that starts with # is a server's comment, not a packet.",
        "header_no_colon" => "There is no colon between header and information.",
        "header_source" => "The source is not a callsign of 1 to 9 letters, digits and dashes.",
        "header_destination" => {
            "The destination is not a callsign of 1 to 9 letters, digits and dashes."
        }
        "header_path" => "An element of the path is not a callsign.",
        "path_long" => "The path has more than 24 elements.",
        "path_star" => "A star stands where none belongs.",
        "q_second" => "The path has more than one q construct; the first counts.",
        "info_empty" => "There is nothing after the header.",
        "position_short" => "The position is cut short.",
        "position_format" => "The latitude or longitude is not in the form DDMM.hhN DDDMM.hhE.",
        "position_range" => "The latitude or longitude is out of range.",
        "position_ambiguity" => "The blanks of an ambiguous position are not at its end.",
        "hemisphere_case" => "The hemisphere is a small letter.",
        "symbol_table" => "The symbol table is not /, \\, a digit or a capital letter.",
        "symbol_code" => "The symbol code is not a printable character.",
        "compressed_short" => "A compressed position has 13 bytes; this one has fewer.",
        "compressed_digit" => "A byte of the compressed position is not a base-91 digit.",
        "time_bad" => "The timestamp is not a possible time.",
        "time_missing" => "The timestamp is missing.",
        "mic_e_destination" => "The destination does not hold a Mic-E latitude.",
        "mic_e_short" => "A Mic-E packet has at least 9 bytes; this one has fewer.",
        "mic_e_range" => "A byte of the Mic-E longitude, speed or course is out of range.",
        "mic_e_symbol" => "There is no symbol where Mic-E has it; a byte may be lost.",
        "course_range" => "The course is over 360 degrees.",
        "object_name" => "The object's name is shorter than nine characters.",
        "object_form" => "There is neither * (live) nor _ (killed) after the object's name.",
        "item_name" => "The item's name is not 3 to 9 characters before ! or _.",
        "message_form" => "There is no colon after the message's addressee.",
        "message_short_addressee" => "The addressee is not padded to nine characters.",
        "message_long" => "The message is longer than 67 bytes.",
        "telemetry_form" => "There are no telemetry values after T#.",
        "telemetry_value" => "A telemetry value is not a number.",
        "telemetry_bits" => "The telemetry bits are not eight of 0 and 1.",
        "weather_order" => "The weather fields are not in the usual order.",
        "nmea_checksum" => "The checksum of the NMEA sentence is wrong.",
        "nmea_no_fix" => "The receiver says that it has no fix.",
        "third_party_inner" => "The packet inside the third-party packet cannot be read.",
        "third_party_depth" => "Third-party packets are nested too deeply.",
        "dao_ignored" => "A !DAO! does not belong to a compressed or ambiguous position.",
        "ssid_not_ax25" => {
            "The callsign could not go over the air (AX.25 allows 6 characters and SSID 0 to 15)."
        }
        "position_late" => {
            "The position stands not at the start (old X1J header); found within the first 40 bytes."
        }
        "encoding_fallback" => "The text is not UTF-8; shown as Latin-1.",
        "extension_late" => {
            "A data extension stands in the comment instead of right after the symbol."
        }
        _ => "Something is odd here.",
    }
}
