//! A hostile APRS-IS server: whatever it does, the client does not crash or grow, delivers everything valid once, and
//! comes back with growing delays.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use godwit_feed::{AprsIs, FeedState, FeedStatus, Login, Received, Timing};
use godwit_flow::{Reader, Stopper, queue};
use godwit_testkit::{Server, Step, good_login, send};
use tokio::time::{sleep, timeout};

/// Times short enough for tests, in the order of the real ones.
fn quick() -> Timing {
    let ms = Duration::from_millis;
    Timing { silence: ms(900), banner: ms(150), connect: ms(2000), first_wait: ms(40), longest_wait: ms(600), settled: ms(60_000) }
}

struct Client {
    stopper: Stopper,
    status: FeedStatus,
    lines: Reader<Received>,
}

fn client_with(servers: Vec<String>, timing: Timing, room: usize) -> Client {
    let (out, lines) = queue(room);
    let status = FeedStatus::default();
    let login = Login::new("N0CALL-1", None, Some("t/p")).unwrap();
    let stopper = Stopper::default();
    let feed = AprsIs { servers, login, timing, status: status.clone() };
    stopper.spawn(feed.run(out, stopper.stop()));
    Client { stopper, status, lines }
}

async fn client(server: &Server) -> Client {
    client_with(vec![server.address.to_string()], quick(), 10_000)
}

