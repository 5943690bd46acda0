//! Weather that follows latitude, season and hour, with a slow local wobble; no two places alike.

/// What a simulated weather station measures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) temperature_f: i32,
    pub(crate) humidity_percent: u32,
    pub(crate) pressure_tenths_hpa: u32,
    pub(crate) wind_direction_deg: u32,
    pub(crate) wind_mph: u32,
    pub(crate) gust_mph: u32,
    pub(crate) rain_1h: u32,
    pub(crate) rain_24h: u32,
    pub(crate) rain_midnight: u32,
}

/// A slow wave through days, between -1 and 1; `phase` sets places apart.
fn wobble(hours: f64, phase: f64) -> f64 {
    ((hours / 53.0 + phase).sin()
        + (hours / 17.3 + phase * 2.7).sin() * 0.6
        + (hours / 5.9 + phase * 5.1).sin() * 0.3)
        / 1.9
}

/// The weather at a place and time (microseconds since 1970 UTC).
pub(crate) fn at(latitude: f64, longitude: f64, phase: f64, at_us: i64) -> Weather {
    let hours = at_us as f64 / 3.6e9;
    let local_hour = (hours + longitude / 15.0).rem_euclid(24.0);
    let season =
        ((hours / 24.0 - 201.0) / 365.25 * std::f64::consts::TAU).cos() * latitude.signum();
    let mean = 29.0 - latitude.abs() * 0.48;
    let swing = latitude.abs() * 0.22;
    let day = ((local_hour - 15.0) / 24.0 * std::f64::consts::TAU).cos();
    let front = wobble(hours, phase);
    let celsius = mean + swing * season + 5.0 * day - 2.5 * front;
    let wet = ((front - 0.55) * 2.5).clamp(0.0, 1.0);
    let wind = (6.0 + 8.0 * wobble(hours, phase + 1.3).abs() + 3.0 * day.max(0.0)).max(0.0);
    let rain_1h = (wet * 12.0) as u32;
    let earlier: f64 = (1..24)
        .map(|back| ((wobble(hours - f64::from(back), phase) - 0.55) * 2.5).clamp(0.0, 1.0) * 12.0)
        .sum();
    let since_midnight: f64 = (1..24)
        .take_while(|back| f64::from(*back) <= local_hour)
        .map(|back| ((wobble(hours - f64::from(back), phase) - 0.55) * 2.5).clamp(0.0, 1.0) * 12.0)
        .sum();
    Weather {
        temperature_f: (celsius * 1.8 + 32.0).round() as i32,
        humidity_percent: (62.0 - 18.0 * day + 30.0 * wet).clamp(8.0, 100.0) as u32,
        pressure_tenths_hpa: (10_150.0 - 130.0 * front) as u32,
        wind_direction_deg: ((phase * 57.3 + wobble(hours, phase + 0.7) * 120.0).rem_euclid(360.0)
            as u32)
            .max(1),
        wind_mph: wind as u32,
        gust_mph: (wind * 1.5) as u32,
        rain_1h,
        rain_24h: rain_1h + earlier as u32,
        rain_midnight: rain_1h + since_midnight as u32,
    }
}
