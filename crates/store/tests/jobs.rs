//! The table of jobs: one suite for SQLite, PostgreSQL, and PostgreSQL through PgBouncer.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use godwit_store::{JobPlan, JobTable, PostgresConfig, PostgresStore, SqliteStore};
use godwit_testkit::{PgBouncer, TestDatabase};

const NOW: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3600);

/// Servers or a folder that live as long as the tables; the same table as two replicas see it. (A folder has one
/// process: its two replicas are one.)
type Ground = (Box<dyn std::any::Any>, Arc<dyn JobTable>, Arc<dyn JobTable>);

async fn sqlite() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    (Box::new(folder), store.clone(), store)
}

async fn database(url: String, servers: impl std::any::Any) -> Ground {
    let open = async || Arc::new(PostgresStore::open(&PostgresConfig::new(url.clone())).await.unwrap());
    (Box::new(servers), open().await, open().await)
}

async fn postgres() -> Ground {
    let database = TestDatabase::create();
    self::database(database.url.clone(), database).await
}

async fn pgbouncer() -> Ground {
    let database = TestDatabase::create();
    let bouncer = PgBouncer::start(database.server.as_ref().unwrap(), 3);
    self::database(bouncer.url(database.name()), (bouncer, database)).await
}

macro_rules! each_engine {
    ($($engine:ident)*: $tests:tt) => { $(each_engine!(@ $engine $tests);)* };
    (@ $engine:ident [$($test:ident)*]) => {
        mod $engine { $(#[tokio::test] async fn $test() { super::$test(super::$engine().await).await; })* }
    };
}

each_engine!(sqlite postgres pgbouncer: [
    due_jobs_are_taken_once_and_by_priority
    a_run_that_is_not_renewed_is_taken_over_and_cannot_end_any_more
    results_are_kept_and_failures_counted
    a_new_plan_brings_the_next_run_nearer_never_further
    what_is_kept_is_found_by_all
]);

fn plan(name: &'static str, priority: i16, first_in: Duration) -> JobPlan {
    JobPlan { name, priority, first_in, every: HOUR }
}

async fn due_jobs_are_taken_once_and_by_priority((_ground, one, other): Ground) {
    one.announce_jobs(&[plan("low", 1, NOW), plan("high", 9, NOW), plan("later", 99, HOUR)]).await.unwrap();
    let names = ["low", "high", "later"];
    assert!(one.claim_job("one", &["unknown"], HOUR).await.unwrap().is_none());
    assert_eq!(one.claim_job("one", &names, HOUR).await.unwrap().unwrap().name, "high");
    assert_eq!(other.claim_job("other", &names, HOUR).await.unwrap().unwrap().name, "low");
    assert!(one.claim_job("one", &names, HOUR).await.unwrap().is_none());
    let states = other.jobs().await.unwrap();
    assert_eq!(states.iter().map(|state| state.name.as_str()).collect::<Vec<_>>(), ["high", "later", "low"]);
    assert_eq!(states[0].running_at.as_deref(), Some("one"));
    assert_eq!((states[1].running_at.as_deref(), states[1].last_run_us), (None, None));
    // Many ask at once: each job goes to one of them.
    let plans: Vec<JobPlan> = ["a", "b", "c", "d", "e", "f"].map(|name| plan(name, 5, NOW)).to_vec();
    one.announce_jobs(&plans).await.unwrap();
    let all: Vec<&'static str> = plans.iter().map(|plan| plan.name).collect();
    let asking: Vec<_> = (0..24)
        .map(|number| {
            let (table, all) = (if number % 2 == 0 { one.clone() } else { other.clone() }, all.clone());
            tokio::spawn(async move { table.claim_job(&format!("r{number}"), &all, HOUR).await.unwrap() })
        })
        .collect();
    let mut taken = Vec::new();
    for asked in asking {
        taken.extend(asked.await.unwrap().map(|claim| claim.name));
    }
    assert!(taken.len() <= 6, "{taken:?}");
    // One that lost a race may have gone away with nothing; it comes again.
    while let Some(claim) = one.claim_job("late", &all, HOUR).await.unwrap() {
        taken.push(claim.name);
    }
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (6, 6), "{taken:?}");
}

async fn a_run_that_is_not_renewed_is_taken_over_and_cannot_end_any_more((_ground, one, other): Ground) {
    one.announce_jobs(&[plan("job", 1, NOW)]).await.unwrap();
    let first = one.claim_job("one", &["job"], HOUR).await.unwrap().unwrap();
    assert!(one.renew_job(&first, HOUR).await.unwrap());
    assert!(other.claim_job("other", &["job"], HOUR).await.unwrap().is_none(), "it runs");
    // The lease ends at once, as that of a replica that died does after its time.
    assert!(one.renew_job(&first, NOW).await.unwrap());
    let second = other.claim_job("other", &["job"], HOUR).await.unwrap().unwrap();
    assert!(second.token > first.token);
    assert!(!one.renew_job(&first, HOUR).await.unwrap());
    assert!(!one.finish_job(&first, true, "too late", HOUR).await.unwrap());
    assert!(other.finish_job(&second, true, "done", HOUR).await.unwrap());
    assert!(!other.finish_job(&second, true, "twice", HOUR).await.unwrap());
    let state = &one.jobs().await.unwrap()[0];
    assert_eq!((state.last_result.as_deref(), state.runs, &state.running_at), (Some("done"), 1, &None));
}

async fn results_are_kept_and_failures_counted((_ground, one, _): Ground) {
    one.announce_jobs(&[plan("job", 1, NOW)]).await.unwrap();
    for (round, ok) in [false, false, true].into_iter().enumerate() {
        let claim = one.claim_job("one", &["job"], HOUR).await.unwrap().unwrap();
        assert_eq!(claim.failures as usize, round);
        assert!(one.finish_job(&claim, ok, if ok { "3 days" } else { "it rains" }, if ok { HOUR } else { NOW }).await.unwrap());
        let state = one.jobs().await.unwrap().remove(0);
        assert_eq!((state.last_ok, state.runs), (Some(ok), round as u64 + 1));
        assert!(state.last_duration_us.unwrap() >= 0 && state.last_run_us.is_some());
        assert_eq!(state.last_ok_us.is_some(), ok);
        assert_eq!(state.failures as usize, if ok { 0 } else { round + 1 });
    }
    let state = one.jobs().await.unwrap().remove(0);
    assert_eq!(state.last_result.as_deref(), Some("3 days"));
    let wait = state.next_run_us - state.last_ok_us.unwrap();
    assert!((wait - 3_600_000_000).abs() < 1_000_000, "{wait}");
    assert!(one.claim_job("one", &["job"], HOUR).await.unwrap().is_none(), "not due");
}

async fn a_new_plan_brings_the_next_run_nearer_never_further((_ground, one, other): Ground) {
    let next = async || one.jobs().await.unwrap()[0].next_run_us;
    one.announce_jobs(&[plan("job", 1, HOUR / 2)]).await.unwrap();
    let first = next().await;
    other.announce_jobs(&[plan("job", 7, HOUR * 9)]).await.unwrap();
    assert_eq!((next().await, one.jobs().await.unwrap()[0].priority), (first, 7));
    let sooner = JobPlan { every: HOUR / 60, ..plan("job", 7, HOUR) };
    other.announce_jobs(&[sooner]).await.unwrap();
    assert!(next().await < first);
}

async fn what_is_kept_is_found_by_all((_ground, one, other): Ground) {
    assert!(other.kept("thing", 0).await.unwrap().is_none());
    one.keep("thing", b"old").await.unwrap();
    one.keep("thing", b"new\0").await.unwrap();
    let (at_us, bytes) = other.kept("thing", 0).await.unwrap().unwrap();
    assert_eq!(bytes, b"new\0");
    assert!(other.kept("thing", at_us).await.unwrap().is_none(), "nothing newer");
}
