//! What is odd about a packet that decodes, and why one does not: stable codes with one sentence each.

/// Most diagnostics kept for one packet; later ones are only counted.
const KEPT: usize = 8;

macro_rules! codes {
    ($($name:ident $code:literal $message:literal,)+) => {
        /// Why something in a packet is odd or was refused. `as_str` is stable; the message may improve.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        // As wide as an offset, so that no byte between the fields of a diagnostic is left over and a list is cleared at once.
        #[repr(u16)]
        pub enum DiagnosticCode { $(#[doc = $message] $name,)+ }

        impl DiagnosticCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name, snake_case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }
        }
    };
}

codes! {
    LineEmpty "line_empty" "The line is empty.",
    LineServer "line_server" "The line starts with '#': a server's remark, not a packet.",
    LineLong "line_long" "The line is longer than the 512 bytes APRS-IS allows.",
    HeaderFormat "header_format" "There is no header of the form SOURCE>DESTINATION,PATH: in front.",
    HeaderSource "header_source" "The source is no callsign of 1 to 9 letters, digits and dashes.",
    HeaderDest "header_dest" "The destination is no callsign of 1 to 9 letters, digits and dashes.",
    HeaderPath "header_path" "A path element is no callsign, or there are more than 24.",
    SsidNotAx25 "ssid_not_ax25" "The callsign cannot be sent over AX.25; it is legal on APRS-IS.",
    PathStar "path_star" "The used mark '*' stands behind the q construct or on the destination.",
    QSecond "q_second" "There is a second q construct; the packet may have looped.",
    QServerOnly "q_server_only" "qAZ is for servers only and should not have been passed on.",
    NoGate "no_gate" "The path asks not to be gated to the internet.",
    InfoEmpty "info_empty" "The information field is empty.",
    TypeUnknown "type_unknown" "The first byte is no APRS data type; kept as text.",
    TypeReserved "type_reserved" "The data type is reserved by the specification and has no defined content.",
    TypeLate "type_late" "The position does not start the information field (a '!' within the first 40 bytes).",
    TypeNoise "type_noise" "Radio noise before the packet was skipped.",
    TimeBad "time_bad" "The timestamp is not a possible time.",
    TimeOdd "time_odd" "The timestamp is missing or in a form not meant for this kind of packet.",
    PosFormat "pos_format" "The position is not in a form the specification has.",
    PosRange "pos_range" "The position is outside the range of degrees or minutes.",
    PosAmbiguity "pos_ambiguity" "The blanks that make a position ambiguous are not at its end.",
    PosNull "pos_null" "Latitude and longitude are zero, which means no position.",
    PosSecond "pos_second" "The text holds a second position.",
    HemisphereCase "hemisphere_case" "The hemisphere letter is lower case.",
    SymbolTable "symbol_table" "The symbol table is none of '/', '\\', 0-9, A-Z.",
    SymbolReserved "symbol_reserved" "The symbol code is reserved or not printable.",
    SymbolDefault "symbol_default" "The packet names no symbol; one was taken from its addresses.",
    CompShort "comp_short" "The compressed position is shorter than 13 bytes.",
    CompTBits "comp_t_bits" "The compression type byte has bits the specification does not use.",
    MiceDest "mice_dest" "The destination is not a Mic-E latitude.",
    MiceInfo "mice_info" "The Mic-E longitude, speed or course is out of range or cut off.",
    MiceSymbol "mice_symbol" "The Mic-E symbol is not valid; a byte was probably lost on the way.",
    MiceMangled "mice_mangled" "The Mic-E packet was damaged on the way and only partly read.",
    CourseRange "course_range" "The course is over 360 degrees; taken as unknown.",
    ExtSecond "ext_second" "There are two data extensions in a row.",
    ExtLate "ext_late" "A data extension stands late in the comment.",
    ExtRange "ext_range" "A data extension holds a digit outside its table.",
    PhgrZero "phgr_zero" "The beacon rate of PHG is zero.",
    DfForm "df_form" "The direction-finder report is not a bearing, a slash and its quality.",
    AltForm "alt_form" "The altitude is not six characters after '/A='.",
    AltRange "alt_range" "The altitude is beyond anything possible.",
    AltLate "alt_late" "The Mic-E altitude does not stand in front of the text.",
    DaoIgnored "dao_ignored" "The !DAO! digits do not apply to this position form.",
    DaoMany "dao_many" "There are several !DAO! groups; the last counts.",
    FreqForm "freq_form" "The frequency is written in a way the specification does not have.",
    TelemValue "telem_value" "A telemetry value is not 0 to 255 as the specification has it.",
    TelemSequence "telem_sequence" "The telemetry sequence is not a number.",
    TelemBits "telem_bits" "There are not eight telemetry bits.",
    TelemForeign "telem_foreign" "The telemetry definition is addressed to another station.",
    MsgShortAddressee "msg_short_addressee" "The addressee is not padded to nine characters.",
    MsgAddressee "msg_addressee" "The addressee holds a blank inside.",
    MsgLong "msg_long" "The message is longer than 67 bytes.",
    MsgId "msg_id" "A message number stands where none is expected.",
    StatusOdd "status_odd" "The status has a time in a form not meant for it.",
    WxFieldWidth "wx_field_width" "A weather field has an unusual width.",
    WxOrder "wx_order" "The weather fields stand behind a symbol or separator that is not for weather.",
    WxDup "wx_dup" "A weather field appears twice; the first counts.",
    WxRange "wx_range" "A weather value is out of any plausible range.",
    NmeaChecksum "nmea_checksum" "The checksum of the NMEA sentence is wrong.",
    NmeaNofix "nmea_nofix" "The receiver had no fix; its position is not used.",
    NmeaForm "nmea_form" "The NMEA sentence is cut short or not well formed.",
    ThirdPartyInner "third_party_inner" "The packet carried inside could not be read.",
    ThirdPartyDepth "third_party_depth" "Third-party packets are nested too deep.",
    NameShort "name_short" "The object name is not padded to nine characters.",
    NameForm "name_form" "The object or item name is missing or not printable.",
    ObjectForm "object_form" "The object or item has no live or killed mark where one must be.",
    QueryForm "query_form" "The query is not a word in capital letters closed by a second question mark.",
    EncodingFallback "encoding_fallback" "The text is not UTF-8; it is shown as Windows-1252.",
    ControlBytes "control_bytes" "The text holds control characters.",
    AlteredByGateway "altered_by_gateway" "A gateway added its reception figures to the sender's text.",
}

