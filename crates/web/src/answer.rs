//! A JSON object written row by row into one buffer: no tree of the whole answer is ever in memory beside its text.

use std::io::Write as _;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::cost::Cost;

/// An object in the making. As a response it carries its [`Cost`].
#[derive(Debug)]
pub(crate) struct Answer {
    body: Vec<u8>,
    rows: usize,
}

impl Answer {
    /// An object without fields, for which nothing was read.
    pub(crate) fn new() -> Self {
        Self { body: b"{".to_vec(), rows: 0 }
    }

    /// Adds a field.
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.name(name);
        self.value(&value.into());
        self
    }

    /// Adds a field that is a list; each row is written when it is made, and counts as one that was read.
    pub(crate) fn list(mut self, name: &str, rows: impl IntoIterator<Item = Value>) -> Self {
        self.name(name);
        self.body.push(b'[');
        for (at, row) in rows.into_iter().enumerate() {
            if at > 0 {
                self.body.push(b',');
            }
            self.value(&row);
            self.rows += 1;
        }
        self.body.push(b']');
        self
    }

    /// Counts rows that were read for the answer and are not in it.
    pub(crate) fn read(mut self, rows: usize) -> Self {
        self.rows += rows;
        self
    }

    fn name(&mut self, name: &str) {
        if self.body.len() > 1 {
            self.body.push(b',');
        }
        self.value(&Value::from(name));
        self.body.push(b':');
    }

    fn value(&mut self, value: &Value) {
        // Writing to memory does not fail.
        let _ = write!(self.body, "{value}");
    }
}

impl IntoResponse for Answer {
    fn into_response(mut self) -> Response {
        self.body.push(b'}');
        let mut response = Response::new(self.body.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.extensions_mut().insert(Cost::of_rows(self.rows));
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_the_json_that_a_tree_would_be_and_says_what_it_cost() {
        let rows = (0..600).map(|n| json!({ "n": n, "text": "\"é\n" }));
        let answer = Answer::new().field("name", "a\"b").list("rows", rows.clone()).list("none", []).field("next", Value::Null).read(401);
        let body: Value = serde_json::from_slice(&[&answer.body[..], b"}"].concat()).expect("JSON");
        assert_eq!(body, json!({ "name": "a\"b", "rows": rows.collect::<Vec<_>>(), "none": [], "next": null }));
        assert_eq!(answer.into_response().extensions().get(), Some(&Cost(5)));
        assert_eq!(&[&Answer::new().body[..], b"}"].concat(), b"{}");
    }
}
