//! `godwit archive` and `godwit restore`: days into the archive and back.

use anyhow::Context as _;
use clap::ArgMatches;
use godwit_store::{archive::Archive, day_name, day_number};

use crate::{config::Settings, jobs, run};

fn open(settings: &Settings) -> anyhow::Result<Archive> {
    let address = settings
        .get("archive")
        .context("no archive is named\n\n  hint: add --archive with a folder, or s3://BUCKET/PREFIX (docs/archive.md)")?;
    Ok(Archive::open(address, run::data(settings))?)
}

fn day(matches: &ArgMatches) -> anyhow::Result<Option<i64>> {
    let Some(name) = matches.get_one::<String>("day") else { return Ok(None) };
    let number =
        day_number(name).with_context(|| format!("\"{}\" is not a day\n\n  hint: write it as 2026-11-23 (UTC)", name.escape_debug()))?;
    Ok(Some(number))
}

/// `godwit archive [DAY]`.
pub(crate) fn archive(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let (archive, wanted) = (open(settings)?, day(matches)?);
    run::runtime()?.block_on(async {
        let store = run::open(settings).await?;
        let Some(number) = wanted else {
            println!("{}", jobs::archive::run(&*store, &archive).await?);
            return Ok(store.close().await?);
        };
        let state = store.days().await?.into_iter().find(|state| state.day == number && state.packets > 0);
        let state = state.with_context(|| format!("the store has nothing of {}", day_name(number)))?;
        let done = archive.store(&*store, &state).await?;
        println!("{}: {} packets, {} bytes, read back and compared, checksum {}", done.at, done.rows, done.bytes, done.checksum);
        Ok(store.close().await?)
    })
}

/// `godwit restore DAY`.
pub(crate) fn restore(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let (archive, wanted) = (open(settings)?, day(matches)?.context("no day is given")?);
    run::runtime()?.block_on(async {
        let store = run::open(settings).await?;
        let (rows, missing) = archive.restore(&*store, wanted).await?;
        println!("{}: {rows} packets in the archive, {missing} of them were missing and are back", day_name(wanted));
        Ok(store.close().await?)
    })
}
