//! Tasks that panic on purpose: the program says which, gives the lease back and ends, and another replica takes over.
//!
//! The binary has the fault hook only with the feature `faults`.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "faults")]

mod stage;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use godwit_testkit::LedgerServer;
use stage::{MINUTE, Replica, Stage, until};

/// `GODWIT_FAULT` for a task, which breaks when the file is there.
fn fault(task: &str, file: &Path) -> String {
    format!("panic:{task}:{}", file.display())
}

/// Waits for the end of a replica that must fail; what its log has.
fn failed(replica: &mut Replica, task: &str, log: &Path) -> String {
    let code = until(task, MINUTE, || replica.child.try_wait().unwrap()).code();
    let said = fs::read_to_string(log).unwrap();
    assert_eq!(code, Some(1), "{task}: {said}");
    assert!(said.contains("panicked: on purpose"), "{task}: the place is logged: {said}");
    assert!(said.contains("a task that must live has failed") && said.contains(task), "{said}");
    let last = said.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>();
    assert_eq!(last.len(), 1, "{said}");
    assert!(last[0].contains(&format!("the task {task} has failed (it panicked: on purpose)")), "{}", last[0]);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_a_task_that_panics_ends_the_program_and_what_was_received_is_stored() {
    for task in ["intake", "keeper", "feed", "tick", "web", "jobs"] {
        let ledger = LedgerServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let (data, file, log) = (folder.path().join("data"), folder.path().join("now"), folder.path().join("log"));
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
        command.args(["serve", "--listen", &address, "--callsign", "N0CALL-1", "--aprs-is", &ledger.address.to_string()]);
        command.args(["--filter", "t/p", "--data", data.to_str().unwrap(), "--log", "info"]).env("GODWIT_FAULT", fault(task, &file));
        command.env_remove("GODWIT_CONFIG").current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("is ready on"), "{line}");
        let mut replica = Replica { child, address, name: "r1".to_owned() };
        until("it listens", MINUTE, || (ledger.clients() == 1).then_some(()));
        ledger.pace(300);
        until("some are sent", MINUTE, || (ledger.sent() > 200).then_some(()));
        ledger.pace(0);
        let received = || {
            let (_, body) = replica.get("/api/v1/status")?;
            serde_json::from_str::<serde_json::Value>(&body).ok()?["packets"]["received"].as_u64()
        };
        until("all are received", MINUTE, || received().filter(|received| *received == ledger.sent()));
        fs::write(&file, "").unwrap();
        failed(&mut replica, task, &log);
        // A keeper that panics loses what it held, nothing else does.
        let rows: i64 = fs::read_dir(data.join("packets"))
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "sqlite"))
            .map(|entry| {
                let day = rusqlite::Connection::open(entry.path()).unwrap();
                day.query_row("SELECT count(*) FROM packet", [], |row| row.get::<_, i64>(0)).unwrap()
            })
            .sum();
        if task != "keeper" && task != "intake" {
            assert_eq!(u64::try_from(rows).unwrap(), ledger.sent(), "{task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_the_other_takes_over_within_five_seconds() {
    let mut stage = Stage::set(&["--standby", "warm", "--filter", "t/p"]).await;
    let url = stage.redis.url();
    stage.more.extend(["--redis-url".to_owned(), url]);
    // Short of the lease's own time, so that only giving it back is quick enough.
    stage.more.extend(["--lease-seconds".to_owned(), "30".to_owned()]);
    for task in ["intake", "keeper", "leader", "follower_store", "follower_bus", "publisher", "tick", "web"] {
        let file = stage.folder.join(format!("now-{task}"));
        stage.environment = vec![("GODWIT_FAULT".to_owned(), fault(task, &file))];
        let mut first = stage.launch(1);
        until("the first leads", MINUTE, || first.leads().then_some(()));
        stage.environment.clear();
        let mut second = stage.launch(2);
        until("both listen", MINUTE, || (stage.ledger.clients() == 2 && second.get("/readyz")?.0 == 200).then_some(()));
        stage.ledger.pace(200);
        let log = stage.folder.join("r1.log");
        let _ = fs::write(&log, "");
        fs::write(&file, "").unwrap();
        let began = Instant::now();
        until(task, MINUTE, || second.leads().then_some(()));
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{task}: {took:?}");
        failed(&mut first, task, &log);
        stage.accounted(task, false);
        assert_eq!(second.end(), 0, "{task}");
    }
}
