//! The page for an address where there is nothing, in four languages, and a style sheet for it: the front-end answers only
//! for addresses that are pages.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};

/// Language, title, sentence, link to the map.
type Texts = (&'static str, &'static str, &'static str, &'static str);

const TEXTS: [Texts; 4] = [
    ("en", "There is nothing here", "This address is not a page of Godwit.", "Open the map"),
    ("de", "Hier ist nichts", "Diese Adresse ist keine Seite von Godwit.", "Karte öffnen"),
    ("es", "Aquí no hay nada", "Esta dirección no es una página de Godwit.", "Abrir el mapa"),
    ("fr", "Il n’y a rien ici", "Cette adresse n’est pas une page de Godwit.", "Ouvrir la carte"),
];

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-content:center;gap:.5rem;padding:1rem;background:#f4f2ec;color:#22241f;\
font:1rem/1.5 system-ui,sans-serif}\
h1{margin:0;font-size:1.5rem}p{margin:0}a{color:#0b5c7a}\
@media(prefers-color-scheme:dark){body{background:#15181a;color:#e6e4dd}a{color:#7cc4e0}}";

/// `GET /404.css`.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], STYLE)
}

/// 404: a page for who takes pages, a line for programs.
pub(crate) fn nothing(request: &HeaderMap) -> Response<Body> {
    let takes_pages = request.get_all(header::ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
    if !takes_pages {
        let line = "There is nothing here. Probes: /livez, /readyz, /startupz. The API: /api/v1.\n";
        return (StatusCode::NOT_FOUND, line).into_response();
    }
    let (language, title, sentence, link) = texts(request);
    let page = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Godwit</title><link rel=\"stylesheet\" href=\"/404.css\"></head>\
         <body><h1>{title}</h1><p>{sentence}</p><p><a href=\"/\">{link}</a></p></body></html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::VARY, HeaderValue::from_static("accept, accept-language")),
    ];
    (StatusCode::NOT_FOUND, headers, page).into_response()
}

/// In the first language of the client that we have, else in English.
fn texts(request: &HeaderMap) -> Texts {
    let languages = request.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = languages.split(',').map(|one| one.trim().split(['-', ';']).next().unwrap_or_default());
    wanted
        .filter_map(|wanted| TEXTS.iter().find(|(language, ..)| language.eq_ignore_ascii_case(wanted)))
        .next()
        .copied()
        .unwrap_or(TEXTS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_in_the_language_of_who_asks() {
        let of = |wanted: &'static str| texts(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(wanted))])).0;
        assert_eq!([of("de-AT,de;q=0.9,en;q=0.8"), of("nl, fr;q=0.7"), of("ES"), of("ja"), of("")], ["de", "fr", "es", "en", "en"]);
    }
}
