//! A hostile APRS-IS server: whatever it does, the client does not crash or grow, delivers everything valid once, and
//! comes back with growing delays.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use godwit_feed::{AprsIs, FeedState, FeedStatus, Hint, Login, Received, Timing};
use godwit_flow::{Health, Part, Reader, Stopper, queue};
use godwit_testkit::{Server, Step, good_login, send};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// Times short enough for tests, in the order of the real ones.
fn quick() -> Timing {
    let ms = Duration::from_millis;
    Timing { silence: ms(900), banner: ms(150), connect: ms(2000), first_wait: ms(40), longest_wait: ms(600), nothing: ms(60_000) }
}

struct Client {
    stopper: Stopper,
    status: FeedStatus,
    lines: Reader<Received>,
    login: watch::Sender<Login>,
    health: Health,
    task: tokio::task::JoinHandle<()>,
}

fn client_with(servers: Vec<String>, timing: Timing, room: usize) -> Client {
    client_as(login(None, Some("t/p")), servers, timing, room)
}

fn login(passcode: Option<u16>, filter: Option<&str>) -> Login {
    Login::new("N0CALL-1", passcode, filter).unwrap()
}

fn client_as(login: Login, servers: Vec<String>, timing: Timing, room: usize) -> Client {
    let (out, lines) = queue(room);
    let (login, given) = watch::channel(login);
    let health = Health::default();
    let status = FeedStatus::new(health.clone());
    let stopper = Stopper::default();
    let feed = AprsIs { servers, login: given, timing, status: status.clone() };
    let task = stopper.spawn(feed.run(out, stopper.stop()));
    Client { stopper, status, lines, login, health, task }
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
    for banner in ["# Server full\r\n", "# testkit 1.0\r\n# Port full\r\n"] {
        // The first server would note a login for as long as the client stays.
        let server = Server::start(vec![vec![send(banner), Step::Login], after_login([send(GOOD)])]).await;
        let mut client = client(&server).await;
        assert_eq!(client.take(1).await, good());
        let began = Instant::now();
        while server.seen().open > 1 {
            assert!(began.elapsed() < Duration::from_secs(20), "the first connection is closed");
            sleep(Duration::from_millis(5)).await;
        }
        let seen = server.seen();
        assert_eq!((seen.connected.len(), seen.logins.len()), (2, 1), "{banner}: {:?}", seen.logins);
        assert_eq!(client.status.snapshot().server_software.as_deref(), Some("testkit 1.0"));
    }
}

#[tokio::test]
async fn a_feed_whose_lines_nobody_takes_ends() {
    let server = Server::start(vec![after_login([Step::Repeat(GOOD.into(), 1000)])]).await;
    let client = client(&server).await;
    drop(client.lines);
    timeout(Duration::from_secs(20), client.task).await.expect("it ends").unwrap();
    assert_eq!(server.seen().connected.len(), 1, "it does not log in again");
    assert_eq!(client.status.snapshot().state, FeedState::Stopped);
}

#[tokio::test]
async fn a_flood_of_login_answers_changes_nothing() {
    let answers = Step::Repeat(b"# logresp N0CALL-1 verified, server OTHER\r\n".to_vec(), 20_000);
    let client = delivers(after_login([answers, send(GOOD)]), &[b"A1B>APRS:>good"]).await;
    let status = client.status.snapshot();
    assert_eq!((status.state, status.server_id.as_deref()), (FeedState::Unverified, Some("TEST")));
}

#[tokio::test]
async fn a_login_that_is_never_answered_is_said() {
    let packets = (0..40).flat_map(|_| [send(GOOD), Step::Wait(Duration::from_millis(20))]);
    let script: Vec<Step> = [send("# testkit 1.0\r\n"), Step::Login].into_iter().chain(packets).chain([Step::Hang]).collect();
    let server = Server::start(vec![script]).await;
    let client = client(&server).await;
    let status = client.until("unanswered", |status| status.state == FeedState::Unanswered && status.hint.is_some()).await;
    assert_eq!((status.hint, status.reconnects), (Some(Hint::Unanswered), 0));
}

/// What operators are shown about the feed.
fn trouble(client: &Client) -> Option<String> {
    client.health.conditions().into_iter().find(|condition| condition.part == Part::Feed)?.trouble
}

#[tokio::test]
async fn a_port_that_sends_nothing_without_a_filter_is_said_and_set_right_while_it_runs() {
    // The second line it reads is the filter.
    let script: Vec<Step> = good_login().into_iter().chain([Step::Login, send(GOOD), Step::Hang]).collect();
    let server = Server::start(vec![script]).await;
    let timing = Timing { silence: Duration::from_secs(60), nothing: Duration::from_millis(100), ..quick() };
    let mut client = client_as(login(None, None), vec![server.address.to_string()], timing, 100);
    let status = client.until("no filter", |status| status.hint.is_some()).await;
    assert_eq!((status.hint, status.state, status.lines), (Some(Hint::NoFilter), FeedState::Unverified, 0));
    assert!(trouble(&client).is_some_and(|trouble| trouble.contains("no filter is set")));
    client.login.send_replace(login(None, Some("r/47/8/100")));
    assert_eq!(client.take(1).await, good());
    assert_eq!(server.seen().logins[1], "#filter r/47/8/100\r\n");
    client.until("all is well", |status| status.hint.is_none()).await;
    assert_eq!((trouble(&client), client.status.snapshot().reconnects), (None, 0));
}

#[tokio::test]
async fn a_wrong_passcode_is_said_and_a_right_one_is_not() {
    for (passcode, hint) in [(1234, Some(Hint::WrongPasscode)), (13023, None)] {
        let server = Server::start(vec![after_login([send(GOOD)])]).await;
        let mut client = client_as(login(Some(passcode), Some("t/p")), vec![server.address.to_string()], quick(), 100);
        assert_eq!(client.take(1).await, good());
        let status = client.until("logged in", |status| status.state == FeedState::Unverified && status.hint == hint).await;
        assert_eq!(status.trouble().is_some(), hint.is_some());
    }
}

#[tokio::test]
async fn waits_start_anew_after_a_connection_that_carried_packets_and_lasted() {
    let failing = vec![vec![]; 5];
    let lasting: Vec<Step> = good_login().into_iter().chain([send(GOOD), Step::Wait(Duration::from_secs(1))]).collect();
    let server = Server::start(failing.into_iter().chain([lasting, after_login([])]).collect()).await;
    let timing = Timing {
        first_wait: Duration::from_millis(50),
        longest_wait: Duration::from_secs(10),
        silence: Duration::from_secs(20),
        ..quick()
    };
    let client = client_with(vec![server.address.to_string()], timing, 100);
    client.until("seven connections", |status| status.reconnects == 6).await;
    let connected = server.seen().connected;
    // The sixth wait would be 0.8 s at least.
    let wait = (connected[6] - connected[5]).saturating_sub(Duration::from_secs(1));
    assert!(wait < Duration::from_millis(700), "{wait:?}");
}

#[tokio::test]
async fn a_server_that_sends_a_little_and_closes_is_not_hammered() {
    let server = Server::start(vec![good_login().into_iter().chain([send(GOOD)]).collect()]).await;
    let timing = Timing { first_wait: Duration::from_millis(100), longest_wait: Duration::from_secs(2), ..quick() };
    let client = client_with(vec![server.address.to_string()], timing, 1000);
    client.until("five attempts", |status| status.reconnects >= 5).await;
    let connected = server.seen().connected;
    assert!(connected[5] - connected[4] >= Duration::from_millis(700), "{:?}", connected[5] - connected[4]);
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
