//! Closed days as Parquet files in a folder or an S3-compatible store (docs/archive.md).
//!
//! A day is written to a file beside the store, sent, read back whole, and compared: bytes, number of rows, and a
//! checksum over the values of each column. Only then is it called archived; only then may retention drop it.

mod columns;
mod table;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::StreamExt as _;
use godwit_pipeline::{Pipeline, Record, TOO_FAST, Verdict};
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart, aws::AmazonS3Builder, local::LocalFileSystem, path::Path as Key};
use tempfile::TempPath;
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::Xxh3;

use crate::{DayState, Days, StoreError, day_name};
use table::{Line, Sums, Table};

pub use columns::columns_page;

/// Packets read from the store at a time.
const PART: usize = 10_000;

/// Bytes sent at a time; S3 takes parts of at least 5 MiB and at most 10,000 of them.
const SEND: usize = 16 << 20;

const DAY_US: i64 = 86_400_000_000;

/// Why a day was not archived or not brought back.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The address cannot be used.
    #[error("archive = \"{0}\": {1}\n\n  hint: a folder, or s3://BUCKET/PREFIX with AWS_ACCESS_KEY_ID and the like in the environment")]
    Address(String, String),
    /// The archive cannot be read or written.
    #[error("the archive {at}: {error}\n\n  hint: check the address, the rights and the room there")]
    Object {
        /// Which object.
        at: String,
        /// What the store of objects says.
        error: object_store::Error,
    },
    /// The archive does not have it.
    #[error("the archive has no {0}\n\n  hint: a day is named as in 2026-11-23; see what is there with its own tools")]
    Missing(String),
    /// What is read is not what was written.
    #[error("{at} is not good: {why}\n\n  hint: nothing was dropped; check the storage, then archive the day again")]
    Differs {
        /// Which object.
        at: String,
        /// What differs.
        why: String,
    },
    /// The archive has more of this day than the store.
    #[error(
        "{at} holds {archived} packets of that day, the store {stored}: it is left as it is\n\n  hint: bring the rest back first with godwit restore"
    )]
    Fuller {
        /// Which object.
        at: String,
        /// Packets there.
        archived: u64,
        /// Packets here.
        stored: u64,
    },
    /// Packets came meanwhile.
    #[error("packets came to {0} while it was archived\n\n  hint: it is worth trying again")]
    Changed(String),
    /// The file beside the store cannot be written or read.
    #[error("{path}: {why}\n\n  hint: make room, or name another folder with --data")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A day in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Where it is.
    pub at: String,
    /// Packets.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Over the number of rows and the checksums of the columns.
    pub checksum: String,
}

/// The archive.
#[derive(Debug, Clone)]
pub struct Archive {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    shown: String,
    /// Of an archive in a folder.
    folder: Option<PathBuf>,
    /// Where files are written and read that are on the way.
    work: PathBuf,
}

