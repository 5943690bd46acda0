//! From a packet's arrival at the program's socket to its delta at a viewer: the feed and the viewers are one process,
//! so that one clock tells.

use std::{
    cell::RefCell,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin},
    sync::watch,
    task::LocalSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    child::Helper,
    load::{open, read, tiles, wish},
    traffic,
    wire::{Deltas, Incoming},
};

const PACKETS_A_SECOND: u32 = 200;
const VIEWERS: u32 = 1000;

/// When each station last sent, and how long its packets took to each viewer.
struct Seen {
    sent: Vec<Option<Instant>>,
    took_us: Vec<u32>,
    counts: bool,
    deltas: Deltas,
}

/// The part that feeds and watches: says where its feed is, waits for the address of the program, says that it is `ready`,
/// measures for so many seconds (`measure SECONDS`) and answers with packets, deliveries, median, 99th percentile and the
/// longest, ms.
pub async fn load() {
    let seen = Rc::new(RefCell::new(Seen {
        sent: vec![None; traffic::STATIONS as usize],
        took_us: Vec::new(),
        counts: false,
        deltas: Deltas::default(),
    }));
    LocalSet::new()
        .run_until(async move {
            let feed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            println!("{}", feed.local_addr().expect("an address"));
            let mut lines = BufReader::new(stdin()).lines();
            let address: SocketAddr = lines.next_line().await.expect("a line").expect("a line").parse().expect("an address");
            let (turns, turn) = watch::channel(0);
            tokio::task::spawn_local(send(feed, seen.clone(), turns));
            for number in 0..VIEWERS {
                let mut stream = open(address, number).await.expect("a connection");
                wish(&mut stream, &tiles(&traffic::TILES)).await.expect("a wish");
                let seen = seen.clone();
                tokio::task::spawn_local(async move {
                    let mut incoming = Incoming::default();
                    while read(&stream, |bytes| incoming.take(bytes, |message| note(&mut seen.borrow_mut(), message))).await {}
                });
            }
            println!("ready");
            while let Ok(Some(line)) = lines.next_line().await {
                let seconds: f64 = line.strip_prefix("measure ").and_then(|word| word.parse().ok()).expect("seconds");
                seen.borrow_mut().counts = true;
                let before = *turn.borrow();
                sleep(Duration::from_secs_f64(seconds)).await;
                let mut seen = seen.borrow_mut();
                seen.counts = false;
                seen.took_us.sort_unstable();
                let part = |part: f64| f64::from(seen.took_us[((seen.took_us.len() - 1) as f64 * part) as usize]) / 1e3;
                println!("{} {} {:.0} {:.0} {:.0}", *turn.borrow() - before, seen.took_us.len(), part(0.5), part(0.99), part(1.0));
            }
        })
        .await;
}

fn note(seen: &mut Seen, message: &[u8]) {
    if !seen.counts {
        return;
    }
    let Seen { sent, took_us, deltas, .. } = seen;
    deltas.names(message, |name| {
        let station: usize = std::str::from_utf8(&name[1..5]).ok().and_then(|digits| digits.parse().ok()).expect("a station of ours");
        if let Some(sent) = sent[station] {
            took_us.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    });
}

/// An APRS-IS server with one client.
async fn send(feed: tokio::net::TcpListener, seen: Rc<RefCell<Seen>>, turns: watch::Sender<u32>) {
    let (socket, _) = feed.accept().await.expect("the program connects");
    socket.set_nodelay(true).expect("a socket");
    let mut socket = BufReader::new(socket);
    socket.get_mut().write_all(b"# bench 1\r\n").await.expect("written");
    let mut login = String::new();
    socket.read_line(&mut login).await.expect("a login");
    socket.get_mut().write_all(b"# logresp N0CALL-1 unverified, server BENCH\r\n").await.expect("written");
    let mut clock = interval(Duration::from_secs(1) / PACKETS_A_SECOND);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for turn in 0.. {
        clock.tick().await;
        let line = [&traffic::line(turn)[..], b"\r\n"].concat();
        seen.borrow_mut().sent[(turn % traffic::STATIONS) as usize] = Some(Instant::now());
        socket.get_mut().write_all(&line).await.expect("written");
        turns.send_replace(turn);
    }
}

/// The program itself, ended with its owner.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures the program at this path.
pub fn measure(program: &str) {
    let mut load = Helper::start(&["feed"]);
    let feed = load.answer();
    let folder = tempfile::tempdir().expect("a folder");
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let arguments = ["serve", "--aprs-is", &feed, "--callsign", "N0CALL-1", "--listen", &address.to_string()];
    let child = Command::new(program)
        .args(arguments)
        .arg("--data")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
    let program = Program(child);
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the program does not listen");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(load.ask(&address.to_string()), "ready");
    load.ask("measure 5");
    let before = crate::child::Usage::of(program.0.id()).cpu_s;
    let seconds = 30.0;
    let numbers = load.numbers(&format!("measure {seconds}"));
    let cpu = (crate::child::Usage::of(program.0.id()).cpu_s - before) / seconds;
    let status = crate::http::get(address, "/api/v1/status");
    let status: serde_json::Value = serde_json::from_slice(&status).expect("JSON");
    let [packets, deliveries, p50, p99, longest] = numbers[..] else { panic!("five numbers") };
    println!(
        "{packets} packets in {seconds:.0} s to {VIEWERS} viewers, {deliveries} deliveries: half within {p50} ms, 99 % within {p99} ms, all within {longest} ms; \
         the program's own histogram: {} and {} ms; {cpu:.2} of a core",
        status["live"]["latency_ms"]["p50"], status["live"]["latency_ms"]["p99"]
    );
}
