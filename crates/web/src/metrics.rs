//! `GET /metrics`: the numbers of the status in Prometheus' text format, for operators (`--metrics-listen`).
//!
//! Everything comes out of `/api/v1/status`, so that both always say the same: a family is a place in it.

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{SiteState, api};

/// `GET /metrics`.
pub(crate) async fn metrics(State(site): SiteState) -> Response {
    let (ready, _) = (site.ready)();
    let mut status = api::status::whole(&site);
    status["ready"] = ready.into();
    let breakers = BREAKERS.map(|(name, place)| (name.to_owned(), status.pointer(place).cloned().unwrap_or_default()));
    status["breakers"] = Value::Object(breakers.into_iter().collect());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text(&status))
        .into_response()
}

/// Where the breakers are in the status.
const BREAKERS: [(&str, &str); 4] = [
    ("database_reads", "/cluster/database/breaker"),
    ("bus", "/cluster/bus/breaker"),
    ("limit", "/limit/breaker"),
    ("devices_fetch", "/devices_fetch"),
];

/// How a number behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// What a family is called, what it is, what it means, and where it is in the status. `*` in the place stands for every
/// element of a list or object: its `name`, or its key, becomes the label. A text becomes 1 with the text as the label; a
/// state has a series for each text it may be.
#[derive(Clone, Copy)]
struct Family {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    place: &'static str,
    /// The label's name, if there is one.
    label: &'static str,
    /// What the number is multiplied by, to be in the unit of the name.
    factor: f64,
    /// Of a state: every text it may be, each a series that is always there, 1 for the present one and 0 for the others.
    states: &'static [&'static str],
}

/// The states of a feed, as `godwit_feed::FeedState` has them (a test of the program compares).
const FEED_STATES: [&str; 11] = [
    "disabled",
    "connecting",
    "logging_in",
    "unanswered",
    "verified",
    "unverified",
    "server_full",
    "port_full",
    "rejected",
    "waiting",
    "stopped",
];

const fn family(name: &'static str, kind: Kind, help: &'static str, place: &'static str) -> Family {
    Family { name, kind, help, place, label: "", factor: 1.0, states: &[] }
}

const fn labelled(name: &'static str, kind: Kind, help: &'static str, place: &'static str, label: &'static str) -> Family {
    Family { name, kind, help, place, label, factor: 1.0, states: &[] }
}

const fn states(
    name: &'static str,
    help: &'static str,
    place: &'static str,
    label: &'static str,
    states: &'static [&'static str],
) -> Family {
    Family { name, kind: Gauge, help, place, label, factor: 1.0, states }
}

const fn milliseconds(of: Family) -> Family {
    Family { factor: 0.001, ..of }
}

