//! The decoded packet: everything borrowed from the line, absent where nothing was sent.

use std::fmt;

use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::{
    Address, AreaObject, Comment, Dao, Dfs, DirectionFinding, Field, Frequency, Header, Heard, Message, MicE, MicEMessage, Path, Phg,
    Status, Symbol, Telemetry, Text, Timestamp, Weather,
};

/// What sort of packet it is. By the data type in front, so a position with weather is a [`Kind::Position`] that has
/// [`Packet::weather`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Position, plain or compressed (`! / = @`, chapters 6 to 9).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX-9>APRS:!4722.85N/00832.46E>088/036").unwrap();
    /// assert_eq!((packet.kind.as_str(), packet.course_deg), ("position", Some(88.0)));
    /// ```
    Position,
    /// Mic-E position (chapter 10): the latitude is in the destination.
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX-9>TW2RX5:`~<JrIK>/`\"8Z}Test_5").unwrap();
    /// assert_eq!((packet.kind.as_str(), packet.altitude_m), ("mic_e", Some(431.0)));
    /// assert_eq!(packet.device().unwrap().model, "FTM-510D");
    /// ```
    MicE,
    /// Object (`;`, chapter 11).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:;CAMP 7   _231015z4722.85N/00832.46E;").unwrap();
    /// assert_eq!((packet.name.unwrap().to_string().as_str(), packet.alive), ("CAMP 7", Some(false)));
    /// ```
    Object,
    /// Item (`)`, chapter 11).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:)GATE!4722.85N/00832.46Ej").unwrap();
    /// assert_eq!((packet.name.unwrap().to_string().as_str(), packet.alive), ("GATE", Some(true)));
    /// ```
    Item,
    /// Message to a station or group (`:`, chapter 14).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::OE9YYY-1 :hello{7").unwrap();
    /// let message = packet.message.unwrap();
    /// assert_eq!((message.text.to_string().as_str(), message.id.unwrap().to_string().as_str()), ("hello", "7"));
    /// ```
    Message,
    /// Bulletin, group bulletin or weather-service bulletin (chapter 14).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::BLN3CLUB :Net moved").unwrap();
    /// assert_eq!(packet.message.unwrap().bulletin().unwrap().line, '3');
    /// ```
    Bulletin,
    /// Announcement (`BLN` and a letter, chapter 14).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::BLNQ     :Digi off this weekend").unwrap();
    /// assert_eq!(packet.kind.as_str(), "announcement");
    /// ```
    Announcement,
    /// Acknowledgement of a message (chapter 14, addendum 1.1).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::OE9YYY-1 :ack7").unwrap();
    /// assert_eq!(packet.message.unwrap().id.unwrap().to_string(), "7");
    /// ```
    Ack,
    /// Rejection of a message (chapter 14).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::OE9YYY-1 :rej7").unwrap();
    /// assert_eq!(packet.kind.as_str(), "reject");
    /// ```
    Reject,
    /// Telemetry report (`T#`, chapter 13).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:T#093,5,-12.6,,255,0,10110000").unwrap();
    /// let telemetry = packet.telemetry.unwrap();
    /// assert_eq!((telemetry.values()[1], telemetry.values()[2], telemetry.bit(1)), (Some(-12.6), None, Some(true)));
    /// ```
    Telemetry,
    /// Names, units, equations or bit senses of telemetry (chapter 13).
    ///
    /// ```
    /// use godwit_packet::TelemetryDefinition;
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS::OE9XXX   :EQNS.0,0.01,0").unwrap();
    /// let Some(TelemetryDefinition::Equations(abc)) = packet.telemetry_definition() else { panic!() };
    /// assert_eq!(abc[0], [0.0, 0.01, 0.0]);
    /// ```
    TelemetryDefinition,
    /// Weather without a position (`_`, chapter 12).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:_11231015c232s004g011t050h50b10132").unwrap();
    /// let weather = packet.weather.unwrap();
    /// assert_eq!((weather.humidity_percent, weather.pressure_hpa, weather.rain_1h_mm), (Some(50.0), Some(1013.2), None));
    /// ```
    Weather,
    /// Status (`>`, chapter 16).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:>231015zOn air").unwrap();
    /// assert_eq!(packet.status.unwrap().text, "On air");
    /// ```
    Status,
    /// Query, general (`?`) or to a station (chapter 15).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:?APRS?").unwrap();
    /// assert_eq!(packet.query().unwrap(), "APRS");
    /// ```
    Query,
    /// Station capabilities (`<`, chapter 15).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:<IGATE,MSG_CNT=12").unwrap();
    /// assert_eq!(packet.capabilities().unwrap().next().unwrap().0, "IGATE");
    /// ```
    Capabilities,
    /// NMEA sentence (`$GP...`, chapter 6).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>GPSMV:$GPGGA,101530,4722.850,N,00832.460,E,1,08,0.9,431.0,M,47.9,M,,*4C").unwrap();
    /// assert_eq!((packet.altitude_m, packet.symbol.unwrap().name()), (Some(431.0), "Car"));
    /// ```
    Nmea,
    /// User-defined (`{`, chapter 18).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:{Q1qwerty").unwrap();
    /// assert_eq!(packet.comment.to_string_lossy(), "Q1qwerty");
    /// ```
    UserDefined,
    /// A packet inside a packet (`}`, chapter 17).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9G-10>APRS:}DL1AA>APRS,TCPIP,OE9G-10*:>on air").unwrap();
    /// assert_eq!(packet.innermost().source, "DL1AA");
    /// ```
    ThirdParty,
    /// Maidenhead locator beacon (`[`, obsolete, chapter 5).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:[IO91]").unwrap();
    /// assert_eq!(packet.position.unwrap().latitude, 51.5);
    /// ```
    Grid,
    /// Direction-finder report (`%`, Agrelo, chapter 5).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:%181/8").unwrap();
    /// assert_eq!(packet.df.unwrap().bearing_deg, 181);
    /// ```
    Df,
    /// Raw weather station (Ultimeter, Peet, chapter 12).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:#50B7500820082").unwrap();
    /// assert_eq!(packet.weather.unwrap().wind_direction_deg, Some(112.5));
    /// ```
    RawWeather,
    /// Invalid or test data (`,`, chapter 18).
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:,191146,V,4214.2466,N").unwrap();
    /// assert!(packet.position.is_none());
    /// ```
    Test,
    /// Anything else: kept as text.
    ///
    /// ```
    /// let packet = godwit_packet::parse(b"OE9XXX>APRS:UIDIGI 1.9").unwrap();
    /// assert_eq!((packet.kind.as_str(), packet.comment.to_string_lossy().as_ref()), ("unknown", "UIDIGI 1.9"));
    /// ```
    Unknown,
}

