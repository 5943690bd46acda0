//! `godwit simulate`, and the simulator inside `godwit serve --demo`.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use godwit_flow::{Stopper, now_us};
use godwit_simulator::{Server, Simulator, SimulatorConfig};
use tokio::net::TcpListener;

use crate::{config::Settings, run};

/// The ports that APRS-IS servers listen on for clients with a filter.
const DEFAULT: &str = "127.0.0.1:14580";

pub(crate) fn simulate(settings: &Settings) -> anyhow::Result<()> {
    run::runtime()?.block_on(async {
        let mut signals = run::Signals::new()?;
        let stopper = Stopper::default();
        let listen = settings.get("listen").filter(|_| settings.is_set("listen")).unwrap_or(DEFAULT);
        let address = start(settings, listen, &stopper).await?;
        println!("godwit {} simulates APRS-IS on {address}", env!("CARGO_PKG_VERSION"));
        signals.wanted().await;
        stopper.finish(Duration::from_secs(5)).await;
        Ok(())
    })
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
    stopper.spawn(async move {
        Server::new(Simulator::new(&config)).run(listener, stop).await;
    });
    Ok(address)
}
