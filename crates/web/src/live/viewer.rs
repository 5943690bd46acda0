//! One viewer's connection: what it says is heard, what its tiles have is written, and nobody waits for it.
//!
//! There is no outgoing buffer: the pieces of a message are shared with all who get them, and go from there to the
//! socket. Bound: one message at a time; what the kernel takes beyond what is on its way is [`UNSENT`].

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::ready,
    time::Duration,
};

use bytes::Bytes;
use godwit_live::{Message, Viewer};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::frames::{self, Incoming, Said};
use crate::{
    Site,
    live::ViewerTiming,
    server::{Place, Socket},
};

/// Bytes the kernel takes for a viewer that are not yet on their way. More would only grow old there: what waits with us
/// is still brought up to date.
const UNSENT: u32 = 65_536;

/// A dead connection is given up when nothing was acknowledged for so long.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// A viewer must take at least so many bytes within the patience, or whole messages.
const LEAST_BYTES: usize = 32_768;

/// Bytes offered to the socket at a time.
const MOST_AT_A_TIME: usize = 262_144;

/// Pieces offered to the socket at a time: the header, the version, and all that a tick has for a viewer that keeps up,
/// one or two deltas of each tile and the pulse. So its tick is one write.
const MOST_PIECES: usize = 2 + 2 * Viewer::MOST_TILES + 1;

/// A list of tiles is followed by so much silence of ours: what a viewer says meanwhile waits with the kernel. So nobody
/// makes the server keep more than ten lists of tiles a second, for as long as a tile is kept.
const BETWEEN_LISTS: Duration = Duration::from_millis(100);

/// Why a viewer is no longer written to.
enum Gone {
    /// It did not read.
    Slow,
    /// The connection broke.
    Broken,
}

/// Takes over the connection of a viewer and serves it to its end.
pub(super) async fn serve(upgrade: OnUpgrade, (viewer, _place): (Viewer, Option<Place>), site: Arc<Site>) {
    let Ok(upgraded) = upgrade.await else {
        return;
    };
    // Behind our own server the connection is a socket that can be tuned; behind another it works all the same.
    match upgraded.downcast::<TokioIo<Socket>>() {
        Ok(parts) => {
            // Copied, so that the handshake's buffer does not live as long as the viewer.
            let mut incoming = Incoming::default();
            incoming.push(&parts.read_buf);
            drop(parts.read_buf);
            let (socket, _places) = parts.io.into_inner().into_parts();
            tune(&socket);
            watch(socket, incoming, viewer, site).await;
        }
        Err(upgraded) => watch(TokioIo::new(upgraded), Incoming::default(), viewer, site).await,
    }
}

