//! Whether a client has what it asks for already (RFC 9110, section 13.1.2).

use axum::http::{HeaderMap, header};

/// Whether `If-None-Match` names the representation that there is: `*`, or a tag of its lists for which `is_it` is true.
/// Tags are given without `W/` and quotes: the comparison is the weak one.
pub(crate) fn known(request: &HeaderMap, is_it: impl Fn(&str) -> bool) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(tags).any(|tag| tag == "*" || is_it(tag))
}

/// The tags of a list; `*` is one. Commas may stand in a tag, quotes may not.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            return Some("*");
        }
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = quoted.split_once('"')?;
        rest = after;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tags_are_found_in_every_form_of_the_standard() {
        let has = |lists: &[&'static str]| {
            let headers: HeaderMap = lists.iter().map(|list| (header::IF_NONE_MATCH, HeaderValue::from_static(list))).collect();
            known(&headers, |tag| tag == "a,b-br")
        };
        for good in
            [&["\"a,b-br\""][..], &["W/\"a,b-br\""], &["\"x\", W/\"y\",\"a,b-br\""], &["*"], &["\"x\"", "\"a,b-br\""], &[" , \"a,b-br\""]]
        {
            assert!(has(good), "{good:?}");
        }
        for bad in [&[][..], &["\"a,b\""], &["a,b-br"], &["\"a,b-br"], &["w/\"a,b-br\""], &["\"x\" \"a"], &[""]] {
            assert!(!has(bad), "{bad:?}");
        }
    }
}
