//! `godwit import`: files of packets into the store. Goes on where a broken-off import stopped; twice adds nothing.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    hash::{DefaultHasher, Hasher as _},
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ArgMatches;
use godwit_feed::file::FileReader;
use godwit_flow::now_us;
use godwit_pipeline::Pipeline;
use godwit_store::{ImportCounts, ImportPoint, Imported, ImportedLine, Store};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::{config::Settings, run};

/// Lines of a transaction.
const BATCH: usize = 2000;

/// Different lines without a time that are told apart in a file: 75 MB of memory.
const MOST_COUNTED: usize = 3_500_000;

/// What was read of a file, and what became of it.
#[derive(Debug, Default)]
struct Tally {
    bytes: u64,
    kept: ImportCounts,
    /// Lines over [`FileReader::LIMIT`].
    too_long: u64,
    /// Comments and empty lines.
    passed_over: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImportCounts { stored, duplicates, bad, already_there } = self.kept;
        let lines = stored + duplicates + bad + already_there + self.too_long;
        write!(
            f,
            "{lines} lines in {}: {stored} stored, {duplicates} duplicates, {bad} bad, {already_there} already there",
            HumanBytes(self.bytes)
        )?;
        if already_there > 0 {
            f.write_str(" (imported before, or a repeat of a line with the same time)")?;
        }
        if self.too_long > 0 {
            write!(f, ", {} skipped (longer than {} bytes)", self.too_long, FileReader::<&[u8]>::LIMIT)?;
        }
        if self.passed_over > 0 {
            write!(f, "; {} comments and empty lines", self.passed_over)?;
        }
        Ok(())
    }
}