/// Everything that can be read, in the order of the answer.
const FAMILIES: &[Family] = &[
    labelled("godwit_build_info", Gauge, "The version.", "version", "version"),
    family("godwit_ready", Gauge, "1 while visitors may be sent here.", "ready"),
    labelled("godwit_healthy", Gauge, "1 while nothing is wrong with a part.", "health.*.ok", "part"),
    milliseconds(family(
        "godwit_clock_ahead_of_database_seconds",
        Gauge,
        "How far the local clock is ahead of the database's; negative: behind.",
        "clock.ahead_of_database_ms",
    )),
    labelled("godwit_task_failed_total", Counter, "Times that a task panicked or ended too early.", "tasks.*.failed", "task"),
    family("godwit_handler_panics_total", Counter, "Requests that were answered 500 because their handler panicked.", "panics.handlers"),
    family("godwit_viewer_panics_total", Counter, "Live viewers that were closed because their task panicked.", "panics.viewers"),
    states("godwit_feed_state", "The state of the connection to APRS-IS: 1, all others 0.", "feed.state", "state", &FEED_STATES),
    family("godwit_feed_lines_total", Counter, "Lines that APRS-IS sent.", "feed.lines"),
    family("godwit_feed_oversize_lines_total", Counter, "Lines that were too long and skipped.", "feed.oversize_lines"),
    family("godwit_feed_reconnects_total", Counter, "Times that the connection to APRS-IS was made again.", "feed.reconnects"),
    family("godwit_feed_last_packet_timestamp_seconds", Gauge, "When APRS-IS last sent a packet.", "feed.last_packet_at"),
    family("godwit_packets_received_total", Counter, "Lines that were taken in.", "packets.received"),
    family("godwit_packets_stored_total", Counter, "Packets that were decoded and stored.", "packets.stored"),
    family("godwit_packets_duplicates_total", Counter, "Packets that came again by another path.", "packets.duplicates"),
    family("godwit_packets_implausible_total", Counter, "Packets whose position cannot be right.", "packets.implausible"),
    family("godwit_packets_bad_total", Counter, "Lines that are no packets.", "packets.bad"),
    family("godwit_packets_refused_total", Counter, "Packets that were received and are lost: no room.", "packets.refused"),
    labelled("godwit_queue_depth", Gauge, "Things that wait in a queue.", "queues.*.depth", "queue"),
    labelled("godwit_queue_capacity", Gauge, "Things that a queue has room for.", "queues.*.capacity", "queue"),
    labelled("godwit_queue_dropped_total", Counter, "Things that found no room in a queue.", "queues.*.dropped", "queue"),
    family("godwit_store_batches_total", Counter, "Batches that were stored.", "store.batches"),
    family("godwit_store_batches_failed_total", Counter, "Attempts to store a batch that failed.", "store.failed"),
    family("godwit_store_packets_total", Counter, "Packets in the batches that were stored, duplicates and bad ones too.", "store.packets"),
    milliseconds(family("godwit_store_append_seconds", Histogram, "How long storing a batch took.", "store.append_ms")),
    labelled("godwit_pool_connections", Gauge, "Connections of a pool to the database.", "cluster.database.pools.*.open", "pool"),
    labelled("godwit_pool_connections_most", Gauge, "Connections that a pool may have.", "cluster.database.pools.*.most", "pool"),
    labelled("godwit_pool_idle", Gauge, "Connections that nobody uses.", "cluster.database.pools.*.idle", "pool"),
    labelled("godwit_pool_waiting", Gauge, "Who waits for a connection.", "cluster.database.pools.*.waiting", "pool"),
    labelled("godwit_pool_taken_total", Counter, "Times that a connection was taken.", "cluster.database.pools.*.taken", "pool"),
    labelled("godwit_pool_saturated_total", Counter, "Times that all were in use then.", "cluster.database.pools.*.saturated", "pool"),
    milliseconds(labelled(
        "godwit_pool_wait_seconds_total",
        Counter,
        "How long was waited for connections.",
        "cluster.database.pools.*.wait_ms",
        "pool",
    )),
    family("godwit_replica_used", Gauge, "1 while history is read from the replica.", "cluster.database.replica.used"),
    milliseconds(family("godwit_replica_behind_seconds", Gauge, "How far the replica is behind.", "cluster.database.replica.behind_ms")),
    family("godwit_replica_answered_total", Counter, "Questions that the replica answered.", "cluster.database.replica.answered"),
    family("godwit_replica_passed_on_total", Counter, "Questions that went to the primary instead.", "cluster.database.replica.passed_on"),
    states(
        "godwit_breaker_state",
        "The state of a breaker: 1, all others 0; all 0 where the breaker is not used.",
        "breakers.*.state",
        "breaker",
        &["closed", "open", "half_open"],
    ),
    labelled("godwit_breaker_failed_total", Counter, "Calls that failed.", "breakers.*.failed", "breaker"),
    labelled("godwit_breaker_refused_total", Counter, "Calls that a breaker refused.", "breakers.*.refused", "breaker"),
    labelled("godwit_breaker_opened_total", Counter, "Times that a breaker opened.", "breakers.*.opened", "breaker"),
    states(
        "godwit_role",
        "The role of this replica: 1, all others 0; alone and leading ingest.",
        "role",
        "role",
        &["alone", "leading", "standing_by", "cut_off"],
    ),
    family("godwit_lease_token", Gauge, "The token of the lease, on the replica that has it.", "cluster.token"),
    milliseconds(family(
        "godwit_lease_age_seconds",
        Gauge,
        "How long ago the lease was renewed, on the replica that has it.",
        "cluster.lease_age_ms",
    )),
    family("godwit_takeovers_total", Counter, "Times that this replica became the one that ingests.", "cluster.takeovers"),
    family("godwit_absences_total", Counter, "Times that this process did not run for a while.", "cluster.absences"),
    family("godwit_ring_packets", Gauge, "Packets that a warm standby holds.", "cluster.ring.packets"),
    family("godwit_spool_packets", Gauge, "Packets that wait on disk for the database.", "cluster.spool.packets"),
    family("godwit_spool_bytes", Gauge, "What they take.", "cluster.spool.bytes"),
    family("godwit_spool_capacity_bytes", Gauge, "What they may take.", "cluster.spool.capacity_bytes"),
    family("godwit_spool_spooled_total", Counter, "Packets that went to the spool.", "cluster.spool.spooled"),
    family("godwit_spool_drained_total", Counter, "Packets that went from the spool to the database.", "cluster.spool.drained"),
    family("godwit_spool_damaged_segments_total", Counter, "Files of the spool that could not be read.", "cluster.spool.damaged_segments"),
    family("godwit_world_filled", Gauge, "1 when the live map is filled from the database.", "cluster.world.filled"),
    states(
        "godwit_world_follows",
        "What the live map follows: 1, the other 0; both 0 without other replicas.",
        "cluster.world.follows",
        "source",
        &["bus", "store"],
    ),
    family("godwit_world_by_bus_total", Counter, "Packets that came by the bus.", "cluster.world.by_bus"),
    family(
        "godwit_world_refused_total",
        Counter,
        "Packets of the bus whose time cannot be right; they were left out.",
        "cluster.world.refused",
    ),
    family("godwit_world_by_store_total", Counter, "Packets that came by the database.", "cluster.world.by_store"),
    milliseconds(family(
        "godwit_bus_lag_seconds",
        Gauge,
        "From the receipt of the newest packet of the bus to its arrival here.",
        "cluster.world.bus_lag_ms",
    )),
    family("godwit_bus_published_total", Counter, "Batches that were published.", "cluster.bus.published"),
    family("godwit_bus_publish_failed_total", Counter, "Batches that did not reach the other replicas.", "cluster.bus.failed"),
    family("godwit_bus_taken_total", Counter, "Batches that were taken from the bus.", "cluster.bus.taken"),
    family("godwit_bus_gaps_total", Counter, "Gaps in the bus, filled from the database.", "cluster.bus.gaps"),
    family("godwit_bus_lost_total", Counter, "Times that the bus went away.", "cluster.bus.lost"),
    family("godwit_entities", Gauge, "Stations, objects and items on the live map.", "entities"),
    family("godwit_viewers", Gauge, "Live viewers.", "viewers"),
    family("godwit_viewers_closed_slow_total", Counter, "Viewers that were closed because they did not read.", "live.viewers_closed_slow"),
    family("godwit_tiles", Gauge, "Tiles that are watched.", "live.tiles"),
    family("godwit_tile_log_bytes", Gauge, "What tiles keep for viewers who come back.", "live.log_bytes"),
    milliseconds(family(
        "godwit_delivery_seconds",
        Histogram,
        "From a packet's arrival to the write to a viewer's socket.",
        "live.latency_ms",
    )),
    family("godwit_blocks_read_total", Counter, "Time blocks that were read from the store.", "history.blocks_read"),
    milliseconds(family("godwit_blocks_reading_seconds_total", Counter, "How long that took in all.", "history.reading_ms")),
    family("godwit_blocks_answers_made_total", Counter, "Answers about the past that were made.", "history.answers_made"),
    family(
        "godwit_blocks_answers_remembered_total",
        Counter,
        "Answers about the past that were there already.",
        "history.answers_remembered",
    ),
    family("godwit_blocks_refused_total", Counter, "Questions about the past that were refused: too many at once.", "history.refused"),
    family("godwit_blocks_memory_bytes", Gauge, "Memory for time travel.", "history.memory_bytes"),
    family("godwit_answers_under_way", Gauge, "Large answers that are read or computed.", "answers.under_way"),
    family("godwit_answers_waiting", Gauge, "Requests for large answers that wait.", "answers.waiting"),
    family("godwit_answers_refused_total", Counter, "Requests for large answers that were refused: too many.", "answers.refused"),
    family("godwit_limit_allowed_total", Counter, "Requests that the limit let through.", "limit.allowed"),
    family("godwit_limit_refused_total", Counter, "Requests that the limit refused.", "limit.refused"),
    family(
        "godwit_limit_alone_total",
        Counter,
        "Requests that this replica decided on alone: Redis did not answer.",
        "limit.decided_alone",
    ),
    family("godwit_limit_charged_total", Counter, "Units that expensive answers cost beyond their requests.", "limit.charged"),
    family("godwit_limit_forgotten_total", Counter, "Clients that were forgotten too early: no memory for more.", "limit.forgotten"),
    family("godwit_limit_clients", Gauge, "Clients that the limit remembers.", "limit.clients"),
    family(
        "godwit_light_limit_refused_total",
        Counter,
        "Requests for tiles, files and WebSockets that were refused.",
        "light_limit.refused",
    ),
    labelled("godwit_connections", Gauge, "Connections that are open.", "connections.listeners.*.open", "listener"),
    labelled("godwit_connections_most", Gauge, "Connections that there may be.", "connections.listeners.*.most", "listener"),
    family("godwit_connections_accepted_total", Counter, "Connections that were made.", "connections.accepted"),
    family(
        "godwit_connections_accept_failed_total",
        Counter,
        "Times that a connection could not be accepted: files or memory are used up.",
        "connections.accept_failed",
    ),
    labelled(
        "godwit_connections_refused_total",
        Counter,
        "Connections and requests that were refused by the server, by reason.",
        "connections.refused.*",
        "reason",
    ),
    labelled(
        "godwit_connections_closed_total",
        Counter,
        "Connections that were closed because nothing moved, by what was waited for.",
        "connections.closed.*",
        "reason",
    ),
    family("godwit_answers_bytes", Gauge, "Bytes of answers that are not yet written.", "connections.answers.bytes"),
    family("godwit_answers_bytes_most", Gauge, "Bytes of answers that there may be.", "connections.answers.most_bytes"),
    labelled("godwit_job_runs_total", Counter, "Times that a job ran.", "jobs.*.runs", "job"),
    labelled("godwit_job_failures", Gauge, "How often in a row a job failed up to now.", "jobs.*.failures", "job"),
    labelled("godwit_job_running", Gauge, "1 while a replica runs the job.", "jobs.*.running", "job"),
    labelled("godwit_job_last_ok", Gauge, "1 if the last run went well.", "jobs.*.last_ok", "job"),
    labelled("godwit_job_last_run_timestamp_seconds", Gauge, "When it last ran.", "jobs.*.last_run", "job"),
    labelled("godwit_job_next_run_timestamp_seconds", Gauge, "When it runs next.", "jobs.*.next_run", "job"),
    milliseconds(labelled("godwit_job_last_duration_seconds", Gauge, "How long the last run took.", "jobs.*.last_duration_ms", "job")),
];

