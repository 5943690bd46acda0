//! What the status page and the metrics show of the jobs: a copy of the table, renewed while the scheduler runs.

use std::sync::{Mutex, PoisonError};

use godwit_store::{JobState, JobTable};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// The copy.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Vec<JobState>>);

impl Board {
    /// Copies the table; what was known stays when it does not answer.
    pub(crate) async fn refresh(&self, table: &dyn JobTable) {
        if let Ok(states) = table.jobs().await {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = states;
        }
    }

    /// The rows, by name.
    pub(crate) fn states(&self) -> Vec<JobState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `jobs` of `/api/v1/status`.
    pub(crate) fn json(&self) -> Value {
        self.states().iter().map(row).collect()
    }
}

fn row(state: &JobState) -> Value {
    let time =
        |us: i64| Timestamp::from_microsecond(us).ok().map(|at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let mut row = json!({
        "name": state.name,
        "priority": state.priority,
        "next_run": time(state.next_run_us),
        "running": state.running_at.is_some(),
        "runs": state.runs,
        "failures": state.failures,
    });
    if let Some(at) = state.last_run_us.and_then(time) {
        row["last_run"] = at.into();
    }
    if let (Some(ok), Some(us)) = (state.last_ok, state.last_duration_us) {
        row["last_ok"] = ok.into();
        row["last_duration_ms"] = (us / 1000).into();
        row["last_result"] = state.last_result.clone().into();
    }
    row
}
