//! The viewers, all of them in one process and one thread, so that what they cost is not the server's.

use std::{
    cell::RefCell,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Interest, stdin},
    net::{TcpSocket, TcpStream},
    task::LocalSet,
    time::sleep,
};

use crate::{
    traffic,
    wire::{Deltas, Incoming},
};

/// What all viewers got.
#[derive(Debug, Default)]
struct Counts {
    updates: u64,
    messages: u64,
    bytes: u64,
    /// Connections that ended.
    ended: u32,
    deltas: Deltas,
}

/// Viewers open connections from so many addresses: one has ports for 28,000 only.
const SOURCES: u32 = 8;

/// Opens a connection and asks for the live stream.
pub async fn open(address: SocketAddr, number: u32) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let source = Ipv4Addr::new(127, 0, 1, u8::try_from(number % SOURCES + 1).unwrap_or(1));
    socket.bind((source, 0).into())?;
    let mut stream = socket.connect(address).await?;
    let ask = "GET /live/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    Ok(stream)
}

/// Sends what a viewer wishes for.
pub async fn wish(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    let masked: Vec<u8> = text.bytes().map(|byte| byte ^ 7).collect();
    let length = u16::try_from(masked.len()).expect("a short text");
    let head = match u8::try_from(length) {
        Ok(length @ ..126) => vec![0x81, 0x80 | length],
        _ => [&[0x81, 0x80 | 126][..], &length.to_be_bytes()].concat(),
    };
    stream.write_all(&[&head[..], &[7, 7, 7, 7], &masked].concat()).await
}

/// A list of tiles as pages send it.
pub fn tiles(list: &[(u8, u16, u16)]) -> String {
    let tiles: Vec<String> = list.iter().map(|(level, x, y)| format!("[{level},{x},{y}]")).collect();
    format!(r#"{{"tiles":[{}]}}"#, tiles.join(","))
}

thread_local! {
    /// All viewers read into this one after the other.
    static SPACE: RefCell<Vec<u8>> = RefCell::new(vec![0; 1 << 18]);
}

/// Waits for bytes and hands them to `take`; false at the end of the connection.
pub async fn read(stream: &TcpStream, mut take: impl FnMut(&[u8])) -> bool {
    if stream.ready(Interest::READABLE).await.is_err() {
        return false;
    }
    SPACE.with_borrow_mut(|space| match stream.try_read(space) {
        Ok(0) => false,
        Ok(length) => {
            take(&space[..length]);
            true
        }
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    })
}

/// Connects so many viewers, says `ready`, and answers `count` with updates, messages, bytes and ended connections.
/// `spread`: each watches tiles of its own, where nothing happens.
pub async fn run(address: SocketAddr, viewers: u32, spread: bool) {
    LocalSet::new()
        .run_until(async move {
            let counts = Rc::new(RefCell::new(Counts::default()));
            let open_now = Rc::new(tokio::sync::Semaphore::new(100));
            let mut opening = Vec::new();
            for number in 0..viewers {
                let (counts, open_now) = (counts.clone(), open_now.clone());
                opening.push(tokio::task::spawn_local(async move {
                    let _turn = open_now.acquire().await;
                    let mut stream = open(address, number).await.expect("a connection");
                    let list = if spread { elsewhere(number) } else { traffic::TILES };
                    wish(&mut stream, &tiles(&list)).await.expect("a wish");
                    tokio::task::spawn_local(watch(stream, counts));
                }));
            }
            for one in opening {
                one.await.expect("a viewer");
            }
            // Until the first snapshots are through.
            sleep(Duration::from_millis(500)).await;
            println!("ready");
            let mut lines = BufReader::new(stdin()).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                assert_eq!(line, "count");
                let counts = counts.borrow();
                println!("{} {} {} {}", counts.updates, counts.messages, counts.bytes, counts.ended);
            }
        })
        .await;
}

/// Four tiles of level 9 in a square, for each viewer others (as far as there are any).
fn elsewhere(number: u32) -> [(u8, u16, u16); 4] {
    let (x, y) = ((number % 128 * 4) as u16, (number / 128 % 128 * 4) as u16);
    [(9, x, y), (9, x + 1, y), (9, x, y + 1), (9, x + 1, y + 1)]
}

async fn watch(stream: TcpStream, counts: Rc<RefCell<Counts>>) {
    let mut incoming = Incoming::default();
    let mut open = true;
    while open {
        open = read(&stream, |bytes| {
            let counts = &mut *counts.borrow_mut();
            counts.bytes += bytes.len() as u64;
            incoming.take(bytes, |message| {
                counts.messages += 1;
                counts.updates += counts.deltas.updates(message) as u64;
            });
        })
        .await;
    }
    counts.borrow_mut().ended += 1;
}