/// The whole answer.
fn text(status: &Value) -> String {
    let mut text = String::with_capacity(16_384);
    for family in FAMILIES {
        let places: Vec<&str> = family.place.split('.').collect();
        let mut samples = String::new();
        collect(family, status, &places, "", &mut samples);
        if !samples.is_empty() {
            let kind = match family.kind {
                Counter => "counter",
                Gauge => "gauge",
                Histogram => "histogram",
            };
            let _ = write!(text, "# HELP {0} {1}\n# TYPE {0} {kind}\n{samples}", family.name, family.help);
        }
    }
    text
}

/// Goes down to the place and writes what is there; nothing if nothing is.
fn collect(family: &Family, value: &Value, places: &[&str], name: &str, samples: &mut String) {
    match (places, value) {
        ([], _) if !family.states.is_empty() => state(family, value.as_str(), name, samples),
        ([], _) => sample(family, value, name, samples),
        (["*", rest @ ..], Value::Array(list)) => {
            for element in list {
                collect(family, element, rest, element["name"].as_str().unwrap_or_default(), samples);
            }
        }
        (["*", rest @ ..], Value::Object(map)) => {
            for (name, element) in map {
                collect(family, element, rest, name, samples);
            }
        }
        ([place, rest @ ..], _) => collect(family, &value[*place], rest, name, samples),
    }
}

