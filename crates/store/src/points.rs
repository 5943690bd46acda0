//! Points of a series about one entity: where it was, what weather it had.

use godwit_packet::{PositionFormat, Weather, parse};

use crate::{StoredPacket, packed};

/// A point of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackPoint {
    /// The packet's id.
    pub id: i64,
    /// When it was received, microseconds since 1970 UTC.
    pub received_at_us: i64,
    /// Degrees north, to a millionth.
    pub latitude: f64,
    /// Degrees east, to a millionth.
    pub longitude: f64,
    /// Metres above sea level, whole.
    pub altitude_m: Option<i32>,
    /// km/h, to a tenth.
    pub speed_kmh: Option<f32>,
    /// Degrees, 1..=360 (360 is north).
    pub course_deg: Option<u16>,
    /// `accepted` or `implausible`.
    pub verdict: &'static str,
    /// Why, for the latter.
    pub reason: Option<String>,
}

/// What a packet says about where and how fast, in the steps in which it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Motion {
    /// Millionths of a degree north.
    pub(crate) latitude: i32,
    /// Millionths of a degree east.
    pub(crate) longitude: i32,
    pub(crate) altitude_m: Option<i32>,
    /// Tenths of km/h.
    pub(crate) speed: Option<i16>,
    pub(crate) course_deg: Option<i16>,
}

impl Motion {
    /// `None` without a position, or with one that is only a Maidenhead square: kilometres wide, no point of a track.
    pub(crate) fn of(packet: &godwit_packet::Packet<'_>) -> Option<Self> {
        let subject = packet.innermost();
        let position = subject.position.filter(|position| position.format != PositionFormat::Grid)?;
        let scaled = |degrees: f64| (degrees * 1e6).round() as i32;
        Some(Self {
            latitude: scaled(position.latitude),
            longitude: scaled(position.longitude),
            altitude_m: subject.altitude_m.map(|altitude| altitude.round() as i32),
            speed: subject.speed_kmh.map(|speed| (speed * 10.0).round() as i16),
            course_deg: subject.course_deg.map(|course| (course.round() as i16).max(1)),
        })
    }

    pub(crate) fn point(self, id: i64, verdict: &'static str, reason: Option<String>) -> TrackPoint {
        TrackPoint {
            id,
            received_at_us: id,
            latitude: f64::from(self.latitude) / 1e6,
            longitude: f64::from(self.longitude) / 1e6,
            altitude_m: self.altitude_m,
            speed_kmh: self.speed.map(|speed| f32::from(speed) / 10.0),
            course_deg: self.course_deg.and_then(|course| u16::try_from(course).ok()),
            verdict,
            reason,
        }
    }
}

impl TrackPoint {
    /// The point in a stored packet, if it has one.
    pub(crate) fn read(packet: &StoredPacket) -> Option<Self> {
        let motion = Motion::of(&parse(&packet.raw).ok()?)?;
        Some(motion.point(packet.id, packet.verdict, packet.reason.clone()))
    }
}

macro_rules! weather_point {
    ($($(#[$doc:meta])* $field:ident),* $(,)?) => {
        /// One weather report. Values to a hundredth; absent is what was not sent.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct WeatherPoint {
            /// The packet's id.
            pub id: i64,
            /// When it was received, microseconds since 1970 UTC.
            pub received_at_us: i64,
            $($(#[$doc])* pub $field: Option<f64>,)*
        }

        impl WeatherPoint {
            /// The readings of a packet as they are kept.
            pub(crate) fn pack(weather: &Weather<'_>) -> Vec<u8> {
                packed::pack_values(&[$(weather.$field),*])
            }

            /// A report from its packed readings.
            pub(crate) fn unpack(id: i64, bytes: &[u8]) -> Self {
                let [$($field),*] = packed::unpack_values(bytes);
                Self { id, received_at_us: id, $($field),* }
            }

            /// What was sent, by the names of the fields here.
            pub fn readings(&self) -> impl Iterator<Item = (&'static str, f64)> {
                [$((stringify!($field), self.$field)),*].into_iter().filter_map(|(name, value)| Some((name, value?)))
            }
        }
    };
}

// In the order in which they are kept. Only ever append.
weather_point! {
    /// Where the wind comes from, degrees 1 to 360.
    wind_direction_deg,
    /// Mean wind, m/s.
    wind_speed_ms,
    /// Strongest gust, m/s.
    wind_gust_ms,
    /// °C.
    temperature_c,
    /// Relative humidity, percent, 1 to 100.
    humidity_percent,
    /// Air pressure, hPa.
    pressure_hpa,
    /// Rain of the last hour, mm.
    rain_1h_mm,
    /// Rain of the last 24 hours, mm.
    rain_24h_mm,
    /// Rain since local midnight, mm.
    rain_midnight_mm,
    /// Snow of the last 24 hours, mm.
    snow_24h_mm,
    /// Sunlight, W/m².
    luminosity_wm2,
    /// Total of the gauge since some unknown time, mm.
    rain_total_mm,
    /// Water above flood stage, m.
    water_level_m,
    /// Battery, volts.
    battery_v,
    /// Radiation, nSv/h.
    radiation_nsvh,
    /// Indoor temperature, °C.
    indoor_temperature_c,
    /// Indoor humidity, percent.
    indoor_humidity_percent,
}

impl WeatherPoint {
    /// The report in a stored packet, if it has one.
    pub(crate) fn read(packet: &StoredPacket) -> Option<Self> {
        let parsed = parse(&packet.raw).ok()?;
        parsed.innermost().weather.as_ref().map(|weather| Self::unpack(packet.id, &Self::pack(weather)))
    }
}