pub(crate) fn import(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<()> {
    let runtime = run::runtime()?;
    let store = runtime.block_on(run::open(settings))?;
    let days = settings.whole("retention-days");
    let keep_before_us = if days == 0 { i64::MIN } else { now_us() - i64::try_from(days).unwrap_or(36_500) * 86_400_000_000 };
    for path in matches.get_many::<PathBuf>("files").into_iter().flatten() {
        let name = shown(path);
        let tally = one(path, &name, &*store, &runtime, keep_before_us).with_context(|| format!("{name} could not be imported in full"))?;
        println!("{name}: {tally}");
    }
    runtime.block_on(store.close())?;
    Ok(())
}

fn one(path: &Path, name: &str, store: &dyn Store, runtime: &tokio::runtime::Runtime, keep_before_us: i64) -> anyhow::Result<Tally> {
    let Opened { mut reader, file, mut occurrences, bar } = open(path, name, store, runtime)?;
    let (begin, started_us) = (reader.offset(), now_us());
    let mut pipeline = Pipeline::default();
    let mut tally = Tally::default();
    let mut lines_read = 0;
    loop {
        let mut batch = Imported { lines: Vec::with_capacity(BATCH), point: None, keep_before_us };
        let mut next_offset = begin;
        while batch.lines.len() < BATCH {
            let Some(line) = reader.next_line()? else {
                break;
            };
            next_offset = line.next_offset;
            let outcome = match line.received_at_us {
                Some(received_at_us) => pipeline.accept(received_at_us, &line.line),
                None => pipeline.accept_untimed(started_us, &line.line),
            };
            let timed = line.received_at_us.is_some();
            let occurrence = if timed { 1 } else { occurrences.next(&line.line) };
            batch.lines.push(ImportedLine { record: outcome.record, changes: outcome.changes, timed, occurrence });
        }
        if batch.lines.is_empty() {
            break;
        }
        if let Some((source, file)) = &file {
            batch.point = Some(ImportPoint::of(source.clone(), file, next_offset)?);
        }
        lines_read += batch.lines.len();
        bar.set_position(reader.offset());
        if file.is_none() {
            bar.set_message(format!("{name}: {lines_read} lines, {}", HumanBytes(reader.offset())));
        }
        let counts = runtime.block_on(store.append_imported(batch))?;
        tally.kept.stored += counts.stored;
        tally.kept.duplicates += counts.duplicates;
        tally.kept.bad += counts.bad;
        tally.kept.already_there += counts.already_there;
    }
    bar.finish_and_clear();
    Ok(Tally { bytes: reader.offset() - begin, too_long: reader.oversize(), passed_over: reader.passed_over(), ..tally })
}

/// What is imported.
struct Opened {
    reader: FileReader<Box<dyn BufRead>>,
    /// The full name and the file; `None` of standard input and pipes, which cannot be resumed.
    file: Option<(String, File)>,
    occurrences: Occurrences,
    bar: ProgressBar,
}

impl Opened {
    /// What has no offset to go on at.
    fn stream(source: Box<dyn BufRead>, name: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(name.to_owned());
        Self { reader: FileReader::new(source, 0), file: None, occurrences: Occurrences::default(), bar }
    }
}

/// Opens a file where its import stopped, if it still is that file: its name and the bytes that were read say so.
/// Standard input always begins at its beginning.
fn open(path: &Path, name: &str, store: &dyn Store, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Opened> {
    if path.as_os_str() == "-" {
        return Ok(Opened::stream(Box::new(io::stdin().lock()), name));
    }
    let mut file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
    if !file.metadata()?.is_file() {
        // A pipe, say.
        return Ok(Opened::stream(Box::new(BufReader::new(file)), name));
    }
    let length = file.metadata()?.len();
    let source = path.canonicalize()?.to_string_lossy().into_owned();
    let offset = match runtime.block_on(store.import_progress(&source))? {
        None => 0,
        // Of an earlier version: which file it was is not known. Reading it all adds nothing that is there.
        Some(point) if point.fingerprint.is_empty() => 0,
        Some(point) if point.next_offset > length || ImportPoint::of(source.clone(), &file, point.next_offset)? != point => {
            println!("{name}: another file than the one imported under this name before; all of it is read");
            0
        }
        Some(point) if point.next_offset == length => {
            println!("{name}: all of it was imported before; it is read once more");
            0
        }
        Some(point) => {
            println!("{name}: goes on at byte {} of {length}; what is before was imported earlier", point.next_offset);
            point.next_offset
        }
    };
    let occurrences = Occurrences::before(&file, offset)?;
    file.seek(SeekFrom::Start(offset))?;
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style).with_message(name.to_owned());
    let reader = FileReader::new(Box::new(BufReader::with_capacity(1 << 16, file.try_clone()?)) as Box<dyn BufRead>, offset);
    Ok(Opened { reader, file: Some((source, file)), occurrences, bar })
}

/// How often each line without a time stood in a file so far. A line that is repeated in a file was received as often, and
/// is kept as often; importing the file again finds each of them kept. Bound: [`MOST_COUNTED`] different lines; repeats
/// of lines beyond count as the same line.
#[derive(Default)]
struct Occurrences(HashMap<u64, u32>);

impl Occurrences {
    /// After what was imported of a file earlier.
    fn before(file: &File, offset: u64) -> io::Result<Self> {
        let mut occurrences = Self::default();
        if offset > 0 {
            let mut source = file.try_clone()?;
            source.seek(SeekFrom::Start(0))?;
            let mut reader = FileReader::new(BufReader::with_capacity(1 << 16, source.take(offset)), 0);
            while let Some(line) = reader.next_line()? {
                if line.received_at_us.is_none() {
                    occurrences.next(&line.line);
                }
            }
        }
        Ok(occurrences)
    }

    /// Counts a line; which one of its equals it is, from 1.
    fn next(&mut self, line: &[u8]) -> u32 {
        let mut hash = DefaultHasher::new();
        hash.write(line);
        let hash = hash.finish();
        if let Some(count) = self.0.get_mut(&hash) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.0.len() < MOST_COUNTED {
            self.0.insert(hash, 1);
        }
        1
    }
}

/// A file's name as it is shown: what would move the cursor or turn the direction of the text is escaped.
fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    let mut name = String::new();
    for char in path.to_string_lossy().chars() {
        if matches!(char, '"' | '\'' | '\\') {
            name.push(char);
        } else {
            name.extend(char.escape_debug());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_hide_what_they_are() {
        let name = shown(Path::new("it's \u{1b}[2Ja \u{202e}gol.txt\n\u{e9}"));
        assert_eq!(name, "it's \\u{1b}[2Ja \\u{202e}gol.txt\\n\u{e9}");
        assert_eq!(shown(Path::new("-")), "standard input");
    }

    #[test]
    fn equal_lines_are_counted_on_from_what_was_read_before() {
        let mut file = tempfile::tempfile().expect("file");
        io::Write::write_all(&mut file, b"A1B>APRS:>x\nA1B>APRS:>y\n# no\nA1B>APRS:>x\nA1B>APRS:>x\n").expect("written");
        let mut occurrences = Occurrences::before(&file, 24 + 5 + 12).expect("read");
        assert_eq!(occurrences.next(b"A1B>APRS:>x"), 3);
        assert_eq!(occurrences.next(b"A1B>APRS:>y"), 2);
        assert_eq!(occurrences.next(b"A1B>APRS:>z"), 1);
    }
}
