//! What can go wrong, said so that an operator knows what to do.

use std::path::{Path, PathBuf};

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error(
        "the data folder {path} cannot be used: {why}\n\n  hint: choose another with --data, or give this user the right to write there"
    )]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Another process has it.
    #[error("the data folder {0} is in use by another godwit\n\n  hint: stop that one, or choose another folder with --data")]
    InUse(PathBuf),
    /// Written by a newer version.
    #[error(
        "{path} has layout version {found}, newer than this program knows ({known})\n\n  hint: run the newer version of godwit; nothing was changed"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file is damaged or not ours.
    #[error(
        "{path} is damaged or not a godwit file: {why}\n\n  hint: move it away and start again, or restore a backup; nothing was changed"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The disk is full.
    #[error("no space left on the disk of {0}\n\n  hint: make room, or keep fewer days with --retention-days")]
    Full(PathBuf),
    /// Anything else the engine says.
    #[error("{path}: {why}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn folder(path: &Path, error: &std::io::Error) -> Self {
        Self::Folder { path: path.to_owned(), why: error.to_string() }
    }

    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly};
        let (path, why) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged { path, why },
            Some(DiskFull) => Self::Full(path),
            Some(CannotOpen | PermissionDenied | ReadOnly) => Self::Folder { path, why },
            _ => Self::Engine { path, why },
        }
    }
}
