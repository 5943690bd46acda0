//! `godwit import`: files of packets into the store. Goes on where a broken-off import stopped; twice adds nothing.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ArgMatches;
use godwit_feed::file::FileReader;
use godwit_flow::now_us;
use godwit_pipeline::{Pipeline, Verdict};
use godwit_store::{Imported, Store};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{config::Settings, run};

/// Lines of a transaction.
const BATCH: usize = 2000;

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    lines: u64,
    stored: u64,
    already_there: u64,
    duplicates: u64,
    bad: u64,
}

pub(crate) fn import(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let runtime = run::runtime()?;
    let store = runtime.block_on(run::open(settings))?;
    let days = settings.whole("retention-days");
    let keep_before_us = if days == 0 { i64::MIN } else { now_us() - i64::try_from(days).unwrap_or(36_500) * 86_400_000_000 };
    for path in matches.get_many::<PathBuf>("files").into_iter().flatten() {
        let tally =
            one(path, &*store, &runtime, keep_before_us).with_context(|| format!("{} could not be imported in full", path.display()))?;
        println!(
            "{}: {} lines: {} stored ({} of them bad packets), {} duplicates, {} there before",
            path.display(),
            tally.lines,
            tally.stored,
            tally.bad,
            tally.duplicates,
            tally.already_there
        );
    }
    runtime.block_on(store.close())?;
    Ok(())
}

fn one(path: &Path, store: &dyn Store, runtime: &tokio::runtime::Runtime, keep_before_us: i64) -> anyhow::Result<Tally> {
    let (source, reader, bar) = open(path, store, runtime)?;
    let (mut reader, started_us) = (reader, now_us());
    let mut pipeline = Pipeline::default();
    let mut tally = Tally::default();
    loop {
        let mut batch = Imported { lines: Vec::with_capacity(BATCH), source: source.clone(), next_offset: 0, keep_before_us };
        let mut duplicates = 0;
        while batch.lines.len() < BATCH {
            let Some(line) = reader.next_line()? else {
                break;
            };
            batch.next_offset = line.next_offset;
            tally.lines += 1;
            let outcome = match line.received_at_us {
                Some(received_at_us) => pipeline.accept(received_at_us, &line.line),
                None => pipeline.accept_untimed(started_us, &line.line),
            };
            match outcome.record.verdict {
                Verdict::Duplicate => duplicates += 1,
                Verdict::Bad(_) => tally.bad += 1,
                Verdict::Accepted | Verdict::Implausible(_) => {}
            }
            batch.lines.push((outcome.record, outcome.changes, line.received_at_us.is_some()));
        }
        if batch.lines.is_empty() {
            break;
        }
        bar.set_position(batch.next_offset);
        let appended = runtime.block_on(store.append_imported(batch))?;
        tally.stored += appended.stored;
        tally.already_there += appended.already_there;
        tally.duplicates += duplicates;
    }
    bar.finish_and_clear();
    Ok(tally)
}

/// What the import is known by, its lines, and how far it is.
type Opened = (String, FileReader<Box<dyn BufRead>>, ProgressBar);

/// Opens a file where its import stopped. A file is known by its full name and first bytes; standard input always
/// begins at its beginning.
fn open(path: &Path, store: &dyn Store, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Opened> {
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    if path.as_os_str() == "-" {
        let bar = ProgressBar::new_spinner().with_message("standard input");
        return Ok(("-".to_owned(), FileReader::new(Box::new(io::stdin().lock()), 0), bar));
    }
    let mut file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let length = file.metadata()?.len();
    let source = path.canonicalize()?.to_string_lossy().into_owned();
    // A file that has become shorter is another one.
    let offset = runtime.block_on(store.import_progress(&source))?;
    let offset = if offset < length { offset } else { 0 };
    file.seek(SeekFrom::Start(offset))?;
    let bar = ProgressBar::new(length).with_style(style).with_message(path.display().to_string());
    Ok((source, FileReader::new(Box::new(BufReader::with_capacity(1 << 16, file)), offset), bar))
}
