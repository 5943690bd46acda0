//! The server: banner, login, keep-alive, and the traffic at its pace to every client. Each batch is made once and
//! shared; a client that does not keep up is cut off, the others do not notice.

use std::{sync::Arc, time::Duration};

use godwit_flow::Stop;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::{Semaphore, broadcast},
    time::{Instant, interval, sleep, timeout},
};

use crate::{
    filter::Filter,
    simulator::{Line, Simulator},
};

/// Batches that a client may be behind: 10 s.
const BEHIND: usize = 512;

/// A batch is sent each 20 ms.
const PACE: Duration = Duration::from_millis(20);

/// Clients at a time.
const CLIENTS: usize = 200;

/// Sends a simulator's traffic to APRS-IS clients.
#[derive(Debug)]
pub struct Server {
    simulator: Simulator,
}

type Batches = broadcast::Sender<Arc<Vec<Line>>>;

impl Server {
    /// A server for this traffic.
    #[must_use]
    pub fn new(simulator: Simulator) -> Self {
        Self { simulator }
    }

    /// Serves until told to stop. Time passes for the simulated world also when nobody listens.
    pub async fn run(self, listener: TcpListener, stop: Stop) {
        let batches: Batches = broadcast::Sender::new(BEHIND);
        let room = Arc::new(Semaphore::new(CLIENTS));
        let mut pacing = tokio::spawn(pace(self.simulator, batches.clone(), stop.clone()));
        loop {
            let accepted = tokio::select! {
                // It ends when told to; a panic in it is ours.
                ended = &mut pacing => {
                    if let Err(error) = ended && let Ok(payload) = error.try_into_panic() {
                        std::panic::resume_unwind(payload);
                    }
                    return;
                }
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Out of files, perhaps: not again at once.
                sleep(PACE).await;
                continue;
            };
            let (batches, stop, room) = (batches.clone(), stop.clone(), room.clone());
            tokio::spawn(async move {
                let _ = stop.or(client(stream, &batches, &room)).await;
            });
        }
    }
}

async fn pace(mut simulator: Simulator, batches: Batches, stop: Stop) {
    let mut clock = interval(PACE);
    let mut pending = simulator.next_line();
    let (began, began_us) = (Instant::now(), pending.at_us);
    while stop.or(clock.tick()).await.is_some() {
        let now_us = began_us + i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX - began_us);
        let mut batch = Vec::new();
        while pending.at_us <= now_us {
            batch.push(std::mem::replace(&mut pending, simulator.next_line()));
        }
        if !batch.is_empty() {
            // Nobody listening is no error.
            let _ = batches.send(Arc::new(batch));
        }
    }
}

async fn client(mut stream: TcpStream, batches: &Batches, room: &Semaphore) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Ok(_place) = room.try_acquire() else {
        return stream.write_all(b"# Server full\r\n").await;
    };
    let banner = concat!("# godwit-sim ", env!("CARGO_PKG_VERSION"), "\r\n");
    stream.write_all(banner.as_bytes()).await?;
    let (reader, mut writer) = stream.into_split();
    let mut commands = BufReader::with_capacity(1024, reader);
    let Ok(login) = timeout(Duration::from_secs(30), command(&mut commands)).await else {
        return writer.write_all(b"# login timeout\r\n").await;
    };
    let Some(login) = login? else { return Ok(()) };
    let words: Vec<&str> = login.split_whitespace().collect();
    if words.first().is_none_or(|word| !word.eq_ignore_ascii_case("user")) || words.len() < 2 {
        return writer.write_all(b"# Invalid login: user CALL pass N vers SOFTWARE VERSION\r\n").await;
    }
    let call: String = words[1].chars().filter(char::is_ascii_graphic).take(9).collect();
    let verified = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("pass"))
        .and_then(|at| words.get(at + 1))
        .is_some_and(|code| *code == passcode(&call).to_string());
    let state = if verified { "verified" } else { "unverified" };
    writer.write_all(format!("# logresp {call} {state}, server GODWIT-S\r\n").as_bytes()).await?;
    let mut filter = set_filter(&login, &mut writer).await?.unwrap_or_default();
    let mut batches = batches.subscribe();
    let mut keep_alive = interval(Duration::from_secs(20));
    let mut out = Vec::with_capacity(16_384);
    loop {
        tokio::select! {
            batch = batches.recv() => {
                // Too far behind: cut off, as servers do.
                let Ok(batch) = batch else { return Ok(()) };
                out.clear();
                for line in batch.iter().filter(|line| filter.passes(line)) {
                    out.extend_from_slice(&line.bytes);
                    out.extend_from_slice(b"\r\n");
                }
                match timeout(Duration::from_secs(25), writer.write_all(&out)).await {
                    Ok(written) => written?,
                    Err(_) => return Ok(()),
                }
            }
            _ = keep_alive.tick() => writer.write_all(banner.as_bytes()).await?,
            line = command(&mut commands) => {
                let Some(line) = line? else { return Ok(()) };
                if let Some(new) = set_filter(&line, &mut writer).await? {
                    filter = new;
                }
            }
        }
    }
}

