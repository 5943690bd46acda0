//! Latest states that this process wrote: a batch need not read them again. They hold as long as nobody else has written
//! since, which the transaction number in the row that every batch changes tells.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use godwit_pipeline::{EntityKey, EntityState};
use tokio_postgres::{Client, Error};

/// States that are remembered; forgotten all at once when there are more. 40 MB.
const LIMIT: usize = 100_000;

/// Who wrote last: the transaction's number.
pub(super) type Writer = String;

#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The states are those that this transaction left.
    writer: Option<Writer>,
    states: HashMap<EntityKey, EntityState>,
}

impl Recent {
    /// Those of these that are known, and who must have written last for them to hold.
    pub(super) fn of(&self, keys: &BTreeSet<EntityKey>) -> (Option<Writer>, HashMap<EntityKey, EntityState>) {
        let known = self.lock();
        let states = keys.iter().filter_map(|key| Some((*key, known.states.get(key)?.clone()))).collect();
        (known.writer.clone(), states)
    }

    /// Learns what a transaction left, and who wrote before it.
    pub(super) fn learn(
        &self,
        before: Option<&Writer>,
        writer: Option<Writer>,
        states: impl IntoIterator<Item = (EntityKey, EntityState)>,
    ) {
        let mut known = self.lock();
        if known.writer.as_ref() != before || known.states.len() > LIMIT || writer.is_none() {
            known.states.clear();
        }
        known.writer = writer;
        if known.writer.is_some() {
            known.states.extend(states);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who wrote last. The row changes with each batch, whatever is in it.
pub(super) async fn last_writer(client: &Client) -> Result<Option<Writer>, Error> {
    let rows = client.query_typed("SELECT xmin::text FROM counter WHERE key = 'appended'", &[]).await?;
    Ok(rows.first().map(|row| row.get(0)))
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;

    use super::*;

    fn state(line: &str) -> (EntityKey, EntityState) {
        let change = Pipeline::default().accept(1, line.as_bytes()).changes.remove(0);
        (change.key, EntityState::new(&change))
    }

    #[test]
    fn states_hold_until_somebody_else_writes() {
        let recent = Recent::default();
        let (a, b) = (state("A1B>APRS:>x"), state("X1Y>APRS:>x"));
        let keys = BTreeSet::from([a.0, b.0]);
        let known = || (recent.of(&keys).0, recent.of(&keys).1.len());
        recent.learn(Some(&"9".to_owned()), Some("10".to_owned()), [a.clone()]);
        assert_eq!(known(), (Some("10".to_owned()), 1));
        recent.learn(Some(&"10".to_owned()), Some("11".to_owned()), [b.clone()]);
        assert_eq!(known(), (Some("11".to_owned()), 2), "we again");
        recent.learn(Some(&"12".to_owned()), Some("13".to_owned()), [a.clone()]);
        assert_eq!(known(), (Some("13".to_owned()), 1), "12 was somebody else");
        recent.learn(Some(&"13".to_owned()), None, [b]);
        assert_eq!(known(), (None, 0), "not known who we were");
    }
}