impl Kind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 23] = [
        Self::Position,
        Self::MicE,
        Self::Object,
        Self::Item,
        Self::Message,
        Self::Bulletin,
        Self::Announcement,
        Self::Ack,
        Self::Reject,
        Self::Telemetry,
        Self::TelemetryDefinition,
        Self::Weather,
        Self::Status,
        Self::Query,
        Self::Capabilities,
        Self::Nmea,
        Self::UserDefined,
        Self::ThirdParty,
        Self::Grid,
        Self::Df,
        Self::RawWeather,
        Self::Test,
        Self::Unknown,
    ];

    /// The stable name, snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::MicE => "mic_e",
            Self::Object => "object",
            Self::Item => "item",
            Self::Message => "message",
            Self::Bulletin => "bulletin",
            Self::Announcement => "announcement",
            Self::Ack => "ack",
            Self::Reject => "reject",
            Self::Telemetry => "telemetry",
            Self::TelemetryDefinition => "telemetry_definition",
            Self::Weather => "weather",
            Self::Status => "status",
            Self::Query => "query",
            Self::Capabilities => "capabilities",
            Self::Nmea => "nmea",
            Self::UserDefined => "user_defined",
            Self::ThirdParty => "third_party",
            Self::Grid => "grid",
            Self::Df => "df",
            Self::RawWeather => "raw_weather",
            Self::Test => "test",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a position was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PositionFormat {
    /// Degrees and minutes as text (chapter 8).
    Plain,
    /// Base-91 (chapter 9).
    Compressed,
    /// Mic-E (chapter 10).
    MicE,
    /// NMEA sentence.
    Nmea,
    /// Maidenhead locator.
    Grid,
}

