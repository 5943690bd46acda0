use godwit_flow::{BreakerState, Stopper};
use godwit_store::SqliteStore;
use godwit_testkit::{Server, Step, send};

use super::*;

/// A server that answers every request with this.
async fn serving(status: &str, body: &str) -> Server {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    Server::start(vec![vec![Step::Login, send(&answer)]]).await
}

fn table(entries: usize) -> String {
    let tocalls: Vec<String> = (0..entries).map(|n| format!("\"APZ{n:03}\": {{\"vendor\": \"Nest\", \"model\": \"Egg {n}\"}}")).collect();
    format!("{{\"tocalls\": {{{}}}, \"mice\": {{}}, \"micelegacy\": {{}}}}", tocalls.join(","))
}

fn store() -> (tempfile::TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().expect("folder");
    let store = SqliteStore::open(folder.path()).expect("store");
    (folder, Arc::new(store))
}

#[tokio::test]
async fn what_is_fetched_is_used_by_all() {
    let (_folder, store) = store();
    let server = serving("200 OK", &table(300)).await;
    let fetch = Fetch::new(&format!("http://{}/tocalls.json", server.address)).expect("fetch");
    assert_eq!(fetch.run(&*store).await.expect("fetched"), "300 devices");
    let devices = Devices::default();
    let model = |devices: &Devices| devices.with(|table| table.by_tocall("APZ042").map(|device| device.model.clone()));
    assert_ne!(model(&devices).as_deref(), Some("Egg 42"));
    let stopper = Stopper::default();
    stopper.spawn(load(store, devices.clone(), stopper.stop()));
    while model(&devices).as_deref() != Some("Egg 42") {
        tokio::task::yield_now().await;
    }
    assert!(stopper.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn what_is_not_the_table_changes_nothing_and_a_server_that_fails_is_left_alone() {
    let (_folder, store) = store();
    let long = " ".repeat(MOST + 1);
    for (status, body) in [("200 OK", "<html>log in</html>"), ("200 OK", &table(3)), ("404 Not Found", &table(300)), ("200 OK", &long)] {
        let server = serving(status, body).await;
        let fetch = Fetch::new(&format!("http://{}/", server.address)).expect("fetch");
        let error = format!("{:#}", fetch.run(&*store).await.expect_err("refused"));
        assert!(error.contains(&server.address.to_string()), "{error}");
    }
    assert!(store.kept(NAME, 0).await.expect("store").is_none());
    // Nobody listens there.
    let fetch = Fetch::new("http://127.0.0.1:1/").expect("fetch");
    for _ in 0..3 {
        fetch.run(&*store).await.expect_err("nobody answers");
    }
    assert_eq!(fetch.breaker.read().state, BreakerState::Open);
    let error = fetch.run(&*store).await.expect_err("refused").to_string();
    assert!(error.contains("asked again in"), "{error}");
    // An HTTPS address never leads to plain HTTP.
    let fetch = Fetch::new("https://127.0.0.1:1/").expect("fetch");
    fetch.run(&*store).await.expect_err("no TLS there");
}
