//! How the database answers what is asked: for operators, tests and benches.

use std::{cell::RefCell, future::Future};

use super::{
    PostgresStore,
    connect::{Json, Param},
};
use crate::StoreError;

tokio::task_local! {
    /// The plans of the statements of a task that wants to know them.
    static PLANS: RefCell<Vec<String>>;
}

impl PostgresStore {
    /// Asks, and tells the plan of every reading statement that this took, as `EXPLAIN (FORMAT JSON)`: of these very
    /// statements with their parameters.
    pub async fn plans_of<T>(&self, question: impl Future<Output = T>) -> (T, Vec<String>) {
        PLANS
            .scope(RefCell::default(), async {
                let answer = question.await;
                (answer, PLANS.with(RefCell::take))
            })
            .await
    }

    /// Notes the plan of a statement if somebody wants to know.
    pub(super) async fn note_plan(&self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        if PLANS.try_with(|_| ()).is_ok() {
            let rows = self.read_one(&format!("EXPLAIN (FORMAT JSON) {sql}"), params).await?;
            let plan = rows.first().and_then(|row| row.try_get::<_, Json>(0).ok()).map(|json| json.0);
            PLANS.with(|plans| plans.borrow_mut().extend(plan));
        }
        Ok(())
    }
}
