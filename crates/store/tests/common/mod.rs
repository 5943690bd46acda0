//! What the test programs of the store share.

use godwit_pipeline::Pipeline;
use godwit_store::Batch;

/// 2026-11-23 12:00:00 UTC.
pub(crate) const NOON: i64 = 1_795_435_200_000_000;
pub(crate) const S: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * S;

/// A batch of lines as a fresh pipeline decides about them.
pub(crate) fn batch(lines: &[(i64, &[u8])]) -> Batch {
    let mut pipeline = Pipeline::default();
    let mut batch = Batch::default();
    for (at_us, line) in lines {
        let outcome = pipeline.accept(*at_us, line);
        batch.records.push(outcome.record);
        batch.changes.extend(outcome.changes);
    }
    batch
}
