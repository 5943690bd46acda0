//! A copy of the embedded store, taken while it is written to.
//!
//! The copy is a folder that is itself a store: `--data` may name it. The main file is copied first and the days after
//! it. A batch goes into its day first and then into the main file, so the days copied are never older than the latest
//! state copied, and opening the copy applies what is newer, as after a crash.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{StoreError, sqlite::open_for_reading};

/// Why there is no backup. What was written of it is removed again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is ever overwritten.
    #[error("{0} is already there; a backup never overwrites\n\n  hint: give another name, such as one with today's date")]
    Exists(PathBuf),
    /// There is no store.
    #[error("{0} holds no godwit.sqlite, so there is nothing to back up\n\n  hint: name the data folder with --data")]
    NoStore(PathBuf),
    /// What was written is not what was read.
    #[error("the copy {path} is not good: {why}\n\n  hint: check the disk that the backup goes to, then try again")]
    Differs {
        /// The file of the copy.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The place for it cannot be written.
    #[error("{path} cannot be written: {error}\n\n  hint: choose a place where this user may write and that has room")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Packets of all days.
    pub packets: u64,
}

/// Copies the store in `folder` to the new folder `to`, whether or not a process has it open. `step` is told each file
/// before it is copied.
///
/// # Errors
/// `to` is there already, there is no store, or something cannot be read or written; then `to` is not there.
pub fn backup(folder: &Path, to: &Path, mut step: impl FnMut(&Path)) -> Result<BackedUp, BackupError> {
    if !folder.join("godwit.sqlite").is_file() {
        return Err(BackupError::NoStore(folder.to_owned()));
    }
    // It gets its name when it is whole.
    let unfinished = PathBuf::from(format!("{}.unfinished", to.display()));
    for path in [to, &unfinished] {
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
    }
    fs::create_dir(&unfinished).map_err(|error| write(&unfinished, error))?;
    let copied = fill(folder, &unfinished, &mut step).and_then(|done| {
        fs::rename(&unfinished, to).map_err(|error| write(to, error))?;
        sync(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        Ok(done)
    });
    if copied.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    copied
}

fn fill(folder: &Path, copy: &Path, step: &mut impl FnMut(&Path)) -> Result<BackedUp, BackupError> {
    let mut done = BackedUp::default();
    let days = copy.join("packets");
    fs::create_dir(&days).map_err(|error| write(&days, error))?;
    // "godwit.sqlite" before all others; that order is what makes the copy consistent.
    let main = folder.join("godwit.sqlite");
    let mut files = databases(folder)?;
    files.sort_by_key(|path| *path != main);
    files.extend(databases(&folder.join("packets"))?);
    for file in files {
        step(&file);
        let inside = file.strip_prefix(folder).unwrap_or(&file);
        let target = copy.join(inside);
        // A day that retention drops while we copy was over its time.
        if !file.exists() {
            continue;
        }
        copy_database(&file, &target)?;
        done.packets += check(&file, &target)?;
        done.bytes += sync(&target)?;
        done.files += 1;
    }
    sync(&days)?;
    sync(copy)?;
    Ok(done)
}

/// The SQLite files in a folder, by name.
fn databases(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(folder).map_err(|error| StoreError::folder(folder, &error))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "sqlite")).collect();
    files.sort();
    Ok(files)
}

/// One read transaction, so one moment of the file; readers do not hold up the writer.
fn copy_database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let connection = open_for_reading(from)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(|error| StoreError::sqlite(from, &error))?;
    Ok(())
}

/// Reads the copy again: whole, of the same version, and with as many packets as its own counters say. Returns how many.
fn check(from: &Path, copy: &Path) -> Result<u64, BackupError> {
    let bad = |why: String| BackupError::Differs { path: copy.to_owned(), why };
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let wanted = version(&open_for_reading(from)?).map_err(|error| StoreError::sqlite(from, &error))?;
    let connection = open_for_reading(copy)?;
    let read = || {
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let is_day = connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'packet'", [], |row| row.get::<_, i64>(0))? == 1;
        let counts = if is_day {
            let sql = "SELECT (SELECT count(*) FROM packet), (SELECT coalesce(sum(value), 0) FROM counter
                       WHERE key IN ('accepted', 'duplicate', 'implausible', 'bad'))";
            connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?
        } else {
            (0, 0)
        };
        Ok::<_, rusqlite::Error>((verdict, version(&connection)?, counts))
    };
    let (verdict, found, (rows, counted)) = read().map_err(|error| bad(error.to_string()))?;
    if verdict != "ok" {
        return Err(bad(verdict));
    }
    if found != wanted {
        return Err(bad(format!("layout version {found} instead of {wanted}")));
    }
    if rows != counted {
        return Err(bad(format!("{rows} packets where {counted} are counted")));
    }
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// Waits until a file or folder is on the disk; returns its size.
fn sync(path: &Path) -> Result<u64, BackupError> {
    let synced = || {
        let file = File::open(path)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    synced().map_err(|error| write(path, error))
}

fn write(path: &Path, error: io::Error) -> BackupError {
    BackupError::Write { path: path.to_owned(), error }
}