/// A failure here only costs comfort.
fn tune(socket: &TcpStream) {
    // A tick is one write: waiting for more to send with it would only delay it.
    let _ = socket.set_nodelay(true);
    let socket = SockRef::from(socket);
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

async fn watch(mut socket: impl AsyncRead + AsyncWrite + Unpin, mut incoming: Incoming, mut viewer: Viewer, site: Arc<Site>) {
    let ViewerTiming { patience, drain } = site.viewers;
    let mut ending = pin!(site.stop.wanted());
    let mut leaves_at = None;
    let mut hears_at = Instant::now();
    let hello = viewer.hello((site.clock)());
    let mut outcome = send(&mut socket, &hello, patience).await;
    while outcome.is_ok() {
        let hears = Instant::now() >= hears_at;
        if hears {
            match hear(&mut incoming, &mut viewer, (site.clock)()) {
                Ok(Heard::Nothing) => {}
                Ok(Heard::Tiles) => {
                    hears_at = Instant::now() + BETWEEN_LISTS;
                    continue;
                }
                Ok(Heard::Ping(answer)) => {
                    outcome = write(&mut socket, &[answer], patience).await;
                    continue;
                }
                Err(goodbye) => {
                    let _ = timeout(ViewerTiming::GRACE, part(&mut socket, goodbye, patience)).await;
                    return;
                }
            }
        }
        tokio::select! {
            () = &mut ending, if leaves_at.is_none() => {
                // Each viewer comes to its new server at another time.
                let delay = drain.mul_f64(fastrand::f64());
                leaves_at = Some(Instant::now() + drain + ViewerTiming::GRACE);
                let message = Viewer::leave(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
                outcome = send(&mut socket, &message, patience).await;
            }
            () = sleep_until(leaves_at.unwrap_or_else(Instant::now)), if leaves_at.is_some() => {
                let goodbye = frames::close(1001, "this server is going away");
                let _ = timeout(ViewerTiming::GRACE, write(&mut socket, &[goodbye], patience)).await;
                return;
            }
            () = sleep_until(hears_at), if !hears => {}
            read = read(&mut socket, &mut incoming), if hears => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
            message = viewer.next(site.clock) => {
                outcome = send(&mut socket, &message, patience).await;
                viewer.written(&message, (site.clock)());
            }
        }
    }
    if matches!(outcome, Err(Gone::Slow)) {
        viewer.closed_slow();
    }
}

/// What a viewer said.
enum Heard {
    Nothing,
    /// Which tiles it wants; done.
    Tiles,
    /// What must be answered.
    Ping(Bytes),
}

/// Takes the next of what a viewer has said, or tells with what it must be closed.
fn hear(incoming: &mut Incoming, viewer: &mut Viewer, now_us: i64) -> Result<Heard, Bytes> {
    match incoming.next().map_err(|(code, reason)| frames::close(code, reason))? {
        None => Ok(Heard::Nothing),
        Some(Said::Ping(payload)) => Ok(Heard::Ping(frames::pong(&payload))),
        Some(Said::Close) => Err(frames::close(1000, "")),
        Some(Said::Text(text)) => {
            let text = std::str::from_utf8(&text).map_err(|_| frames::close(1007, "the text is not UTF-8"))?;
            viewer.subscribe(text, now_us).map_err(|error| frames::close(1008, &error.to_string()))?;
            Ok(Heard::Tiles)
        }
    }
}

/// Waits for bytes of the viewer. Its buffer lives on the stack of one poll: a silent viewer holds none.
async fn read(socket: &mut (impl AsyncRead + Unpin), incoming: &mut Incoming) -> io::Result<usize> {
    poll_fn(|context| {
        let mut space = [0; 2048];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer))?;
        incoming.push(buffer.filled());
        std::task::Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

/// Says why it closes, and takes what the viewer still sends until it closes too: bytes that nobody read would make the
/// kernel break the connection off, and the reason might not arrive.
async fn part(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), goodbye: Bytes, patience: Duration) -> Result<(), Gone> {
    write(socket, &[goodbye], patience).await?;
    socket.shutdown().await.map_err(|_| Gone::Broken)?;
    let mut taken = Incoming::default();
    while matches!(read(socket, &mut taken).await, Ok(1..)) {
        taken = Incoming::default();
    }
    Ok(())
}

async fn send(socket: &mut (impl AsyncWrite + Unpin), message: &Message, patience: Duration) -> Result<(), Gone> {
    let mut pieces = Vec::with_capacity(message.pieces.len() + 1);
    pieces.push(frames::binary(message.len()));
    pieces.extend_from_slice(&message.pieces);
    write(socket, &pieces, patience).await
}

/// Writes pieces one after the other, as many at once as the socket takes.
async fn write(socket: &mut (impl AsyncWrite + Unpin), pieces: &[Bytes], patience: Duration) -> Result<(), Gone> {
    let (mut at, mut offset, mut taken) = (0, 0, 0);
    let mut deadline = Instant::now() + patience;
    while at < pieces.len() {
        let written = timeout_at(deadline, poll_fn(|context| poll_write(socket, context, &pieces[at..], offset))).await;
        let mut written = written.map_err(|_| Gone::Slow)?.map_err(|_| Gone::Broken)?;
        if written == 0 {
            return Err(Gone::Broken);
        }
        taken += written;
        if taken >= LEAST_BYTES {
            (taken, deadline) = (0, Instant::now() + patience);
        }
        while at < pieces.len() && written >= pieces[at].len() - offset {
            written -= pieces[at].len() - offset;
            (at, offset) = (at + 1, 0);
        }
        offset += written;
    }
    Ok(())
}

fn poll_write(
    socket: &mut (impl AsyncWrite + Unpin),
    context: &mut std::task::Context<'_>,
    pieces: &[Bytes],
    offset: usize,
) -> std::task::Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); MOST_PIECES];
    let (mut count, mut offered) = (0, 0);
    for (slice, piece) in slices.iter_mut().zip(pieces) {
        let part = &piece[if count == 0 { offset } else { 0 }..];
        let part = &part[..part.len().min(MOST_AT_A_TIME - offered)];
        *slice = IoSlice::new(part);
        (count, offered) = (count + 1, offered + part.len());
        if offered == MOST_AT_A_TIME {
            break;
        }
    }
    Pin::new(socket).poll_write_vectored(context, &slices[..count])
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use godwit_live::{Limits, Live};
    use godwit_pipeline::Pipeline;

    use super::*;

    const S: i64 = 1_000_000;

    /// Counts what the kernel would be asked.
    #[derive(Default)]
    struct Counting {
        writes: usize,
        bytes: Vec<u8>,
    }

    impl AsyncWrite for Counting {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(mut self: Pin<&mut Self>, _: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            self.writes += 1;
            let before = self.bytes.len();
            pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece));
            Poll::Ready(Ok(self.bytes.len() - before))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_tick_is_one_write_however_many_tiles_moved() {
        let live = Live::new(Limits { entities: 1000, age_us: 3600 * S, viewers: 1 }, S);
        let mut viewer = live.viewer().expect("room");
        // All of level 3.
        let tiles: Vec<String> = (0..8).flat_map(|x| (0..8).map(move |y| format!("[3,{x},{y}]"))).collect();
        viewer.subscribe(&format!(r#"{{"tiles":[{}]}}"#, tiles.join(",")), S).expect("tiles");
        let _ = viewer.news(S);
        let mut pipeline = Pipeline::default();
        for tick in 1..=2 {
            for column in 0..8 {
                for (row, latitude) in
                    ["8200.00N", "7300.00N", "5800.00N", "2200.00N", "2200.00S", "5800.00S", "7300.00S", "8200.00S"].iter().enumerate()
                {
                    let east = column * 45 - 160;
                    let side = if east < 0 { 'W' } else { 'E' };
                    let line = format!("S{column}{row}>APRS,qAR,I:!{latitude}/{:03}0{tick}.00{side}>", i32::abs(east));
                    live.apply(&pipeline.accept(tick * S, line.as_bytes()).changes);
                }
            }
            live.tick(tick * S, tick * S, 4);
        }
        let message = viewer.news(6 * S);
        assert_eq!(message.pieces.len(), 1 + 128 + 1, "the version, two deltas of each tile, a pulse");
        let mut socket = Counting::default();
        assert!(send(&mut socket, &message, Duration::from_secs(1)).await.is_ok());
        assert_eq!((socket.writes, socket.bytes.len()), (1, frames::binary(message.len()).len() + message.len()));
    }
}
