//! `godwit backup`: a copy of the embedded store, taken while it runs.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::config::Settings;

pub(crate) fn backup(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    if settings.get("database-url").is_some() {
        anyhow::bail!(
            "database-url is set, and a backup of PostgreSQL is its own tools' work\n\n  hint: pg_dump --format=custom --file=godwit.dump \
             \"$GODWIT_DATABASE_URL\" is consistent while godwit runs; pg_restore brings it back; leave database-url out to copy the \
             folder named by --data"
        );
    }
    let folder = Path::new(settings.get("data").unwrap_or("data"));
    let Some(target) = matches.get_one::<PathBuf>("target") else {
        anyhow::bail!("no name for the backup is given");
    };
    let done = godwit_store::backup(folder, target, |file| tracing::info!(file = %file.display(), "copying"))?;
    println!(
        "{}: {} files, {} packets, {} bytes, checked; to use it: godwit serve --data {}",
        target.display(),
        done.files,
        done.packets,
        done.bytes,
        target.display()
    );
    Ok(())
}
