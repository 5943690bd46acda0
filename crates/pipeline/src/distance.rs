//! Distances on the Earth.

/// Mean radius of the Earth, km (R1 of WGS 84).
pub const EARTH_KM: f64 = 6371.0088;

/// The way along the great circle, km, by the haversine formula; degrees north and east.
#[must_use]
pub fn distance_km(latitude: f64, longitude: f64, to_latitude: f64, to_longitude: f64) -> f64 {
    let (a, b) = (latitude.to_radians(), to_latitude.to_radians());
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let chord = half(to_latitude - latitude) + a.cos() * b.cos() * half(to_longitude - longitude);
    2.0 * EARTH_KM * chord.sqrt().min(1.0).asin()
}
