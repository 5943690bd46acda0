//! Which bytes mean what: the fields a span can be.

macro_rules! fields {
    ($($name:ident $text:literal $meaning:literal,)+) => {
        /// What a run of bytes is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Field { $(#[doc = $meaning] $name,)+ }

        impl Field {
            /// Every field there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable name, snake_case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

fields! {
    Separator "separator" "Separates two parts.",
    Source "source" "Callsign of the sending station.",
    Destination "destination" "Destination address: usually the software or device that sent the packet.",
    Hop "hop" "Path element: a digipeater or a request for one.",
    QConstruct "q_construct" "How the packet came to APRS-IS.",
    Server "server" "The station or server that put the packet on APRS-IS, or one it passed.",
    DataType "data_type" "Data type: says what sort of packet follows.",
    Name "name" "Name of the object or item.",
    Alive "alive" "Whether the object or item is live or killed.",
    Timestamp "timestamp" "When the report was made.",
    Latitude "latitude" "Latitude.",
    Longitude "longitude" "Longitude.",
    SymbolTable "symbol_table" "Symbol table, or the overlay drawn on the symbol.",
    SymbolCode "symbol_code" "Which symbol of the table.",
    CourseSpeed "course_speed" "Course in degrees and speed in knots.",
    CompressedCs "compressed_cs" "Course and speed, altitude or radio range, in compressed form.",
    CompressedType "compressed_type" "How the compressed position was made and what the two bytes before mean.",
    BearingQuality "bearing_quality" "Bearing and quality of a direction-finder report.",
    Phg "phg" "Power, antenna height, gain and direction of the station.",
    Range "range" "Radio range in miles.",
    Dfs "dfs" "Signal strength, antenna height, gain and direction for a direction hunt.",
    Area "area" "Shape, size and colour of an area object.",
    Storm "storm" "Storm data: stage, winds, pressure and radii.",
    Signpost "signpost" "What stands on the signpost.",
    Outline "outline" "Outline of a warning or front, relative to the object.",
    Altitude "altitude" "Altitude above sea level.",
    Dao "dao" "Datum and added digits of the position.",
    Frequency "frequency" "Voice frequency in MHz.",
    Tone "tone" "Tone, squelch code or burst that opens the receiver.",
    Offset "offset" "Transmit offset of the repeater.",
    FrequencyRange "frequency_range" "Nominal range of the frequency.",
    Wind "wind" "Wind direction in degrees and mean speed in miles per hour.",
    WindDirection "wind_direction" "Direction the wind blows from.",
    WindSpeed "wind_speed" "Mean wind of the last minute, miles per hour.",
    WindGust "wind_gust" "Strongest gust of the last five minutes, miles per hour.",
    Temperature "temperature" "Temperature, degrees Fahrenheit.",
    Rain1h "rain_1h" "Rain of the last hour, hundredths of an inch.",
    Rain24h "rain_24h" "Rain of the last 24 hours, hundredths of an inch.",
    RainMidnight "rain_midnight" "Rain since local midnight, hundredths of an inch.",
    RainCounter "rain_counter" "Raw count of the rain gauge.",
    Humidity "humidity" "Relative humidity in percent; 00 is 100.",
    Pressure "pressure" "Air pressure, tenths of hectopascals.",
    Luminosity "luminosity" "Sunlight, watts per square metre.",
    Snow "snow" "Snow of the last 24 hours, inches.",
    WaterLevel "water_level" "Water above flood stage.",
    Battery "battery" "Battery, tenths of a volt.",
    Radiation "radiation" "Radiation, nanosieverts per hour as two digits and an exponent.",
    WeatherUnit "weather_unit" "Software and type of the weather station.",
    WeatherOther "weather_other" "A weather field without a defined meaning.",
    RawWeather "raw_weather" "Readings of a weather station as its own hexadecimal words.",
    MicELongitude "mic_e_longitude" "Longitude in Mic-E form; latitude and message are in the destination.",
    MicESpeedCourse "mic_e_speed_course" "Speed and course in Mic-E form.",
    MicEType "mic_e_type" "Type byte of the radio.",
    MicEAltitude "mic_e_altitude" "Altitude in Mic-E form, metres above 10 km below sea level.",
    MicESuffix "mic_e_suffix" "Which radio sent this.",
    TelemetrySequence "telemetry_sequence" "Number of the telemetry report.",
    TelemetryValue "telemetry_value" "Analogue telemetry value.",
    TelemetryBits "telemetry_bits" "Eight digital telemetry bits, B1 first.",
    TelemetryBase91 "telemetry_base91" "Telemetry report in base-91 form.",
    TelemetryHex "telemetry_hex" "Telemetry report in the old Mic-E form.",
    Addressee "addressee" "Who the message is for.",
    MessageText "message_text" "Text of the message.",
    MessageId "message_id" "Number to acknowledge the message by.",
    ReplyAck "reply_ack" "Acknowledges an earlier message at the same time.",
    Acknowledged "acknowledged" "Number of the message acknowledged or rejected.",
    DefinitionText "definition_text" "Names, units, equations or bit senses for telemetry.",
    ChannelName "channel_name" "Name of a telemetry channel or bit.",
    ChannelUnit "channel_unit" "Unit of a telemetry channel, or label of a bit.",
    Coefficient "coefficient" "Coefficient of a telemetry channel's equation: value = a·v² + b·v + c.",
    BitSense "bit_sense" "Which state of each digital telemetry bit is true.",
    Project "project" "Name of the telemetry project.",
    Status "status" "Status text.",
    Locator "locator" "Maidenhead locator.",
    BeamPower "beam_power" "Beam heading and radiated power.",
    Query "query" "What is asked for.",
    QueryArea "query_area" "Latitude, longitude and radius in miles of the area asked.",
    Capability "capability" "What the station can do.",
    Nmea "nmea" "NMEA sentence from a satellite receiver.",
    UserData "user_data" "User-defined data.",
    Padding "padding" "Bytes that carry nothing.",
    Text "text" "Free text.",
}

/// A run of bytes with one meaning; offsets into the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Span {
    /// What it is.
    pub field: Field,
    /// First byte.
    pub start: u16,
    /// One past the last byte.
    pub end: u16,
}

impl Span {
    pub(crate) fn new(field: Field, start: usize, end: usize) -> Self {
        let bounded = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        Self { field, start: bounded(start), end: bounded(end) }
    }
}