impl PositionFormat {
    /// The stable name, snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Compressed => "compressed",
            Self::MicE => "mic_e",
            Self::Nmea => "nmea",
            Self::Grid => "grid",
        }
    }
}

/// Where. Latitude -90 to 90 and longitude -180 to 180 always hold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Position {
    /// Degrees north, WGS84 unless a DAO says otherwise. The centre of the area when ambiguous.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// How many digits the sender left out, 0 to 4 (chapter 6).
    pub ambiguity: u8,
    /// Size of the smallest step (of latitude) the form can express, metres.
    pub resolution_m: f64,
    /// How it was sent.
    pub format: PositionFormat,
}

/// One packet. Every field is absent (`None`, empty) unless the packet holds it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// The line, without its end.
    pub raw: &'a [u8],
    /// Callsign of the sender, as sent.
    pub source: Address<'a>,
    /// Destination address, as sent: mostly the sender's software (tocall).
    pub destination: Address<'a>,
    /// Digipeaters, q construct and servers.
    pub path: Path<'a>,
    /// The information field: everything after the first `:`.
    pub info: &'a [u8],
    /// What sort of packet it is.
    pub kind: Kind,
    /// Name of the object or item, padding removed. Compared as bytes.
    pub name: Option<Text<'a>>,
    /// Object or item: live (`true`) or killed.
    pub alive: Option<bool>,
    /// Where the sender, object or item is.
    pub position: Option<Position>,
    /// Metres above sea level.
    pub altitude_m: Option<f64>,
    /// km/h over ground.
    pub speed_kmh: Option<f64>,
    /// Course over ground, degrees, above 0 up to 360 (north).
    pub course_deg: Option<f64>,
    /// Map symbol.
    pub symbol: Option<Symbol>,
    /// Time as sent; [`Timestamp::resolve`] makes it absolute.
    pub timestamp: Option<Timestamp<'a>>,
    /// Free text, with the elements decoded elsewhere taken out.
    pub comment: Comment<'a>,
    /// Whether the sender takes messages, where the packet says so.
    pub messaging: Option<bool>,
    /// Station power, height, gain, directivity.
    pub phg: Option<Phg>,
    /// Signal strength report of a direction hunt.
    pub dfs: Option<Dfs>,
    /// Pre-calculated radio range, km.
    pub range_km: Option<f64>,
    /// Shape of an area object.
    pub area: Option<AreaObject>,
    /// Bearing of a direction-finder report.
    pub df: Option<DirectionFinding>,
    /// The `!DAO!` element: datum and added precision.
    pub dao: Option<Dao>,
    /// Voice frequency with tone and offset.
    pub frequency: Option<Frequency>,
    /// What a Mic-E radio's position comment says.
    pub mic_e_message: Option<MicEMessage>,
    /// The rest of what is particular to Mic-E: type byte and suffix.
    pub mic_e: Option<MicE<'a>>,
    /// Weather.
    pub weather: Option<Weather<'a>>,
    /// Telemetry report, from `T#`, a base-91 group or Mic-E.
    pub telemetry: Option<Telemetry<'a>>,
    /// Message, bulletin, acknowledgement ...
    pub message: Option<Message<'a>>,
    /// Status text.
    pub status: Option<Status<'a>>,
    /// The packet carried inside.
    pub third_party: Option<Box<Packet<'a>>>,
    /// What is odd.
    pub diagnostics: Diagnostics,
}

impl Default for Packet<'_> {
    /// A packet without anything, to read into.
    #[inline]
    fn default() -> Self {
        Self {
            raw: &[],
            source: Address::default(),
            destination: Address::default(),
            path: Path::default(),
            info: &[],
            kind: Kind::Unknown,
            name: None,
            alive: None,
            position: None,
            altitude_m: None,
            speed_kmh: None,
            course_deg: None,
            symbol: None,
            timestamp: None,
            comment: Comment::default(),
            messaging: None,
            phg: None,
            dfs: None,
            range_km: None,
            area: None,
            df: None,
            dao: None,
            frequency: None,
            mic_e_message: None,
            mic_e: None,
            weather: None,
            telemetry: None,
            message: None,
            status: None,
            third_party: None,
            diagnostics: Diagnostics::default(),
        }
    }
}