/// A series for each state: 1 for the present one, 0 for the others, all 0 if there is none.
fn state(family: &Family, present: Option<&str>, name: &str, samples: &mut String) {
    let unknown = present.filter(|present| !family.states.contains(present));
    for state in family.states.iter().copied().chain(unknown) {
        let labels = if name.is_empty() {
            format!("{}=\"{}\"", family.label, escaped(state))
        } else {
            format!("{}=\"{}\",state=\"{}\"", family.label, escaped(name), escaped(state))
        };
        let _ = writeln!(samples, "{}{{{labels}}} {}", family.name, u8::from(present == Some(state)));
    }
}

fn sample(family: &Family, value: &Value, name: &str, samples: &mut String) {
    let labels = |text: Option<&str>| {
        let mut labels = Vec::new();
        if !name.is_empty() {
            labels.push(format!("{}=\"{}\"", family.label, escaped(name)));
        }
        if let Some(text) = text {
            let label = if name.is_empty() { family.label } else { "state" };
            labels.push(format!("{label}=\"{}\"", escaped(text)));
        }
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
    };
    let number = match value {
        Value::Number(number) => number.as_f64().map(|number| number * family.factor),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) if family.name.ends_with("_timestamp_seconds") => Some(time.as_millisecond() as f64 / 1000.0),
            _ => {
                let _ = writeln!(samples, "{}{} 1", family.name, labels(Some(text)));
                return;
            }
        },
        Value::Object(_) if family.kind == Histogram => return histogram(family, value, samples),
        _ => None,
    };
    if let Some(number) = number {
        let _ = writeln!(samples, "{}{} {number}", family.name, labels(None));
    }
}

