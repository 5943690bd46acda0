//! `godwit slowest`: what the database spends its time on.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use godwit_store::{PostgresConfig, PostgresStore, StatementFigures, Store as _};

use crate::{config::Settings, database, run::runtime};

/// Statements shown.
const SHOWN: usize = 20;

pub(crate) fn slowest(settings: &Settings) -> anyhow::Result<()> {
    let config = database::config(settings).context("this is about PostgreSQL\n\n  hint: give its URL with --database-url")?;
    let found = runtime()?.block_on(async {
        let store = PostgresStore::open(&PostgresConfig { migrate: false, write_pool: 1, read_pool: 1, ..config }).await?;
        let found = store.slowest_statements(SHOWN).await;
        store.close().await?;
        found
    })?;
    let Some(statements) = found else {
        bail!(
            "the database does not measure its statements\n\n  hint: put pg_stat_statements into shared_preload_libraries of its \
             configuration, start it again, and in this database as its superuser: CREATE EXTENSION pg_stat_statements"
        );
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:>10} {:>10} {:>10} {:>10} {:>12}  statement", "total s", "calls", "mean ms", "longest ms", "rows")?;
    for StatementFigures { statement, calls, total_ms, mean_ms, longest_ms, rows } in statements {
        writeln!(out, "{:>10.1} {calls:>10} {mean_ms:>10.2} {longest_ms:>10.1} {rows:>12}  {statement}", total_ms / 1e3)?;
    }
    Ok(())
}
