//! What an answer costs: CPU time of the program for each request of its routes, with and without the limit on requests,
//! and of that limit itself. `cargo run --release --example requests` (the program is built and started by it).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use godwit_flow::{BreakerConfig, now_us};
use godwit_live::{
    RedisAddress, RedisLink,
    limit::{Limiter, Rate},
};
use godwit_testkit::Redis;

/// Requests of each route.
const REQUESTS: u32 = 200;

/// A running program, killed at the end.
struct Serving(Child, String);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Serving {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("godwit");
        let mut child = Command::new(program)
            .args(["serve", "--listen", &address, "--log", "error", "--data"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("ready"), "{line}");
        Self(child, address)
    }

    /// CPU time of the process so far, in seconds.
    fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // In hundredths, as Linux counts for programs.
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    /// Bytes of the answers, on one connection.
    fn ask(&self, path: &str, client: &str, count: u32) -> usize {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut bytes = 0;
        for _ in 0..count {
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n{client}\r\n").unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = text.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
            bytes += usize::try_from(length).unwrap();
        }
        bytes
    }
}

/// A station of the map, as the list of those near a point tells it.
fn nearest(serving: &Serving) -> String {
    let mut stream = TcpStream::connect(&serving.1).unwrap();
    write!(stream, "GET /api/v1/stations/near?latitude=47.4&longitude=8.5&limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\"name\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut filling = Serving::start(folder.path(), &["--demo", "--stations", "20000", "--rate", "2000"]);
    std::thread::sleep(Duration::from_secs(30));
    assert!(Command::new("kill").arg(filling.0.id().to_string()).status().unwrap().success());
    filling.0.wait().unwrap();
    drop(filling);
    // What it does without being asked is taken off.
    let serving = Serving::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(5));
    let (began, before) = (Instant::now(), serving.cpu_s());
    std::thread::sleep(Duration::from_secs(5));
    let idle = (serving.cpu_s() - before) / began.elapsed().as_secs_f64();
    println!("{:>10} {:>10}  route ({REQUESTS} requests each; CPU time of the program)", "us", "bytes");
    let station = nearest(&serving);
    for path in [
        "/livez".to_owned(),
        "/api/v1/status".to_owned(),
        "/api/v1/search?q=A".to_owned(),
        "/api/v1/search?q=*1*".to_owned(),
        "/api/v1/stations/near?latitude=47.4&longitude=8.5".to_owned(),
        "/api/v1/stations?bbox=5,45,15,55".to_owned(),
        format!("/api/v1/stations/{station}/track"),
        "/api/v1/packets?limit=100".to_owned(),
        "/history/v1/range".to_owned(),
    ] {
        let (began, before) = (Instant::now(), serving.cpu_s());
        let bytes = serving.ask(&path, "", REQUESTS);
        let spent = serving.cpu_s() - before - idle * began.elapsed().as_secs_f64();
        println!("{:>10.0} {:>10}  {path}", spent.max(0.0) * 1e6 / f64::from(REQUESTS), bytes / REQUESTS as usize);
    }
    drop(serving);
    let rate = Rate { units: 60_000_000, window: Duration::from_secs(60), burst: 60_000_000 };
    // Counting clients needs no disk.
    let redis = Redis::start_with(|_| vec!["--appendonly".to_owned(), "no".to_owned()]);
    let keys = "{bench}:limit".to_owned();
    let link =
        RedisLink::new(RedisAddress::parse(&redis.url(), None).unwrap(), keys.clone(), Duration::from_secs(1), BreakerConfig::default());
    for (name, limiter, count) in [("local", Limiter::new(rate, None), 1_000_000), ("Redis", Limiter::new(rate, Some((link, keys))), 5000)]
    {
        let began = Instant::now();
        for number in 0_u32..count {
            limiter.ask(IpAddr::from((number % 1000).to_be_bytes()), now_us()).await;
        }
        println!("{:>10.2} {:>10}  the limit, {name} (time until the answer)", began.elapsed().as_secs_f64() * 1e6 / f64::from(count), "");
    }
}
