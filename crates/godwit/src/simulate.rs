//! `godwit simulate`, and the simulator inside `godwit serve --demo`.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use godwit_flow::{Stopper, Tasks, now_us};
use godwit_simulator::{Server, Simulator, SimulatorConfig};
use tokio::net::TcpListener;

use crate::{
    config::Settings,
    process::{Asked, Signals},
    run,
};

/// The ports that APRS-IS servers listen on for clients with a filter.
const DEFAULT: &str = "127.0.0.1:14580";

/// Runs until it is told to end. SIGHUP calls `reload`, which sets what is logged; nothing else changes.
pub(crate) fn simulate(settings: &Settings, reload: &dyn Fn() -> anyhow::Result<Settings>) -> anyhow::Result<()> {
    run::runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let watched = Tasks::default();
        let stopper = Stopper::new(watched.clone());
        let listen = settings.get("listen").filter(|_| settings.is_set("listen")).unwrap_or(DEFAULT);
        let address = start(settings, listen, &stopper).await?;
        println!("godwit {} simulates APRS-IS on {address}", env!("CARGO_PKG_VERSION"));
        let failure = tokio::select! {
            () = reloading(&mut signals, reload) => None,
            failure = watched.failure() => Some(failure),
        };
        watched.begin_end();
        stopper.finish(Duration::from_secs(5)).await;
        match failure {
            Some(failure) => anyhow::bail!("the task {} has failed ({})", failure.task, failure.why),
            None => Ok(()),
        }
    })
}

/// Reads the configuration again on SIGHUP until the end is asked for.
async fn reloading(signals: &mut Signals, reload: &dyn Fn() -> anyhow::Result<Settings>) {
    while signals.next().await == Asked::Reload {
        match reload() {
            Ok(_) => tracing::info!("SIGHUP: the log follows the configuration as it is now"),
            Err(error) => tracing::error!("SIGHUP: the configuration is left as it was: {error:#}"),
        }
    }
}

/// Starts a simulator; returns where it listens.
pub(crate) async fn start(settings: &Settings, listen: &str, stopper: &Stopper) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}\n\n  hint: choose another address with --listen HOST:PORT"))?;
    let address = listener.local_addr()?;
    let config = SimulatorConfig {
        seed: settings.whole("seed"),
        stations: usize::try_from(settings.whole("stations")).unwrap_or(20_000),
        rate: settings.number("rate"),
        start_us: now_us(),
    };
    let stop = stopper.stop();
    stopper.essential("simulator", async move {
        Server::new(Simulator::new(&config)).run(listener, stop).await;
    });
    Ok(address)
}
