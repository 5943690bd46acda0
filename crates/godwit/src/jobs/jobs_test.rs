use std::sync::atomic::{AtomicUsize, Ordering};

use godwit_flow::Stopper;
use godwit_store::{JobState, SqliteStore};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// A store in a folder that lives as long.
fn store() -> (tempfile::TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().expect("folder");
    let store = SqliteStore::open(folder.path()).expect("store");
    (folder, Arc::new(store))
}

/// Waits until the table is as wanted.
async fn until(table: &dyn JobTable, wanted: impl Fn(&[JobState]) -> bool) -> Vec<JobState> {
    for _ in 0..3000 {
        let states = table.jobs().await.expect("table");
        if wanted(&states) {
            return states;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("not reached: {:?}", table.jobs().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_fail_break_and_say_so() {
    let (_folder, store) = store();
    let stopper = Stopper::default();
    let board = Arc::new(Board::default());
    let jobs = vec![
        Job::new("good", HOUR, || async { Ok("3 days".to_owned()) }),
        Job::new("bad", HOUR, || async { anyhow::bail!("it rains") }),
        Job::new("broken", HOUR, || async { panic!("a bug") }),
        Job { longest: Duration::from_millis(20), ..Job::new("slow", HOUR, std::future::pending) },
        Job { first_in: HOUR, ..Job::new("later", HOUR, || async { Ok(String::new()) }) },
    ];
    stopper.spawn(run(jobs, store.clone(), "here".to_owned(), board.clone(), stopper.stop()));
    let states = until(&*store, |states| states.iter().filter(|state| state.runs == 1).count() == 4).await;
    let said = |name: &str| {
        let state = states.iter().find(|state| state.name == name).expect("row");
        (state.last_ok, state.last_result.clone().unwrap_or_default(), state.next_run_us - state.last_run_us.unwrap_or(0))
    };
    assert_eq!((said("good").0, said("good").1.as_str()), (Some(true), "3 days"));
    assert!(said("good").2 >= 3_600_000_000);
    assert_eq!((said("bad").0, said("bad").1.as_str()), (Some(false), "it rains"));
    assert!((30_000_000..60_000_000).contains(&said("bad").2), "tried again soon: {}", said("bad").2);
    assert!(said("broken").0 == Some(false) && said("broken").1.contains("broke"), "{:?}", said("broken"));
    assert!(said("slow").1.contains("not done within"), "{:?}", said("slow"));
    assert_eq!(said("later").0, None);
    board.refresh(&*store).await;
    let shown = board.json();
    assert_eq!(
        (shown[2]["name"].as_str(), shown[2]["last_result"].as_str(), &shown[2]["running"]),
        (Some("good"), Some("3 days"), &false.into())
    );
    assert!(shown[2]["next_run"].is_string() && shown[2]["last_duration_ms"].is_u64(), "{shown}");
    assert!(stopper.finish(Duration::from_secs(10)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_broken_off_can_be_begun_again_at_once() {
    let (_folder, store) = store();
    let began = Arc::new(AtomicUsize::new(0));
    for round in 1..=2 {
        let (stopper, counter) = (Stopper::default(), began.clone());
        let endless = Job::new("endless", HOUR, move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::pending()
        });
        stopper.spawn(run(vec![endless], store.clone(), "here".to_owned(), Arc::default(), stopper.stop()));
        until(&*store, |_| began.load(Ordering::SeqCst) == round).await;
        assert!(stopper.finish(Duration::from_secs(10)).await);
    }
    assert_eq!(store.jobs().await.expect("table")[0].runs, 0);
}

#[test]
fn waits_grow_with_failures_up_to_the_usual_one() {
    let job = Job { jitter: HOUR, ..Job::new("job", HOUR * 24, || async { Ok(String::new()) }) };
    for failures in 0..40 {
        let wait = job.next_in(false, failures);
        let least = FIRST_RETRY.saturating_mul(1 << failures.min(16)).min(HOUR * 24);
        assert!(wait >= least && wait <= HOUR * 25, "{failures}: {wait:?}");
    }
    assert!((HOUR * 24..=HOUR * 25).contains(&job.next_in(true, 9)));
}
