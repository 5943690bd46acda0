//! The socket of a connection, and where the connection stands: what it waits for, and since when.
//!
//! A connection has one timer, which goes by [`Progress`]. A request writes a time a few times and sets no timer: that
//! happens only when a time comes that is earlier than the one the timer is set to.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{
    Timing,
    bounds::{Place, Taken},
};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of its first request.
    New,
    /// The first byte of its next request.
    Idle,
    /// The rest of a header.
    Head,
    /// The answer, until the last byte of it is with the kernel.
    Answer,
}

const PHASES: [Phase; 4] = [Phase::New, Phase::Idle, Phase::Head, Phase::Answer];

/// Why a connection is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No header came, or not all of one.
    Head,
    /// No further request came.
    Idle,
    /// The client did not read.
    Write,
}

/// Where a connection stands. Its parts are all polled by one task; the atomics only satisfy the compiler.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    phase: AtomicU8,
    since_ms: AtomicU64,
    /// Since when a write waits for room; 0: none does.
    blocked_ms: AtomicU64,
    /// The body of the answer has been handed over for writing.
    body_over: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        let (phase, none) = (AtomicU8::new(Phase::New as u8), AtomicU64::new(0));
        Arc::new(Self { began: Instant::now(), phase, since_ms: none, blocked_ms: AtomicU64::new(0), body_over: AtomicBool::new(false) })
    }

    fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.since_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// At least 1, so that 0 can stand for "never".
    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// A request has come as a whole.
    pub(super) fn asked(&self) {
        self.body_over.store(false, Ordering::Relaxed);
        self.enter(Phase::Answer);
    }

    /// Nothing of the body is left to be handed over.
    pub(super) fn body_over(&self) {
        self.body_over.store(true, Ordering::Relaxed);
    }

    /// Whether a request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.phase() == Phase::Answer
    }

    fn read(&self) {
        if matches!(self.phase(), Phase::New | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    fn wrote<T>(&self, written: &Poll<io::Result<T>>) {
        match written {
            Poll::Ready(_) => self.blocked_ms.store(0, Ordering::Relaxed),
            Poll::Pending if self.blocked_ms.load(Ordering::Relaxed) == 0 => self.blocked_ms.store(self.now_ms(), Ordering::Relaxed),
            Poll::Pending => {}
        }
    }

    fn flushed(&self) {
        if self.is_answering() && self.body_over.load(Ordering::Relaxed) {
            self.enter(Phase::Idle);
        }
    }

    /// When the connection is to be closed if nothing happens, and why.
    pub(super) fn due(&self, timing: &Timing) -> Option<(Instant, Overdue)> {
        let after = |since_ms: &AtomicU64, wait: Duration| self.began + Duration::from_millis(since_ms.load(Ordering::Relaxed)) + wait;
        let waiting = match self.phase() {
            Phase::New | Phase::Head => Some((after(&self.since_ms, timing.head), Overdue::Head)),
            Phase::Idle => Some((after(&self.since_ms, timing.idle), Overdue::Idle)),
            Phase::Answer => None,
        };
        let blocked = self.blocked_ms.load(Ordering::Relaxed) != 0;
        let writing = blocked.then(|| (after(&self.blocked_ms, timing.write), Overdue::Write));
        [waiting, writing].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

/// What a connection holds of the bounds, until it is closed.
#[derive(Debug)]
pub(crate) struct Places {
    pub(super) _of_all: Taken,
    pub(super) _of_client: Option<Place>,
}

/// A socket whose reads and writes are noted.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) progress: Arc<Progress>,
    pub(super) places: Places,
}

impl Socket {
    /// The bare socket, after an upgrade; the places are to be kept as long as it is.
    pub(crate) fn into_parts(self) -> (TcpStream, Places) {
        (self.stream, self.places)
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.progress.read();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress.wrote(&written);
        written
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.progress.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.progress.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_own_time() {
        let second = Duration::from_secs(1);
        let timing = Timing { head: 10 * second, idle: 75 * second, write: 30 * second, ..Timing::default() };
        let mut progress = Arc::into_inner(Progress::new()).expect("ours alone");
        let due = |progress: &Progress| progress.due(&timing).map(|(at, why)| ((at - progress.began).as_secs(), why));
        // Time passes by moving the beginning back.
        let pass = |progress: &mut Progress, seconds: u32| progress.began -= seconds * second;
        assert_eq!(due(&progress), Some((10, Overdue::Head)), "nothing was said yet");
        pass(&mut progress, 5);
        progress.read();
        assert_eq!(due(&progress), Some((15, Overdue::Head)), "a header has begun");
        pass(&mut progress, 1);
        progress.read();
        assert_eq!(due(&progress), Some((15, Overdue::Head)), "a header that trickles in has no more time");
        progress.asked();
        assert_eq!(due(&progress), None, "an answer is made");
        progress.wrote::<()>(&Poll::Pending);
        pass(&mut progress, 20);
        progress.wrote::<()>(&Poll::Pending);
        assert_eq!(due(&progress), Some((36, Overdue::Write)), "it waits since the first write that found no room");
        progress.wrote(&Poll::Ready(Ok(1)));
        progress.flushed();
        assert_eq!(due(&progress), None, "a part is written, the rest is still to come");
        progress.body_over();
        progress.flushed();
        assert_eq!(due(&progress), Some((26 + 75, Overdue::Idle)));
        progress.read();
        assert_eq!(due(&progress), Some((26 + 10, Overdue::Head)), "the next request");
    }
}
