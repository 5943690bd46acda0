//! Weather that follows latitude, season and hour, with a slow local wobble; no two places alike.

/// What a simulated weather station measures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) temperature_c: f64,
    pub(crate) humidity_percent: f64,
    pub(crate) pressure_hpa: f64,
    pub(crate) wind_direction_deg: f64,
    pub(crate) wind_ms: f64,
    pub(crate) rain_1h_mm: f64,
    pub(crate) rain_24h_mm: f64,
    pub(crate) rain_midnight_mm: f64,
}

/// A slow wave through days, between -1 and 1; `phase` sets places apart.
fn wobble(hours: f64, phase: f64) -> f64 {
    ((hours / 53.0 + phase).sin() + (hours / 17.3 + phase * 2.7).sin() * 0.6 + (hours / 5.9 + phase * 5.1).sin() * 0.3) / 1.9
}

/// The weather at a place and time (microseconds since 1970 UTC).
pub(crate) fn at(latitude: f64, longitude: f64, phase: f64, at_us: i64) -> Weather {
    let hours = at_us as f64 / 3.6e9;
    let local_hour = (hours + longitude / 15.0).rem_euclid(24.0);
    let season = ((hours / 24.0 - 201.0) / 365.25 * std::f64::consts::TAU).cos() * latitude.signum();
    let mean = 29.0 - latitude.abs() * 0.48;
    let swing = latitude.abs() * 0.22;
    let day = ((local_hour - 15.0) / 24.0 * std::f64::consts::TAU).cos();
    let front = wobble(hours, phase);
    let celsius = mean + swing * season + 5.0 * day - 2.5 * front;
    let wet = ((front - 0.55) * 2.5).clamp(0.0, 1.0);
    let wind_ms = 2.5 + 3.5 * wobble(hours, phase + 1.3).abs() + 1.5 * day.max(0.0);
    // Millimetres of an hour so many hours ago.
    let rain = |back: u32| ((wobble(hours - f64::from(back), phase) - 0.55) * 2.5).clamp(0.0, 1.0) * 3.0;
    Weather {
        temperature_c: celsius,
        humidity_percent: (62.0 - 18.0 * day + 30.0 * wet).clamp(8.0, 100.0),
        pressure_hpa: 1015.0 - 13.0 * front,
        wind_direction_deg: (phase * 57.3 + wobble(hours, phase + 0.7) * 120.0).rem_euclid(360.0).max(1.0),
        wind_ms,
        rain_1h_mm: rain(0),
        rain_24h_mm: (0..24).map(rain).sum(),
        rain_midnight_mm: (0..24).take_while(|back| f64::from(*back) <= local_hour).map(rain).sum(),
    }
}
