//! An APRS-IS server with a ledger: lines that nobody sends twice, at a steady pace, the same for every client, and a
//! list of what was sent.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    task::JoinHandle,
    time::interval,
};

/// Lines that a client may be behind before it is cut off: as real servers do.
const BEHIND: usize = 20_000;

/// Stations that speak in turn.
const STATIONS: u64 = 500;

/// The server. It sends only while somebody listens; dropping it ends it.
#[derive(Debug)]
pub struct LedgerServer {
    /// Where it listens.
    pub address: SocketAddr,
    sent: Arc<AtomicU64>,
    per_second: Arc<AtomicU64>,
    clients: Arc<AtomicUsize>,
    times: Arc<Mutex<Vec<Instant>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl LedgerServer {
    /// Starts it on a free port of this machine; it sends nothing before [`LedgerServer::pace`].
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let lines = broadcast::Sender::<Arc<[u8]>>::new(BEHIND);
        let mut server = Self {
            address,
            sent: Arc::default(),
            per_second: Arc::default(),
            clients: Arc::default(),
            times: Arc::default(),
            tasks: Vec::new(),
        };
        let (all, clients) = (lines.clone(), server.clients.clone());
        server.tasks.push(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (lines, clients) = (all.clone(), clients.clone());
                tokio::spawn(async move {
                    let _ = client(stream, &lines, &clients).await;
                });
            }
        }));
        let (sent, per_second, clients, times) =
            (server.sent.clone(), server.per_second.clone(), server.clients.clone(), server.times.clone());
        server.tasks.push(tokio::spawn(async move {
            let mut clock = interval(Duration::from_millis(10));
            let mut owed = 0.0;
            loop {
                clock.tick().await;
                if clients.load(Ordering::SeqCst) == 0 {
                    continue;
                }
                owed += per_second.load(Ordering::Relaxed) as f64 / 100.0;
                while owed >= 1.0 {
                    owed -= 1.0;
                    let number = sent.load(Ordering::SeqCst);
                    times.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                    if lines.send(line(number).into_bytes().into()).is_ok() {
                        sent.store(number + 1, Ordering::SeqCst);
                    } else {
                        times.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    }
                }
            }
        }));
        server
    }

    /// Sends so many lines a second from now on.
    pub fn pace(&self, per_second: u64) {
        self.per_second.store(per_second, Ordering::Relaxed);
    }

    /// Lines sent so far: those with numbers below this.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Clients that are logged in.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::SeqCst)
    }

    /// When the line with this number was sent.
    #[must_use]
    pub fn sent_at(&self, number: u64) -> Option<Instant> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).get(usize::try_from(number).ok()?).copied()
    }
}

impl Drop for LedgerServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The line with this number: a position in the middle of Europe. No two lines are alike, whatever one leaves out.
#[must_use]
pub fn line(number: u64) -> String {
    let station = number % STATIONS;
    let (north, east) = (station / 25, station % 25);
    // Moves a little each time.
    let hundredths = number / STATIONS % 100;
    format!("LG{station}-9>APRS,qAR,LEDGER:!48{north:02}.{hundredths:02}N/010{east:02}.00E>{number}")
}

/// The number of a line.
#[must_use]
pub fn number(line: &str) -> Option<u64> {
    line.starts_with("LG").then(|| line.rsplit('>').next()?.parse().ok())?
}

async fn client(stream: TcpStream, lines: &broadcast::Sender<Arc<[u8]>>, clients: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    writer.write_all(b"# ledger 1.0\r\n").await?;
    let mut login = String::new();
    reader.read_line(&mut login).await?;
    writer.write_all(b"# logresp N0CALL-1 unverified, server LEDGER\r\n").await?;
    let mut lines = lines.subscribe();
    clients.fetch_add(1, Ordering::SeqCst);
    let _leaves = Leaves(clients);
    let mut rest = String::new();
    loop {
        tokio::select! {
            // The client closed, or said something of no interest.
            read = reader.read_line(&mut rest) => if read? == 0 { return Ok(()) },
            line = lines.recv() => {
                let Ok(line) = line else { return Ok(()) };
                let mut message = line.to_vec();
                message.extend_from_slice(b"\r\n");
                while let Ok(line) = lines.try_recv() {
                    message.extend_from_slice(&line);
                    message.extend_from_slice(b"\r\n");
                }
                writer.write_all(&message).await?;
            }
        }
    }
}

struct Leaves<'a>(&'a AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_numbers() {
        for at in [0, 7, 499, 500, 123_456] {
            assert_eq!(number(&line(at)), Some(at));
        }
        assert_eq!(number("A1B>APRS:>7"), None);
    }

    #[tokio::test]
    async fn every_client_gets_the_same_lines() {
        let server = LedgerServer::start().await;
        let connect = async || {
            let mut reader = BufReader::new(TcpStream::connect(server.address).await.expect("connection"));
            reader.get_mut().write_all(b"user N0CALL-1 pass -1\r\n").await.expect("login");
            reader
        };
        let (mut one, mut other) = (connect().await, connect().await);
        while server.clients() < 2 {
            tokio::task::yield_now().await;
        }
        server.pace(2000);
        for reader in [&mut one, &mut other] {
            let mut next = 0;
            while next < 500 {
                let mut text = String::new();
                reader.read_line(&mut text).await.expect("line");
                if let Some(at) = number(text.trim_end()) {
                    assert_eq!(at, next);
                    assert!(server.sent_at(at).is_some());
                    next += 1;
                }
            }
        }
        drop((one, other));
        assert!(server.sent() >= 500);
    }
}
