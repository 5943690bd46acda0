//! `GET /api/v1/search` and `/api/v1/stations/near`: from memory, in bounded time.

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, shown,
    stations::{rounded, short},
};
use crate::{SiteState, coordinates::locations, error::ApiError, places};

/// Longer texts find nothing: names have 9 bytes, coordinates in full about 60.
const LONGEST: usize = 100;

#[derive(Deserialize)]
pub(crate) struct SearchQuery {
    q: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/search?q=&limit=`: entities, places, and what the text itself says of a location.
pub(crate) async fn search(State(site): SiteState, Query(query): Query<SearchQuery>) -> Result<Json<Value>, ApiError> {
    let limit = limit(query.limit.as_deref(), 8, 100)?;
    let text = query.q.as_deref().map(str::trim).filter(|text| text.len() <= LONGEST).unwrap_or_default();
    let (states, total) = site.live.search(text, limit);
    let results: Vec<Value> = states.iter().map(|state| Value::Object(short(state))).collect();
    let places: Vec<Value> = places::search(text, limit)
        .iter()
        .map(|place| {
            let mut object = json!({ "name": place.name, "latitude": place.latitude, "longitude": place.longitude, "zoom": place.zoom });
            if !place.country.is_empty() {
                object["country"] = place.country.into();
            }
            object
        })
        .collect();
    let locations: Vec<Value> = locations(text)
        .iter()
        .map(|found| {
            json!({
                "kind": found.kind,
                "text": found.text,
                "latitude": rounded(found.latitude, 6),
                "longitude": rounded(found.longitude, 6),
                "zoom": found.zoom,
            })
        })
        .collect();
    Ok(Json(json!({ "results": results, "total": total, "places": places, "locations": locations })))
}

#[derive(Deserialize)]
pub(crate) struct NearQuery {
    latitude: Option<String>,
    longitude: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/near?latitude=&longitude=&limit=`: nearest first, with distance and bearing from the point.
pub(crate) async fn near(State(site): SiteState, Query(query): Query<NearQuery>) -> Result<Json<Value>, ApiError> {
    let latitude = degrees("latitude", query.latitude.as_deref(), 90.0)?;
    let longitude = degrees("longitude", query.longitude.as_deref(), 180.0)?;
    let limit = limit(query.limit.as_deref(), 20, 100)?;
    let stations: Vec<Value> = site
        .live
        .nearest(latitude, longitude, limit)
        .iter()
        .map(|near| {
            let mut object = short(&near.state);
            object.insert("distance_km".into(), rounded(near.distance_km, 3).into());
            object.insert("bearing_deg".into(), (rounded(near.bearing_deg, 1) % 360.0).into());
            Value::Object(object)
        })
        .collect();
    Ok(Json(json!({ "stations": stations })))
}

fn degrees(name: &str, value: Option<&str>, most: f64) -> Result<f64, ApiError> {
    let value = value.ok_or_else(|| ApiError::bad_request(format!("{name} is missing: degrees from -{most} to {most}")))?;
    value
        .trim()
        .parse()
        .ok()
        .filter(|degrees: &f64| degrees.abs() <= most)
        .ok_or_else(|| ApiError::bad_request(format!("{name} = \"{}\" is not a number of degrees from -{most} to {most}", shown(value))))
}
