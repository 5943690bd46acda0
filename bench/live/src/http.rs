//! Snapshots over plain HTTP beside constant answers of the same size, from the same server.

use std::{
    cell::Cell,
    io::{Read as _, Write as _},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, stdin},
    net::TcpStream,
    task::LocalSet,
};

use crate::{child::Helper, median};

/// Connections that ask, each again as soon as it has its answer.
const CONNECTIONS: usize = 32;

/// An answer: its first line, its headers in small letters, and how long its body is.
struct Answer {
    head: String,
    bytes: usize,
}

/// Asks over an open connection.
async fn ask(stream: &mut BufReader<TcpStream>, request: &[u8], body: &mut Vec<u8>) -> std::io::Result<Answer> {
    stream.get_mut().write_all(request).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    head.make_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.resize(length, 0);
    stream.read_exact(body).await?;
    Ok(Answer { head, bytes: length })
}

/// The part that asks: `look PATH` answers with the bytes of its body and its tag, `ask SECONDS PATH [TAG]` with how many
/// answers there were, all with the same status.
pub async fn load(address: SocketAddr) {
    let connect = async move || BufReader::with_capacity(1 << 17, TcpStream::connect(address).await.expect("a connection"));
    let request = |path: &str, tag: Option<&str>| {
        let condition = tag.map_or(String::new(), |tag| format!("If-None-Match: {tag}\r\n"));
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n{condition}\r\n").into_bytes()
    };
    LocalSet::new()
        .run_until(async move {
            println!("ready");
            let mut lines = BufReader::new(stdin()).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let words: Vec<&str> = line.split(' ').collect();
                match words[..] {
                    ["look", path] => {
                        let answer = ask(&mut connect().await, &request(path, None), &mut Vec::new()).await.expect("an answer");
                        let tag = answer.head.lines().find_map(|line| line.strip_prefix("etag: "));
                        println!("{} {}", answer.bytes, tag.unwrap_or("-").replacen("w/", "W/", 1));
                    }
                    ["ask", seconds, path, ref tag @ ..] => {
                        let (request, ending) = (Rc::new(request(path, tag.first().copied())), Rc::new(Cell::new(false)));
                        let status = if tag.is_empty() { "http/1.1 200" } else { "http/1.1 304" };
                        let mut asking = Vec::new();
                        for _ in 0..CONNECTIONS {
                            let (mut stream, request, ending) = (connect().await, request.clone(), ending.clone());
                            asking.push(tokio::task::spawn_local(async move {
                                let (mut answers, mut body) = (0_u64, Vec::new());
                                while !ending.get() {
                                    let answer = ask(&mut stream, &request, &mut body).await.expect("an answer");
                                    assert!(answer.head.starts_with(status), "{}", answer.head);
                                    answers += 1;
                                }
                                answers
                            }));
                        }
                        tokio::time::sleep(Duration::from_secs_f64(seconds.parse().expect("seconds"))).await;
                        ending.set(true);
                        let mut answers = 0;
                        for one in asking {
                            answers += one.await.expect("a connection");
                        }
                        println!("{answers}");
                    }
                    _ => panic!("no command {line}"),
                }
            }
        })
        .await;
}

/// The body of an answer.
pub fn get(address: SocketAddr, path: &str) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("headers");
    answer.split_off(end + 4)
}

/// Compares; prints ratios of the server's CPU time for each answer.
pub fn compare() {
    let mut server = Helper::start(&["serve", "godwit"]);
    let address = server.answer();
    server.ask("fill 20000");
    let mut load = Helper::start(&["http", &address]);
    load.answer();
    // A tile of level 5 is a country.
    let tile = "/live/v1/tiles/5/16/10";
    let looked = load.ask(&format!("look {tile}"));
    let (bytes, tag) = looked.split_once(' ').expect("two words");
    let asked = [
        format!("ask 1.5 /constant/{bytes}"),
        format!("ask 1.5 {tile}"),
        "ask 1.5 /constant/13".to_owned(),
        format!("ask 1.5 {tile} {tag}"),
    ];
    let mut costs: [Vec<f64>; 4] = Default::default();
    for _ in 0..5 {
        for (asked, costs) in asked.iter().zip(&mut costs) {
            let before = server.usage().cpu_s;
            let answers: f64 = load.ask(asked).parse().expect("a number");
            costs.push((server.usage().cpu_s - before) / answers * 1e6);
        }
    }
    let [constant, snapshot, hello, unchanged] = costs.map(median);
    println!(
        "a country's snapshot of {bytes} bytes: {snapshot:.1} us of CPU, a constant of that size {constant:.1} us: {:.2} of its rate",
        constant / snapshot
    );
    println!("304 for it: {unchanged:.1} us, a constant of 13 bytes {hello:.1} us: {:.2} of its rate", hello / unchanged);
}
