//! The filters that clients use most (aprs-is.net, "Server-side filters"): r p b t a, and `-` in front to leave out.

use godwit_packet::{Kind, parse};

use crate::{simulator::Line, station::distance_km};

#[derive(Debug, Clone)]
enum Term {
    Range((f64, f64), f64),
    Area(f64, f64, f64, f64),
    Prefix(Vec<String>),
    Buddy(Vec<String>),
    Kinds(String),
}

/// A client's filter. Without one a client of the filter port gets nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    take: Vec<Term>,
    leave: Vec<Term>,
}

impl Filter {
    /// Reads a filter; also returns the terms that make no sense.
    pub(crate) fn parse(text: &str) -> (Self, Vec<String>) {
        let (mut filter, mut wrong) = (Self::default(), Vec::new());
        for word in text.split_whitespace().take(64) {
            let (list, rest) = word.strip_prefix('-').map_or((&mut filter.take, word), |rest| (&mut filter.leave, rest));
            match term(rest) {
                Some(term) => list.push(term),
                None => wrong.push(word.chars().take(40).collect()),
            }
        }
        (filter, wrong)
    }

    pub(crate) fn passes(&self, line: &Line) -> bool {
        !self.leave.iter().any(|term| term.matches(line)) && self.take.iter().any(|term| term.matches(line))
    }
}

fn term(text: &str) -> Option<Term> {
    let (kind, rest) = text.split_once('/')?;
    let words = || rest.split('/').filter(|word| !word.is_empty()).map(str::to_ascii_uppercase).collect::<Vec<_>>();
    let numbers: Option<Vec<f64>> = rest.split('/').map(|word| word.parse().ok()).collect();
    match (kind.to_ascii_lowercase().as_str(), numbers.as_deref()) {
        ("r", Some([latitude, longitude, km])) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 => {
            Some(Term::Range((*latitude, *longitude), *km))
        }
        ("a", Some([north, west, south, east])) => Some(Term::Area(*north, *west, *south, *east)),
        ("p", _) => Some(Term::Prefix(words())),
        ("b", _) => Some(Term::Buddy(words())),
        ("t", _) => Some(Term::Kinds(rest.to_ascii_lowercase())),
        _ => None,
    }
}

impl Term {
    fn matches(&self, line: &Line) -> bool {
        let source = || line.bytes.split(|byte| *byte == b'>').next().unwrap_or_default();
        match self {
            Self::Range(centre, km) => distance_km(*centre, line.position) <= *km,
            Self::Area(north, west, south, east) => {
                (*south..=*north).contains(&line.position.0) && (*west..=*east).contains(&line.position.1)
            }
            Self::Prefix(list) => list.iter().any(|prefix| source().starts_with(prefix.as_bytes())),
            Self::Buddy(list) => list.iter().any(|call| match call.strip_suffix('*') {
                Some(prefix) => source().starts_with(prefix.as_bytes()),
                None => source() == call.as_bytes(),
            }),
            // All kinds: no need to look.
            Self::Kinds(kinds) if "poimqstunw".chars().all(|kind| kinds.contains(kind)) => true,
            Self::Kinds(kinds) => parse(&line.bytes).is_ok_and(|packet| {
                kinds.contains(match packet.kind {
                    Kind::Position | Kind::MicE => 'p',
                    Kind::Object => 'o',
                    Kind::Item => 'i',
                    Kind::Message | Kind::Ack | Kind::Reject | Kind::Bulletin | Kind::Announcement => 'm',
                    Kind::Query => 'q',
                    Kind::Status => 's',
                    Kind::Telemetry | Kind::TelemetryDefinition => 't',
                    Kind::UserDefined => 'u',
                    Kind::Weather | Kind::RawWeather => 'w',
                    _ => 'n',
                })
            }),
        }
    }
}
