//! `GET /api/v1/search` and `/api/v1/stations/near`: from memory, in bounded time.

use axum::extract::State;
use godwit_live::Near;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    limit, shown,
    stations::{rounded, short},
};
use crate::{
    SiteState,
    answer::Answer,
    coordinates::{Location, locations},
    error::{ApiError, QueryOf},
    places::{self, Place},
};

/// Longer texts find nothing: names have 9 bytes, coordinates in full about 60.
const LONGEST: usize = 100;

#[derive(Deserialize)]
pub(crate) struct SearchQuery {
    q: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/search?q=&limit=`: entities, places, and what the text itself says of a location.
pub(crate) async fn search(State(site): SiteState, QueryOf(query): QueryOf<SearchQuery>) -> Result<Answer, ApiError> {
    let limit = limit(query.limit.as_deref(), 8, 100)?;
    let text = query.q.as_deref().map(str::trim).filter(|text| text.len() <= LONGEST).unwrap_or_default().to_owned();
    let live = site.live.clone();
    let made = move || {
        let (results, total) = live.search(&text, limit);
        let answer = Answer::new().list("results", results.iter().map(|state| Value::Object(short(state)))).field("total", total);
        answer.list("places", places::search(&text, limit).iter().map(place)).list("locations", locations(&text).iter().map(location))
    };
    site.answers.heavy.enter().await?.run(made).await
}

fn place(place: &Place) -> Value {
    let mut object = json!({ "name": place.name, "latitude": place.latitude, "longitude": place.longitude, "zoom": place.zoom });
    if !place.country.is_empty() {
        object["country"] = place.country.into();
    }
    object
}

fn location(found: &Location) -> Value {
    json!({
        "kind": found.kind,
        "text": found.text,
        "latitude": rounded(found.latitude, 6),
        "longitude": rounded(found.longitude, 6),
        "zoom": found.zoom,
    })
}

#[derive(Deserialize)]
pub(crate) struct NearQuery {
    latitude: Option<String>,
    longitude: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/stations/near?latitude=&longitude=&limit=`: nearest first, with distance and bearing from the point.
pub(crate) async fn near(State(site): SiteState, QueryOf(query): QueryOf<NearQuery>) -> Result<Answer, ApiError> {
    let latitude = degrees("latitude", query.latitude.as_deref(), 90.0)?;
    let longitude = degrees("longitude", query.longitude.as_deref(), 180.0)?;
    let limit = limit(query.limit.as_deref(), 20, 100)?;
    let live = site.live.clone();
    let one = |near: &Near| {
        let mut object = short(&near.state);
        object.insert("distance_km".into(), rounded(near.distance_km, 3).into());
        object.insert("bearing_deg".into(), (rounded(near.bearing_deg, 1) % 360.0).into());
        Value::Object(object)
    };
    let made = move || Answer::new().list("stations", live.nearest(latitude, longitude, limit).iter().map(one));
    site.answers.heavy.enter().await?.run(made).await
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