impl Archive {
    /// The archive at an address: a folder (made if missing) or `s3://BUCKET/PREFIX`. Keys, region and endpoint of S3
    /// come from the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`,
    /// `AWS_ALLOW_HTTP`). `work` is a folder with room for two files of a day.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn open(address: &str, work: &Path) -> Result<Self, ArchiveError> {
        let wrong = |why: String| ArchiveError::Address(address.escape_debug().to_string(), why);
        let work = work.join("archive.unfinished");
        if let Some(rest) = address.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // The first provider stays; ours is the only one in the tree.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let objects = AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(|error| wrong(error.to_string()))?;
            let prefix = Key::parse(prefix.trim_matches('/')).map_err(|error| wrong(error.to_string()))?;
            return Ok(Self { objects: Arc::new(objects), prefix, shown: format!("s3://{rest}"), folder: None, work });
        }
        if address.contains("://") {
            return Err(wrong("is neither a folder nor s3://".to_owned()));
        }
        let folder = PathBuf::from(address);
        fs::create_dir_all(&folder).map_err(|error| wrong(error.to_string()))?;
        let folder = folder.canonicalize().map_err(|error| wrong(error.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { objects: Arc::new(objects), prefix: Key::default(), shown: folder.display().to_string(), folder: Some(folder), work })
    }

    fn key(&self, day: i64) -> Key {
        let name = day_name(day);
        let year = name.get(..4).unwrap_or_default();
        let inside = format!("packets/{year}/packets-{name}.parquet");
        let parts = self.prefix.as_ref().split('/').chain(inside.split('/')).filter(|part| !part.is_empty());
        parts.fold(Key::default(), Key::join)
    }

    /// Where a day is or would be.
    #[must_use]
    pub fn address(&self, day: i64) -> String {
        let key = self.key(day);
        let inside = key.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or(key.as_ref()).trim_start_matches('/');
        format!("{}/{inside}", self.shown.trim_end_matches('/'))
    }

    /// Archives a day and remembers that in the store: reads it, writes it, reads it back, compares.
    ///
    /// # Errors
    /// It could not be done or is not certain; an older archive of the day may have been replaced by a whole newer one.
    pub async fn store(&self, store: &dyn Days, day: &DayState) -> Result<Archived, ArchiveError> {
        let at = self.address(day.day);
        if let Some(archived) = day.archived.filter(|archived| *archived > day.packets) {
            return Err(ArchiveError::Fuller { at, archived, stored: day.packets });
        }
        if day.archived.is_none()
            && let Some(there) = self.look(day.day).await?
            && there > day.packets
        {
            return Err(ArchiveError::Fuller { at, archived: there, stored: day.packets });
        }
        let file = self.part()?;
        let written = self.write(store, day, &file).await?;
        if written.rows != day.packets {
            return Err(ArchiveError::Changed(day_name(day.day)));
        }
        let (bytes, hash) = self.send(day.day, &file).await?;
        drop(file);
        let (back, (bytes_back, hash_back)) = self.fetch(day.day).await?;
        let read = blocking(&back, table::check).await;
        let differs = |why: String| ArchiveError::Differs { at: at.clone(), why };
        if (bytes_back, hash_back) != (bytes, hash) {
            return Err(differs(format!("{bytes} bytes were sent, and {bytes_back} with another checksum came back")));
        }
        let read = read.map_err(|error| differs(error.to_string()))?;
        if read != written {
            return Err(differs(format!("{} rows were written, and {} rows with other values were read", written.rows, read.rows)));
        }
        let checksum = written.checksum();
        store.set_archived(day.day, written.rows, &checksum).await?;
        Ok(Archived { at, rows: written.rows, bytes, checksum })
    }

    /// Brings a day back into the store; what is there already is left alone. Returns how many packets the archive has
    /// and how many were missing. `day` is days since 1970.
    ///
    /// # Errors
    /// The archive does not have the day, it is damaged, or the store cannot be written; trying again goes on.
    pub async fn restore(&self, store: &dyn Days, day: i64) -> Result<(u64, u64), ArchiveError> {
        let at = self.address(day);
        let (file, _) = self.fetch(day).await?;
        // Checked whole before anything of it is kept.
        let differs = |why: String| ArchiveError::Differs { at: at.clone(), why };
        let rows = blocking(&file, table::check).await.map_err(|error| differs(error.to_string()))?.rows;
        let (groups, mut waiting) = tokio::sync::mpsc::channel::<Vec<Line>>(1);
        let path = file.to_path_buf();
        let reading = spawn_blocking(move || table::lines(&path, |lines| groups.blocking_send(lines).is_ok()));
        let mut missing = 0;
        let mut failed = None;
        while let Some(lines) = waiting.recv().await {
            match bring_back(store, day, &lines).await {
                Ok(count) => missing += count,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        drop(waiting);
        let read = reading.await;
        if let Some(error) = failed {
            return Err(error.into());
        }
        read.map_err(|error| differs(error.to_string()))?.map_err(|error| differs(error.to_string()))?;
        Ok((rows, missing))
    }

    /// How many rows the archive has of a day; `None` if it has none of it.
    async fn look(&self, day: i64) -> Result<Option<u64>, ArchiveError> {
        match self.fetch(day).await {
            // A damaged one is there to be replaced.
            Ok((file, _)) => Ok(blocking(&file, table::check).await.ok().map(|sums| sums.rows)),
            Err(ArchiveError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, store: &dyn Days, day: &DayState, path: &Path) -> Result<Sums, ArchiveError> {
        let failed = |error: String| ArchiveError::File { path: path.to_owned(), why: error };
        let mut table = blocking(path, Table::create).await.map_err(|error| failed(error.to_string()))?;
        let (mut after, until) = (day.day * DAY_US - 1, (day.day + 1) * DAY_US);
        loop {
            let packets = store.scan(after, until, PART).await?;
            let Some(last) = packets.last() else { break };
            after = last.id;
            let added = spawn_blocking(move || table.add(&packets).map(|()| table)).await;
            table = added.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        }
        let name = day_name(day.day);
        let finished = spawn_blocking(move || table.finish(&name)).await;
        finished.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }

    /// A file that goes when we are done with it.
    fn part(&self) -> Result<TempPath, ArchiveError> {
        let made = fs::create_dir_all(&self.work).and_then(|()| tempfile::NamedTempFile::new_in(&self.work));
        made.map(tempfile::NamedTempFile::into_temp_path)
            .map_err(|error| ArchiveError::File { path: self.work.clone(), why: error.to_string() })
    }

    /// Sends a file; returns its size and checksum.
    async fn send(&self, day: i64, path: &Path) -> Result<(u64, u128), ArchiveError> {
        let failed = |error| ArchiveError::Object { at: self.address(day), error };
        let unread = |error: std::io::Error| ArchiveError::File { path: path.to_owned(), why: error.to_string() };
        let mut file = fs::File::open(path).map_err(unread)?;
        let upload = self.objects.put_multipart(&self.key(day)).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, SEND);
        let (mut hash, mut bytes) = (Xxh3::new(), 0);
        loop {
            let mut part = Vec::with_capacity(SEND);
            let read = (&mut file).take(SEND as u64).read_to_end(&mut part).map_err(unread)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            hash.update(&part);
            upload.wait_for_capacity(2).await.map_err(failed)?;
            upload.put(part.into());
        }
        upload.finish().await.map_err(failed)?;
        if let Some(folder) = &self.folder {
            let path = folder.join(self.key(day).as_ref());
            fs::File::open(&path).and_then(|file| file.sync_all()).map_err(unread)?;
        }
        Ok((bytes, hash.digest128()))
    }

    /// Reads a day into a file; returns it with its size and checksum.
    async fn fetch(&self, day: i64) -> Result<(TempPath, (u64, u128)), ArchiveError> {
        let failed = |error| match error {
            object_store::Error::NotFound { .. } => ArchiveError::Missing(self.address(day)),
            error => ArchiveError::Object { at: self.address(day), error },
        };
        let path = self.part()?;
        let unwritten = |error: std::io::Error| ArchiveError::File { path: path.to_path_buf(), why: error.to_string() };
        let mut stream = self.objects.get(&self.key(day)).await.map_err(failed)?.into_stream();
        let mut file = fs::File::create(&path).map_err(unwritten)?;
        let (mut hash, mut bytes) = (Xxh3::new(), 0);
        while let Some(part) = stream.next().await {
            let part = part.map_err(failed)?;
            hash.update(&part);
            bytes += part.len() as u64;
            file.write_all(&part).map_err(unwritten)?;
        }
        Ok((path, (bytes, hash.digest128())))
    }
}

async fn blocking<T: Send + 'static, E: From<std::io::Error> + Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let path = path.to_owned();
    spawn_blocking(move || work(&path)).await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
}

/// Keeps what the store does not have of these lines; returns how many those were. A line is there if its very bytes
/// are under its id, or, where another packet has that, within the millisecond after it.
async fn bring_back(store: &dyn Days, day: i64, lines: &[Line]) -> Result<u64, StoreError> {
    let mut missing = 0;
    for part in lines.chunks(PART) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let mut there = std::collections::HashMap::<Vec<u8>, Vec<i64>>::new();
        let mut after = first.0 - 1;
        loop {
            let packets = store.scan(after, last.0 + 1001, PART).await?;
            let Some(newest) = packets.last() else { break };
            after = newest.id;
            for packet in packets {
                there.entry(packet.raw.to_vec()).or_default().push(packet.id);
            }
        }
        let mut is_there = |id: i64, raw: &[u8]| {
            let Some(ids) = there.get_mut(raw) else { return false };
            let at = ids.iter().position(|known| *known == id).or_else(|| ids.iter().position(|known| (id..id + 1000).contains(known)));
            at.map(|at| ids.swap_remove(at)).is_some()
        };
        let records: Vec<Record> =
            part.iter().filter(|(id, _, raw)| !is_there(*id, raw)).map(|(id, verdict, raw)| record(*id, verdict, raw)).collect();
        missing += records.len() as u64;
        store.restore(day, records).await?;
    }
    Ok(missing)
}

/// A record as it was decided about: what the line says is read again, the verdict is the archive's.
fn record(received_at_us: i64, verdict: &str, raw: &[u8]) -> Record {
    let mut record = Pipeline::default().accept(received_at_us, raw).record;
    match (verdict, record.verdict) {
        ("duplicate", _) => record.verdict = Verdict::Duplicate,
        ("implausible", Verdict::Accepted) => {
            record.verdict = Verdict::Implausible(TOO_FAST);
            record.position = None;
        }
        _ => {}
    }
    record
}
