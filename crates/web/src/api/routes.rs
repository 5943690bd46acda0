//! `GET /api/v1`: every route of the API with its parameters. The page `/api` makes its forms of it, and a test holds
//! docs/api.md against it.

use axum::Json;
use serde_json::{Value, json};

/// A route that is asked with GET and answers JSON.
pub(crate) struct Route {
    /// Below `/api/v1`, parameters in braces.
    pub(crate) path: &'static str,
    /// One sentence.
    about: &'static str,
    pub(crate) parameters: &'static [Parameter],
}

/// A parameter of the path or of the query.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// What it is and which values it may have.
    about: &'static str,
    /// A value to try; empty where one usually leaves it out.
    example: &'static str,
}

const fn parameter(name: &'static str, about: &'static str, example: &'static str) -> Parameter {
    Parameter { name, about, example }
}

const NAME: Parameter = parameter("name", "Callsign with SSID, or the name of an object or item.", "");
const KIND: Parameter = parameter("kind", "station, object or item; without it any of them by that name.", "");
const SINCE: Parameter = parameter("since", "From this time on, RFC 3339; without it the day before until.", "");
const UNTIL: Parameter = parameter("until", "Before this time, RFC 3339; without it up to now.", "");

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: "/stations",
        about: "Stations, objects and items with a position in a box.",
        parameters: &[
            parameter("bbox", "West, south, east, north in degrees; west greater than east crosses the date line.", "5,45,15,55"),
            parameter("since", "Heard since this time, RFC 3339.", ""),
            parameter("limit", "1 to 5000; 1000 without it.", "10"),
            parameter("cursor", "What next of the page before said.", ""),
        ],
    },
    Route {
        path: "/stations/near",
        about: "Stations nearest to a point, with distance and bearing.",
        parameters: &[
            parameter("latitude", "Degrees north, -90 to 90.", "48.1"),
            parameter("longitude", "Degrees east, -180 to 180.", "11.6"),
            parameter("limit", "1 to 100; 20 without it.", "5"),
        ],
    },
    Route {
        path: "/stations/{name}",
        about: "One station, object or item with all that it said last.",
        parameters: &[NAME, KIND, parameter("at", "As it was at this time, RFC 3339; without it now.", "")],
    },
    Route {
        path: "/stations/{name}/track",
        about: "Where it was, oldest first.",
        parameters: &[NAME, KIND, SINCE, UNTIL, parameter("limit", "1 to 10,000; 1000 without it.", "")],
    },
    Route {
        path: "/stations/{name}/weather",
        about: "The weather that it sent, oldest first.",
        parameters: &[
            NAME,
            KIND,
            SINCE,
            UNTIL,
            parameter("every", "Of so many seconds (1 to 86,400) only the last report, with the strongest gust of them all.", ""),
            parameter("limit", "1 to 10,000; 1000 without it.", ""),
        ],
    },
    Route {
        path: "/stations/{name}/telemetry",
        about: "The newest telemetry that it sent, oldest first, with names, units and equations where it sent these too.",
        parameters: &[NAME, KIND, SINCE, UNTIL, parameter("limit", "1 to 10,000; 1000 without it.", "")],
    },
    Route {
        path: "/stations/{name}/heard",
        about: "Stations that heard it on radio with nothing in between, or that it heard; most packets first.",
        parameters: &[
            NAME,
            parameter("side", "heard_by: who heard it; heard: whom it heard.", "heard_by"),
            parameter("days", "Of so many days up to today (UTC), 1 to 366; 30 without it.", ""),
            parameter("limit", "1 to 1000; 50 without it.", ""),
        ],
    },
    Route {
        path: "/packets",
        about: "Packets as they were received, newest first.",
        parameters: &[
            parameter("since", "Received at this time or later, RFC 3339.", ""),
            parameter("until", "Received before this time, RFC 3339.", ""),
            parameter("name", "About the station, object or item of this name.", ""),
            parameter("kind", "One kind of packet, such as position, weather or message.", ""),
            parameter("verdict", "accepted, duplicate, implausible or bad.", ""),
            parameter("text", "Lines with this in them, capitals or not.", ""),
            parameter("duplicates", "true: copies too.", ""),
            parameter("limit", "1 to 10,000; 100 without it.", "10"),
            parameter("cursor", "What next of the page before said.", ""),
        ],
    },
    Route { path: "/packets/hours", about: "How many packets came in each hour, by verdict, oldest first.", parameters: &[SINCE, UNTIL] },
    Route {
        path: "/packets/{id}",
        about: "One packet: its way, and what each of its bytes means.",
        parameters: &[parameter("id", "As a list of packets gives it.", "")],
    },
    Route {
        path: "/search",
        about: "Stations, objects and items by name, places by name, and points by locator or coordinates.",
        parameters: &[
            parameter("q", "A name or its beginning (* and ? stand for anything), a place, a locator, coordinates.", "JN58"),
            parameter("limit", "Of each, 1 to 100; 8 without it.", ""),
        ],
    },
    Route { path: "/status", about: "What the program is doing.", parameters: &[] },
];

/// `GET /api/v1`.
pub(crate) async fn list() -> Json<Value> {
    let parameter = |route: &Route, parameter: &Parameter| {
        let place = if route.path.contains(&format!("{{{}}}", parameter.name)) { "path" } else { "query" };
        json!({ "name": parameter.name, "in": place, "about": parameter.about, "example": parameter.example })
    };
    let routes: Vec<Value> = ROUTES
        .iter()
        .map(|route| {
            let parameters: Vec<Value> = route.parameters.iter().map(|one| parameter(route, one)).collect();
            json!({ "path": format!("/api/v1{}", route.path), "about": route.about, "parameters": parameters })
        })
        .collect();
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "routes": routes }))
}

#[cfg(test)]
mod tests {
    use super::ROUTES;

    #[test]
    fn the_document_has_every_route_with_its_parameters() {
        let document = include_str!("../../../../docs/api.md");
        for route in ROUTES {
            let row = document
                .lines()
                .find(|line| line.strip_prefix("| `GET ").is_some_and(|rest| rest.split(['?', '`']).next() == Some(route.path)));
            let row = row.unwrap_or_else(|| panic!("docs/api.md has no row for {}", route.path));
            for parameter in route.parameters {
                let named = [format!("{}=", parameter.name), format!("{{{}}}", parameter.name)].iter().any(|text| row.contains(text));
                assert!(named, "docs/api.md says nothing of {} of {}", parameter.name, route.path);
            }
        }
        let rows = document.lines().filter(|line| line.starts_with("| `GET /")).count();
        assert_eq!(rows, ROUTES.len(), "docs/api.md has other routes than the list");
    }
}