impl<'a> Packet<'a> {
    /// Sets what the header says.
    #[inline(always)]
    pub(crate) fn begin(&mut self, raw: &'a [u8], header: Header<'a>, info: &'a [u8]) {
        self.raw = raw;
        self.source = header.source;
        self.destination = header.destination;
        self.path = header.path;
        self.info = info;
    }

    /// The q construct of the path (`qAR` ...), which says how the packet came to APRS-IS.
    #[must_use]
    pub fn q_construct(&self) -> Option<&'a str> {
        self.path.q_construct()
    }

    /// The station that put the packet on APRS-IS from radio.
    #[must_use]
    pub fn igate(&self) -> Option<&'a str> {
        self.path.igate()
    }

    /// How the packet was heard by whoever put it on APRS-IS.
    #[must_use]
    pub fn heard(&self) -> Heard {
        self.path.heard()
    }

    /// The packet that counts: the innermost third-party packet, else this one.
    #[must_use]
    pub fn innermost(&self) -> &Packet<'a> {
        let mut packet = self;
        while let Some(inner) = &packet.third_party {
            packet = inner;
        }
        packet
    }
}

/// Why a line gives no packet. Header and kind are still there if the header was good, so that a bad packet can be
/// put down to its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseError<'a> {
    /// The reason.
    pub code: DiagnosticCode,
    /// Where in the line, bytes from its start.
    pub offset: usize,
    /// Source, destination and path, if they could be read.
    pub header: Option<Header<'a>>,
    /// What the data type says the packet is.
    pub kind: Option<Kind>,
    /// Name of the object or item, if that could be read.
    pub name: Option<Text<'a>>,
}

impl ParseError<'_> {
    /// One sentence for people.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.code.message()
    }
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.code.message(), self.offset)
    }
}

impl std::error::Error for ParseError<'_> {}

/// A body that cannot be read: the reason and the place.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: DiagnosticCode,
    pub(crate) offset: usize,
}

pub(crate) type Outcome<T = ()> = Result<T, Refused>;

/// Told which bytes were read as what; parsing alone uses the empty one, which costs nothing.
pub(crate) trait Trace {
    /// False when marks go nowhere, so that finding them can be left out.
    const ON: bool;
    fn mark(&mut self, field: Field, start: usize, end: usize);
}

impl Trace for () {
    const ON: bool = false;

    #[inline(always)]
    fn mark(&mut self, _: Field, _: usize, _: usize) {}
}

/// The packet being read. All slices handed around are parts of `line`, so offsets come from addresses.
pub(crate) struct Decoder<'a, 't, T> {
    pub(crate) line: &'a [u8],
    pub(crate) depth: u8,
    /// Filled in place: it is too big to be handed around.
    pub(crate) packet: &'t mut Packet<'a>,
    pub(crate) trace: &'t mut T,
}

impl<T: Trace> Decoder<'_, '_, T> {
    /// Where a part of the line starts.
    #[inline(always)]
    pub(crate) fn offset(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.line.as_ptr() as usize)
    }

    /// Notes that these bytes are this field.
    #[inline(always)]
    pub(crate) fn mark(&mut self, field: Field, part: &[u8]) {
        let start = self.offset(part);
        self.trace.mark(field, start, start + part.len());
    }

    /// Notes that something is odd there.
    #[cold]
    pub(crate) fn flag(&mut self, code: DiagnosticCode, part: &[u8]) {
        let start = self.offset(part);
        let bounded = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        self.packet.diagnostics.push(code, bounded(start), bounded(start + part.len()));
    }

    /// The error for a mandatory part that cannot be read.
    #[cold]
    pub(crate) fn refuse(&self, code: DiagnosticCode, part: &[u8]) -> Refused {
        Refused { code, offset: self.offset(part) }
    }
}