/// One remark on one packet: what, and which bytes of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Diagnostic {
    /// What is odd.
    pub code: DiagnosticCode,
    /// First byte concerned, offset into the line.
    pub start: u16,
    /// One past the last byte concerned.
    pub end: u16,
}

/// The remarks on one packet, in the order found; at most eight are kept, the rest are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnostics {
    list: [Diagnostic; KEPT],
    len: u8,
    dropped: u8,
}

impl Default for Diagnostics {
    fn default() -> Self {
        let none = Diagnostic { code: DiagnosticCode::LineEmpty, start: 0, end: 0 };
        Self { list: [none; KEPT], len: 0, dropped: 0 }
    }
}

impl Diagnostics {
    /// The remarks kept.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list[..usize::from(self.len)]
    }

    /// Goes through the remarks kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.as_slice().iter()
    }

    /// True when nothing is odd.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more there were than are kept.
    #[must_use]
    pub fn dropped(&self) -> u8 {
        self.dropped
    }

    /// True if this code is among the remarks.
    #[must_use]
    pub fn has(&self, code: DiagnosticCode) -> bool {
        self.iter().any(|diagnostic| diagnostic.code == code)
    }

    pub(crate) fn push(&mut self, code: DiagnosticCode, start: u16, end: u16) {
        match self.list.get_mut(usize::from(self.len)) {
            Some(place) => {
                *place = Diagnostic { code, start, end };
                self.len += 1;
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = std::slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_words() {
        let names: std::collections::BTreeSet<_> = DiagnosticCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), DiagnosticCode::ALL.len());
        assert!(names.iter().all(|name| { name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()) }));
    }

    #[test]
    fn more_than_kept_are_counted() {
        let mut diagnostics = Diagnostics::default();
        for _ in 0..11 {
            diagnostics.push(DiagnosticCode::WxDup, 1, 2);
        }
        assert_eq!((diagnostics.as_slice().len(), diagnostics.dropped()), (8, 3));
    }
}