/// Reads a line of at most 1,024 bytes; `None` at the end.
async fn command(reader: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = (&mut *reader).take(1024).read_until(b'\n', &mut line).await?;
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim().to_owned()))
}

/// Finds `filter ...` in a line and says what became of it.
async fn set_filter(line: &str, writer: &mut (impl AsyncWriteExt + Unpin)) -> std::io::Result<Option<Filter>> {
    let Some(at) = line.to_ascii_lowercase().find("filter ") else {
        return Ok(None);
    };
    let (filter, wrong) = Filter::parse(&line[at + 7..]);
    let answer = if wrong.is_empty() {
        "# filter active\r\n".to_owned()
    } else {
        format!("# Parse errors on filter spec: '{}'\r\n", wrong.join(" "))
    };
    writer.write_all(answer.as_bytes()).await?;
    Ok(Some(filter))
}

/// The APRS-IS passcode of a callsign: no secret, anybody can compute it.
fn passcode(call: &str) -> u16 {
    let base = call.split('-').next().unwrap_or_default().to_ascii_uppercase();
    let hash = base
        .bytes()
        .enumerate()
        .fold(0x73e2_u16, |hash, (at, byte)| hash ^ if at % 2 == 0 { u16::from(byte) << 8 } else { u16::from(byte) });
    hash & 0x7fff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimulatorConfig;

    #[test]
    fn the_passcode_of_n0call() {
        assert_eq!(passcode("N0CALL-9"), 13023);
    }

    #[tokio::test]
    async fn a_client_logs_in_sets_filters_and_gets_traffic() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address");
        let stopper = godwit_flow::Stopper::default();
        let simulator = Simulator::new(&SimulatorConfig { seed: 1, stations: 500, rate: 500.0, start_us: 0 });
        stopper.spawn(Server::new(simulator).run(listener, stopper.stop()));
        let mut lines = BufReader::new(TcpStream::connect(address).await.expect("connection"));
        let mut next = async |send: &str| {
            lines.get_mut().write_all(send.as_bytes()).await.expect("write");
            let mut line = Vec::new();
            timeout(Duration::from_secs(20), lines.read_until(b'\n', &mut line)).await.expect("in time").expect("read");
            String::from_utf8_lossy(&line).into_owned()
        };
        assert!(next("").await.starts_with("# godwit-sim "));
        assert_eq!(
            next("user N0CALL-1 pass 13023 vers Test 1 filter zz/1 b/NOBODY\r\n").await,
            "# logresp N0CALL-1 verified, server GODWIT-S\r\n"
        );
        assert_eq!(next("").await, "# Parse errors on filter spec: 'zz/1'\r\n");
        let mut answer = next("#filter t/p\r\n").await;
        while !answer.contains("filter active") {
            answer = next("").await;
        }
        for _ in 0..50 {
            let line = next("").await;
            if !line.starts_with('#') {
                let packet = godwit_packet::parse(line.trim_end().as_bytes()).expect("packet").kind;
                assert!(matches!(packet, godwit_packet::Kind::Position | godwit_packet::Kind::MicE), "{line}");
            }
        }
        assert!(stopper.finish(Duration::from_secs(10)).await);
    }
}
