//! The table of devices (which radio or program has which tocall) from the net: fetched by one replica, kept in the
//! store for all.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use godwit_flow::{Breaker, BreakerConfig, Stop};
use godwit_packet::DeviceDatabase;
use godwit_store::JobTable;
use godwit_web::Devices;
use tokio::time::sleep;
use url::Url;

use crate::outbound;

/// What it is kept as.
const NAME: &str = "devices";

/// The table has some 100 kB; more than this is something else.
const MOST: usize = 4 << 20;

/// Fewer entries than this are not the table.
const LEAST: usize = 100;

/// How often a replica looks for what another one fetched.
const LOOK: Duration = Duration::from_secs(600);

/// Where the table comes from.
pub(crate) struct Fetch {
    url: Url,
    client: reqwest::Client,
    pub(crate) breaker: Breaker,
}

impl Fetch {
    /// Nothing is asked yet. Where it may be asked is in [`crate::outbound`].
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let url = outbound::check(url).map_err(|why| anyhow::anyhow!("devices-url {why}"))?;
        Ok(Self { client: outbound::client(&url)?, url, breaker: Breaker::new(BreakerConfig::default()) })
    }

    /// Fetches the table, and keeps it if it is one.
    pub(crate) async fn run(&self, table: &dyn JobTable) -> anyhow::Result<String> {
        let permit = self.breaker.ask(Instant::now()).map_err(|refused| {
            anyhow::anyhow!("{} failed repeatedly and is asked again in {} s", self.url, refused.retry_in.as_secs() + 1)
        })?;
        let got = self.get().await;
        self.breaker.report(permit, got.is_ok(), Instant::now());
        let text = got.with_context(|| format!("{} did not give the table of devices", self.url))?;
        let devices = read(text.as_bytes()).with_context(|| format!("{} is not the table of devices", self.url))?;
        table.keep(NAME, text.as_bytes()).await?;
        Ok(format!("{} devices", devices.len()))
    }

    async fn get(&self) -> anyhow::Result<String> {
        let mut answer = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await? {
            anyhow::ensure!(bytes.len() + part.len() <= MOST, "it is longer than {MOST} bytes");
            bytes.extend_from_slice(&part);
        }
        Ok(String::from_utf8(bytes)?)
    }
}

fn read(bytes: &[u8]) -> anyhow::Result<DeviceDatabase> {
    let devices = DeviceDatabase::from_json(std::str::from_utf8(bytes)?)?;
    anyhow::ensure!(devices.len() >= LEAST, "it has only {} entries", devices.len());
    Ok(devices)
}

/// Takes over what was fetched, by whichever replica, now and later.
pub(crate) async fn load(table: Arc<dyn JobTable>, devices: Devices, stop: Stop) {
    let mut known_us = 0;
    loop {
        match table.kept(NAME, known_us).await {
            Ok(Some((at_us, bytes))) => {
                known_us = at_us;
                match read(&bytes) {
                    Ok(newer) => {
                        tracing::info!(devices = newer.len(), "a newer table of devices is in use");
                        devices.set(newer);
                    }
                    Err(error) => tracing::warn!("the table of devices in the store cannot be read: {error:#}"),
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "no table of devices from the store"),
        }
        if stop.or(sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "devices_test.rs"]
mod tests;