/// `buckets` with `le` (absent: no bound) and `count` of all up to it, `count`, and `sum` where it is known.
fn histogram(family: &Family, value: &Value, samples: &mut String) {
    for bucket in value["buckets"].as_array().into_iter().flatten() {
        let bound = bucket["le"].as_f64().map_or_else(|| "+Inf".to_owned(), |bound| (bound * family.factor).to_string());
        let _ = writeln!(samples, "{}_bucket{{le=\"{bound}\"}} {}", family.name, bucket["count"]);
    }
    if let Some(sum) = value["sum"].as_f64() {
        let _ = writeln!(samples, "{}_sum {}", family.name, sum * family.factor);
    }
    let _ = writeln!(samples, "{}_count {}", family.name, value["count"]);
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// The name of a sample, if the line is one as the format has it: name, labels, value.
    fn read(line: &str) -> Option<&str> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels.trim_end_matches('}')));
        let good =
            |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let mut rest = labels;
        while !rest.is_empty() {
            let (label, after) = rest.split_once("=\"")?;
            let mut escape = false;
            let end = after.char_indices().find(|(_, c)| {
                let end = *c == '"' && !escape;
                escape = *c == '\\' && !escape;
                end
            })?;
            if !good(label) {
                return None;
            }
            rest = after[end.0 + 1..].trim_start_matches(',');
        }
        value.parse::<f64>().ok()?;
        good(name).then_some(name)
    }

    #[test]
    fn the_answer_is_in_the_format_and_says_what_the_status_says() {
        let status = json!({
            "version": "1.2\"3\\", "ready": true, "viewers": 7,
            "role": "alone", "feed": { "state": "unverified", "last_packet_at": "2026-11-28T10:00:00.500Z" },
            "cluster": { "token": null, "lease_age_ms": 250 },
            "queues": { "feed": { "depth": 3, "capacity": 10, "dropped": 0 }, "keeper": { "depth": 0, "capacity": 64, "dropped": 2 } },
            "breakers": { "redis": { "state": "half_open", "failed": 4 }, "bus": null }, "tasks": { "intake": { "failed": 0 } },
            "jobs": [{ "name": "retention", "runs": 2, "last_ok": false, "last_duration_ms": 1500 }],
            "live": { "latency_ms": { "count": 3, "buckets": [{ "le": 5, "count": 1 }, { "le": null, "count": 3 }] } },
            "store": { "append_ms": { "sum": 2500.0, "count": 1, "buckets": [{ "le": null, "count": 1 }] } },
        });
        let text = text(&status);
        let mut typed = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a kind");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(typed.insert(name.to_owned()), "{name} is there twice");
            } else if !line.starts_with("# HELP ") {
                let name = read(line).unwrap_or_else(|| panic!("not a sample: {line}"));
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).filter(|base| typed.contains(*base));
                assert!(typed.contains(base.unwrap_or(name)), "{line} has no type");
            }
        }
        for line in [
            r#"godwit_build_info{version="1.2\"3\\"} 1"#,
            "godwit_ready 1",
            "godwit_viewers 7",
            r#"godwit_feed_state{state="unverified"} 1"#,
            "godwit_feed_last_packet_timestamp_seconds 1795860000.5",
            r#"godwit_feed_state{state="waiting"} 0"#,
            r#"godwit_role{role="alone"} 1"#,
            r#"godwit_role{role="leading"} 0"#,
            r#"godwit_world_follows{source="bus"} 0"#,
            r#"godwit_world_follows{source="store"} 0"#,
            r#"godwit_task_failed_total{task="intake"} 0"#,
            "godwit_lease_age_seconds 0.25",
            r#"godwit_queue_dropped_total{queue="keeper"} 2"#,
            r#"godwit_breaker_state{breaker="redis",state="half_open"} 1"#,
            r#"godwit_breaker_state{breaker="redis",state="open"} 0"#,
            r#"godwit_breaker_state{breaker="bus",state="open"} 0"#,
            r#"godwit_breaker_state{breaker="bus",state="closed"} 0"#,
            r#"godwit_job_last_ok{job="retention"} 0"#,
            r#"godwit_job_last_duration_seconds{job="retention"} 1.5"#,
            r#"godwit_delivery_seconds_bucket{le="0.005"} 1"#,
            r#"godwit_delivery_seconds_bucket{le="+Inf"} 3"#,
            "godwit_delivery_seconds_count 3",
            "godwit_store_append_seconds_sum 2.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("godwit_lease_token"), "what is not there is left out");
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        let mut names = BTreeSet::new();
        for family in FAMILIES {
            assert!(names.insert(family.name), "{} is there twice", family.name);
            assert_eq!(family.name.ends_with("_total"), family.kind == Counter, "{}", family.name);
            assert!(!family.place.contains('*') || !family.label.is_empty(), "{} needs a label", family.name);
        }
    }
}
