//! The process: its signals, its panics, its groups of tasks, and the deadline of its end.

use std::{
    future::Future,
    panic,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use godwit_flow::{Stopper, Tasks, panic_message};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end in order: SIGINT, SIGTERM, SIGQUIT.
    End,
    /// To read the configuration again: SIGHUP.
    Reload,
}

/// The signals that a supervisor, a terminal or a log rotation sends. None of them kills the process.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            quit: listen(SignalKind::quit())?,
            hangup: listen(SignalKind::hangup())?,
            user1: listen(SignalKind::user_defined1())?,
            user2: listen(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next signal that asks for something.
    pub(crate) async fn next(&mut self) -> Asked {
        loop {
            let ignored = tokio::select! {
                _ = self.interrupt.recv() => return Asked::End,
                _ = self.terminate.recv() => return Asked::End,
                _ = self.quit.recv() => return Asked::End,
                _ = self.hangup.recv() => return Asked::Reload,
                _ = self.user1.recv() => "SIGUSR1",
                _ = self.user2.recv() => "SIGUSR2",
            };
            tracing::info!("{ignored} is ignored: it has no meaning here");
        }
    }

    /// Waits until the end is asked for; other signals change nothing.
    pub(crate) async fn end(&mut self) {
        while self.next().await != Asked::End {
            tracing::info!("SIGHUP is ignored: the program is starting or ending");
        }
    }
}

/// Makes each panic one line of the log, with its place.
pub(crate) fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("?").to_owned();
        let trace = std::backtrace::Backtrace::capture();
        // Without RUST_BACKTRACE there is none.
        let trace = if trace.status() == std::backtrace::BacktraceStatus::Captured { format!(" {trace}") } else { String::new() };
        tracing::error!(place, thread, "panicked: {}{trace}", panic_message(info.payload()));
    }));
}

/// The tasks of the program in groups that end one after the other.
#[derive(Debug)]
pub(crate) struct Stoppers {
    /// Live viewers; they are asked to go elsewhere while everything goes on.
    pub(crate) viewers: Stopper,
    /// Feed and intake.
    pub(crate) sources: Stopper,
    /// Keeper and publisher: they take from the intake and end when it has ended.
    pub(crate) keepers: Stopper,
    /// The lease; it is given back when everything is kept.
    pub(crate) lease: Stopper,
    /// The rest: the site and what it shows.
    pub(crate) tasks: Stopper,
    /// All essential tasks of these groups.
    pub(crate) watched: Tasks,
}

impl Stoppers {
    pub(crate) fn new(watched: Tasks) -> Self {
        let [viewers, sources, keepers, lease, tasks] = std::array::from_fn(|_| Stopper::new(watched.clone()));
        Self { viewers, sources, keepers, lease, tasks, watched }
    }

    /// Keeps one end of a channel until the sources are told to end, so that the task at the other end does not end
    /// with an intake that fails.
    pub(crate) fn hold<T: Send + 'static>(&self, end: T) {
        let stop = self.sources.stop();
        self.sources.spawn(async move {
            stop.wanted().await;
            drop(end);
        });
    }
}

/// How long after the deadline the process is ended even if no task can run any more.
const WATCHDOG: Duration = Duration::from_secs(2);

/// The end of the program: all its steps share one deadline.
#[derive(Debug)]
pub(crate) struct Ending {
    within: Duration,
    until: Instant,
    /// Steps before which packets may wait in memory, and which did not end in time.
    unstored: Vec<&'static str>,
}

impl Ending {
    /// Begins the end. If the runtime itself hangs, a thread of its own ends the process soon after the deadline.
    pub(crate) fn begin(within: Duration) -> Self {
        let watchdog = std::thread::Builder::new().name("end".to_owned()).spawn(move || {
            std::thread::sleep(within + WATCHDOG);
            tracing::error!("the end took longer than {} s and no task runs any more: the process is ended", within.as_secs());
            std::process::exit(1);
        });
        if let Err(error) = watchdog {
            tracing::warn!(%error, "the end has no watchdog");
        }
        Self { within, until: Instant::now() + within, unstored: Vec::new() }
    }

    /// The time until the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Waits for a step, at most this part of the time that is left; `None`, and a line in the log, if it takes longer.
    /// The parts leave time for the steps after a step that hangs.
    pub(crate) async fn step<T>(&mut self, name: &'static str, part: f64, step: impl Future<Output = T>) -> Option<T> {
        let ended = timeout(self.left().mul_f64(part), step).await.ok();
        if ended.is_none() {
            tracing::error!("the end does not wait any longer for: {name}");
        }
        ended
    }

    /// Ends a group of tasks within a part of the time that is left. What hangs is named in the log.
    pub(crate) async fn group(&mut self, name: &'static str, part: f64, group: &Stopper) -> bool {
        let ended = group.finish(self.left().mul_f64(part)).await;
        if !ended {
            tracing::error!(running = group.running().join(", "), "the end does not wait any longer for: {name}");
        }
        ended
    }

    /// As [`Ending::group`], for tasks that may hold packets.
    pub(crate) async fn storing(&mut self, name: &'static str, part: f64, group: &Stopper) {
        if !self.group(name, part, group).await {
            self.unstored.push(name);
        }
    }

    /// What went wrong for the packets, one sentence; `lost` packets were given up during the end.
    pub(crate) fn verdict(&self, lost: u64) -> anyhow::Result<()> {
        anyhow::ensure!(
            lost == 0,
            "{lost} packets could not be stored before the end and are lost\n\n  hint: the log says which file could not be written; see that before the next start"
        );
        if !self.unstored.is_empty() {
            anyhow::bail!(
                "the end took longer than {} s ({} did not end): packets that were received last may not be stored",
                self.within.as_secs(),
                self.unstored.join(", ")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_hangs_leaves_time_for_the_steps_after_it_and_is_told() {
        let (hangs, ends) = (Stopper::default(), Stopper::default());
        hangs.essential("deaf", std::future::pending());
        let stop = ends.stop();
        ends.essential("good", async move { stop.wanted().await });
        let mut ending = Ending { within: Duration::from_secs(4), until: Instant::now() + Duration::from_secs(4), unstored: Vec::new() };
        assert!(ending.verdict(0).is_ok());
        assert!(ending.step("viewers", 0.5, std::future::pending::<()>()).await.is_none());
        ending.storing("sources", 0.3, &hangs).await;
        ending.storing("keepers", 0.7, &ends).await;
        let told = ending.verdict(0).expect_err("sources hang").to_string();
        assert!(told.contains("4 s (sources did not end)"), "{told}");
        ending.unstored.clear();
        assert!(ending.verdict(3).expect_err("lost").to_string().starts_with("3 packets"));
    }
}