impl Client {
    async fn take(&mut self, count: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let line = timeout(Duration::from_secs(20), self.lines.take()).await.expect("lines come").expect("the feed runs");
            lines.push(line.line.to_vec());
        }
        lines
    }

    async fn until(&self, what: &str, reached: impl Fn(&godwit_feed::Snapshot) -> bool) -> godwit_feed::Snapshot {
        let began = Instant::now();
        loop {
            let snapshot = self.status.snapshot();
            if reached(&snapshot) {
                return snapshot;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {snapshot:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

const GOOD: &str = "A1B>APRS:>good\r\n";

fn good() -> Vec<Vec<u8>> {
    vec![b"A1B>APRS:>good".to_vec()]
}

/// A good login, then these steps, then an open connection.
fn after_login(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    good_login().into_iter().chain(steps).chain([Step::Hang]).collect()
}

/// The server does this; the client must deliver exactly these lines, and then one more.
async fn delivers(script: Vec<Step>, expected: &[&[u8]]) -> Client {
    let server = Server::start(vec![script]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(expected.len()).await, expected.iter().map(|line| line.to_vec()).collect::<Vec<_>>());
    client
}

#[tokio::test]
async fn slow_banner() {
    let script = [
        Step::Wait(Duration::from_millis(400)),
        send("# late 1.0\r\n"),
        Step::Login,
        send("# logresp N0CALL-1 unverified, server X\r\n"),
        send(GOOD),
        Step::Hang,
    ];
    let client = delivers(script.to_vec(), &[b"A1B>APRS:>good"]).await;
    client.until("logged in", |status| status.state == FeedState::Unverified).await;
}

#[tokio::test]
async fn no_banner_at_all() {
    let server = Server::start(vec![vec![Step::Login, send("# logresp N0CALL-1 unverified, server X\r\n"), send(GOOD), Step::Hang]]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(1).await, good());
    assert_eq!(server.seen().logins.len(), 1);
    assert!(server.seen().logins[0].starts_with("user N0CALL-1 pass -1 vers Godwit "));
}

#[tokio::test]
async fn banner_in_pieces_and_packets_before_the_login_is_answered() {
    let pieces = ["# te", "stkit", " 1.0\r", "\n"].map(send);
    let script: Vec<Step> =
        pieces.into_iter().chain([Step::Login, send(GOOD), send("# logresp N0CALL-1 verified, server X\r\n"), Step::Hang]).collect();
    let client = delivers(script, &[b"A1B>APRS:>good"]).await;
    let status = client.until("verified", |status| status.state == FeedState::Verified).await;
    assert_eq!((status.server_software.as_deref(), status.server_id.as_deref()), (Some("testkit 1.0"), Some("X")));
}

#[tokio::test]
async fn line_ends_of_every_kind() {
    delivers(after_login([send("A>B:1\nA>B:2\rA>B:3\r\n\r\n\nA>B:4\r\r\nA>B:5\r\n")]), &[b"A>B:1", b"A>B:2", b"A>B:3", b"A>B:4", b"A>B:5"])
        .await;
}

#[tokio::test]
async fn bytes_are_bytes() {
    let bytes = b"A>B:>\0\xff\xfe\x1c caf\xe9 \xf0\x9f  ";
    delivers(after_login([Step::Send([bytes, &b"\r\n"[..]].concat())]), &[bytes]).await;
}

#[tokio::test]
async fn long_lines_are_skipped_their_neighbours_live() {
    let long = |length: usize| format!("A>B:>{}\r\n", "x".repeat(length - 5 - 2));
    let fits = long(512);
    let text = [long(513), GOOD.into(), long(8000), fits.clone(), long(511)].concat();
    let client =
        delivers(after_login([send(&text)]), &[b"A1B>APRS:>good", fits.trim_end().as_bytes(), long(511).trim_end().as_bytes()]).await;
    client.until("counted", |status| status.oversize == 2).await;
}

#[tokio::test]
async fn sixteen_mebibytes_without_a_newline() {
    let client = delivers(after_login([Step::Repeat(vec![b'x'; 65_536], 256), send("\r\n"), send(GOOD)]), &[b"A1B>APRS:>good"]).await;
    client.until("counted", |status| status.oversize == 1).await;
}

#[tokio::test]
async fn garbage_does_not_hide_what_follows() {
    let mut garbage: Vec<u8> =
        (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    garbage.extend_from_slice(b"\r\n");
    delivers(after_login([Step::Send(garbage), send(GOOD)]), &[b"A1B>APRS:>good"]).await;
}

#[tokio::test]
async fn a_hundred_thousand_lines_through_a_small_queue_lose_nothing() {
    let text: String = (0..1000).map(|i| format!("A>B:>{i}\r\n")).collect();
    let server = Server::start(vec![after_login([Step::Repeat(text.into_bytes(), 100)])]).await;
    let mut client = client_with(vec![server.address.to_string()], quick(), 16);
    let lines = client.take(100_000).await;
    assert!(lines.iter().enumerate().all(|(at, line)| line == format!("A>B:>{}", at % 1000).as_bytes()));
}

#[tokio::test]
async fn a_line_cut_by_the_end_is_not_delivered() {
    let cut: Vec<Step> = good_login().into_iter().chain([send("A>B:>one\r\nA>B:>cu")]).collect();
    let server = Server::start(vec![cut, after_login([send("A>B:>two\r\n")])]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(2).await, [b"A>B:>one", b"A>B:>two"]);
}

#[tokio::test]
async fn a_line_cut_by_a_reset_is_not_delivered() {
    let cut: Vec<Step> = good_login().into_iter().chain([send("A>B:>cu"), Step::Wait(Duration::from_millis(50)), Step::Reset]).collect();
    let server = Server::start(vec![cut, after_login([send("A>B:>two\r\n")])]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(1).await, [b"A>B:>two"]);
    assert_eq!(client.status.snapshot().reconnects, 1);
}

#[tokio::test]
async fn refusals_are_shown_and_not_hammered() {
    for (answer, state) in [
        ("# Server full\r\n", FeedState::ServerFull),
        ("# Port full\r\n", FeedState::PortFull),
        ("# Invalid login: no\r\n", FeedState::Rejected),
        ("# logresp N0CALL-1 nonsense\r\n", FeedState::Rejected),
    ] {
        let server = Server::start(vec![vec![send("# testkit 1.0\r\n"), Step::Login, send(answer), Step::Hang]]).await;
        let client = client(&server).await;
        let status = client.until(answer, |status| status.state == state).await;
        assert!(status.last_error.is_some_and(|error| answer.contains(error.trim_start_matches("# "))), "{answer}");
        sleep(Duration::from_millis(300)).await;
        assert!(server.seen().connected.len() <= 6, "{} connections in 0.3 s", server.seen().connected.len());
    }
}

#[tokio::test]
async fn a_full_server_is_left_before_any_login() {
    let server = Server::start(vec![vec![send("# Server full\r\n")], after_login([send(GOOD)])]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(1).await, good());
}

#[tokio::test]
async fn delays_grow_while_it_flaps() {
    let server = Server::start(vec![vec![]]).await;
    let client = client(&server).await;
    client.until("six attempts", |status| status.reconnects >= 6).await;
    let seen = server.seen();
    let gaps: Vec<f64> = seen.connected.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    assert!(gaps[0] >= 0.02 && gaps[4] >= 0.25 && gaps[4] > gaps[0] * 3.0, "{gaps:?}");
    assert_eq!(seen.most_open, 1, "one connection at a time");
}

#[tokio::test]
async fn silence_is_noticed_comments_are_signs_of_life() {
    let beats: Vec<Step> = (0..8).flat_map(|_| [send("# still here\r\n"), Step::Wait(Duration::from_millis(250))]).collect();
    let server = Server::start(vec![good_login().into_iter().chain(beats).chain([Step::Hang]).collect()]).await;
    let client = client(&server).await;
    let began = Instant::now();
    let status = client.until("silence", |status| status.last_error.as_deref().is_some_and(|error| error.contains("sent nothing"))).await;
    assert!(began.elapsed() >= Duration::from_millis(2400), "eight comments kept it alive: {:?}", began.elapsed());
    assert_eq!(status.lines, 0);
}

#[tokio::test]
async fn half_open_without_a_word() {
    let server = Server::start(vec![vec![Step::Hang], after_login([send(GOOD)])]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(1).await, good());
}

#[tokio::test]
async fn servers_are_tried_in_turn() {
    let good_one = Server::start(vec![after_login([send(GOOD)])]).await;
    let dead = { Server::start(vec![vec![]]).await.address };
    let servers = vec!["nowhere.invalid:14580".to_owned(), dead.to_string(), good_one.address.to_string()];
    let mut client = client_with(servers, quick(), 100);
    assert_eq!(client.take(1).await, good());
    assert_eq!(client.status.snapshot().server, Some(good_one.address.to_string()));
}

#[tokio::test]
async fn a_flood_of_comments_and_a_huge_banner() {
    let huge = format!("# {}\r\n", "banner ".repeat(2000));
    let script: Vec<Step> = [send(&huge)]
        .into_iter()
        .chain(good_login())
        .chain([Step::Repeat(b"# noise\r\n".to_vec(), 20_000), send(GOOD), Step::Hang])
        .collect();
    let client = delivers(script, &[b"A1B>APRS:>good"]).await;
    client.until("counted", |status| status.comments > 20_000).await;
}

#[tokio::test]
async fn stopping_is_quick_whatever_it_does() {
    let refusing = { Server::start(vec![vec![]]).await.address.to_string() };
    let hanging = Server::start(vec![vec![Step::Hang]]).await;
    let flooding = Server::start(vec![after_login([Step::Repeat(b"A>B:>x\r\n".to_vec(), 1_000_000)])]).await;
    let slow = Timing { first_wait: Duration::from_secs(60), longest_wait: Duration::from_secs(60), ..quick() };
    for (server, timing) in [(refusing, slow), (hanging.address.to_string(), quick()), (flooding.address.to_string(), quick())] {
        // Nobody takes from the queue: the client waits for room.
        let client = client_with(vec![server], timing, 4);
        sleep(Duration::from_millis(150)).await;
        assert!(client.stopper.finish(Duration::from_secs(5)).await);
        assert_eq!(client.status.snapshot().state, FeedState::Stopped);
    }
}

#[tokio::test]
async fn one_login_for_each_connection_and_never_after_a_reconnect_of_old_lines() {
    let server = Server::start(vec![good_login(), good_login(), after_login([send(GOOD)])]).await;
    let mut client = client(&server).await;
    assert_eq!(client.take(1).await, good());
    assert_eq!((server.seen().logins.len(), server.seen().connected.len()), (3, 3));
}
