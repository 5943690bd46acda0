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
    /// The disk fails, or is too full for what SQLite keeps beside the file.
    #[error("{path} cannot be read or written: {why}\n\n  hint: see what the system's log says of this disk; if it is full, make room")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Anything else the engine says.
    #[error("{path}: {why}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The database does not answer now; the same may work in a moment.
    #[error("the database {at} is not available: {why}\n\n  hint: see that it runs and can be reached from here; it is worth trying again")]
    Unavailable {
        /// Host, port and name.
        at: String,
        /// What went wrong.
        why: String,
    },
    /// The database will not have us; trying again does not help.
    #[error("{at} refuses us: {why}\n\n  hint: check user, password and database name in the URL, and the rights of the user")]
    Refused {
        /// Host, port and name.
        at: String,
        /// What the server says.
        why: String,
    },
    /// The connection cannot be made as safe as the URL asks for; trying again does not help.
    #[error(
        "no TLS to the database {at}: {why}\n\n  hint: sslrootcert in the URL names the PEM file of the authority that signed the server's certificate, the host in the URL must be one of that certificate's, and sslmode says how much of it is checked (docs/operating.md)"
    )]
    Tls {
        /// Host, port and name.
        at: String,
        /// What is wrong with the certificate or the server.
        why: String,
    },
    /// PostgreSQL before 15.
    #[error("the database {at} is PostgreSQL {found}; 15 or newer is needed\n\n  hint: upgrade it, or give the URL of a newer one")]
    TooOld {
        /// Host, port and name.
        at: String,
        /// Its major version.
        found: i32,
    },
    /// PostGIS is not there and cannot be added.
    #[error(
        "the database {at} has no PostGIS: {why}\n\n  hint: install PostGIS 3 on its server, then as its superuser: CREATE EXTENSION postgis"
    )]
    NoPostgis {
        /// Host, port and name.
        at: String,
        /// What the server says.
        why: String,
    },
    /// Its schema was made by a newer version.
    #[error(
        "the database {at} has schema version {found}, newer than this program knows ({known})\n\n  hint: run the newer version of godwit; nothing was changed"
    )]
    NewerSchema {
        /// Host, port and name.
        at: String,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// Its schema is of an older version, and it was said to leave it alone.
    #[error("the database {at} has schema version {found}; this program needs {known}\n\n  hint: run `godwit migrate`")]
    OlderSchema {
        /// Host, port and name.
        at: String,
        /// Its version; 0 if there is none.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The batch carried a token that is not the lease's any more: another process writes now.
    #[error("nothing was stored: {0}\n\n  hint: another process took over; this one goes on as a reader")]
    Fenced(String),
    /// Anything else the database says.
    #[error("the database {at} says: {why}")]
    Database {
        /// Host, port and name.
        at: String,
        /// What the server says.
        why: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same may work in a moment.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn folder(path: &Path, error: &std::io::Error) -> Self {
        Self::Folder { path: path.to_owned(), why: error.to_string() }
    }

    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly, SystemIoFailure};
        let (path, why) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged { path, why },
            Some(DiskFull) => Self::Full(path),
            Some(SystemIoFailure) => Self::Disk { path, why },
            Some(CannotOpen | PermissionDenied | ReadOnly) => Self::Folder { path, why },
            _ => Self::Engine { path, why },
        }
    }
}
