//! Packets that wait on disk while the database is away, in order.
//!
//! A folder of segments, only ever appended to; a segment goes when all of it is kept in the database. A segment is
//! eight bytes (`GODWSPL1`) and frames: length of the payload (u32), its xxh3 checksum (u64), the payload. That is a
//! number of packets (u32) and for each its time (i64, microseconds since 1970 UTC), verdict (u8), length (u32) and
//! line. All little endian.
//!
//! What is pushed is with the kernel when [`Spool::push`] returns, so `kill -9` loses nothing; [`Spool::sync`] makes it
//! outlive a power cut. What was taken out shortly before a crash may come out again: it has to go to where that is
//! noticed ([`crate::PostgresStore::append_missing`]).
//!
//! Owner: one process, by a lock on the folder. Bound: bytes on disk; what does not fit is refused and counted by the
//! caller.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use godwit_pipeline::{Pipeline, Record, TOO_FAST, Verdict};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"GODWSPL1";

/// Bytes of a frame before its payload.
const HEAD: u64 = 12;

/// Bytes of a packet beside its line.
const PACKET: usize = 13;

/// The longest payload that is read: far above a batch of the longest lines of APRS-IS.
const MOST: u32 = 32 << 20;

/// The packets of a frame at most, so that a frame of empty lines does not become a hundred times as large in memory.
const MOST_PACKETS: usize = 20_000;

/// The end of the times that a packet can have, microseconds since 1970 UTC: ids are below 2^53.
const TIMES_END_US: i64 = 1 << 53;

/// The size at which a new segment begins, unless the spool is smaller than sixteen of these.
const SEGMENT: u64 = 8 << 20;

/// Why something was not spooled.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The folder cannot be used.
    #[error(
        "the spool folder {path} cannot be used: {why}\n\n  hint: choose another with --data, or give this user the right to write there"
    )]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Another process has it.
    #[error("the spool folder {0} is in use by another godwit\n\n  hint: each replica needs a --data of its own")]
    InUse(PathBuf),
    /// It holds as much as it may.
    #[error("the spool is full ({0} MB)\n\n  hint: bring the database back, or allow more with --spool-mb")]
    Full(u64),
    /// Writing failed.
    #[error("the spool cannot be written: {0}\n\n  hint: make room on its disk")]
    Write(io::Error),
}

#[derive(Debug)]
struct Segment {
    number: u64,
    /// Bytes of whole frames, with the magic.
    bytes: u64,
}

/// Packets from the front of the spool; still in it until [`Spool::remove`].
#[derive(Debug)]
pub struct Waiting {
    /// In the order in which they were pushed.
    pub records: Vec<Record>,
    segment: u64,
    offset: u64,
}

/// The spool.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    most_bytes: u64,
    segments: VecDeque<Segment>,
    /// The last segment, open for appending.
    tail: Option<File>,
    /// Where the first frame that waits begins, in the first segment.
    offset: u64,
    records: u64,
    unsynced: bool,
    damaged: u64,
    _lock: File,
}

impl Spool {
    /// Opens the spool in a folder, making it if it is missing. What a crash left half written at an end is cut off.
    ///
    /// # Errors
    /// The folder cannot be used, or another process uses it.
    pub fn open(folder: &Path, most_bytes: u64) -> Result<Self, SpoolError> {
        let failed = |path: &Path, error: &io::Error| SpoolError::Folder { path: path.to_owned(), why: error.to_string() };
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(|error| failed(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SpoolError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(failed(&lock_path, &error)),
        }
        let mut numbers: Vec<u64> = fs::read_dir(folder)
            .map_err(|error| failed(folder, &error))?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".spool")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let mut spool = Self {
            folder: folder.to_owned(),
            most_bytes,
            segments: VecDeque::new(),
            tail: None,
            offset: MAGIC.len() as u64,
            records: 0,
            unsynced: false,
            damaged: 0,
            _lock: lock,
        };
        for number in numbers {
            let path = spool.path(number);
            let (bytes, records) = scan(&path).map_err(|error| failed(&path, &error))?;
            if fs::metadata(&path).is_ok_and(|file| file.len() > bytes) {
                spool.damaged += 1;
                keep_damaged(&path).map_err(|error| failed(&path, &error))?;
            }
            if records == 0 {
                fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
                continue;
            }
            OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(bytes)).map_err(|error| failed(&path, &error))?;
            spool.records += records;
            spool.segments.push_back(Segment { number, bytes });
        }
        Ok(spool)
    }

    /// Packets that wait.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Bytes on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Segments with a damaged part since the opening; each was copied beside as `NUMBER.damaged`.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Puts packets at the end, all or none.
    ///
    /// # Errors
    /// They do not fit, or cannot be written.
    pub fn push(&mut self, records: &[Record]) -> Result<(), SpoolError> {
        let frame = frames(records);
        if self.bytes() + frame.len() as u64 > self.most_bytes {
            return Err(SpoolError::Full(self.most_bytes >> 20));
        }
        let segment_bytes = SEGMENT.min(self.most_bytes / 16).max(1);
        if self.tail.is_none() || self.segments.back().is_none_or(|last| last.bytes >= segment_bytes) {
            self.begin().map_err(SpoolError::Write)?;
        }
        let (Some(tail), Some(last)) = (&mut self.tail, self.segments.back_mut()) else {
            return Ok(());
        };
        if let Err(error) = tail.write_all(&frame) {
            // Half a frame must not stand before the next one. If it cannot be cut off, that one begins a segment.
            if tail.set_len(last.bytes).and_then(|()| tail.seek(SeekFrom::End(0))).is_err() {
                self.tail = None;
            }
            return Err(SpoolError::Write(error));
        }
        last.bytes += frame.len() as u64;
        self.records += records.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// Waits until everything pushed is on the disk.
    ///
    /// # Errors
    /// The disk did not take it.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        if std::mem::take(&mut self.unsynced)
            && let Some(tail) = &self.tail
        {
            tail.sync_data().map_err(SpoolError::Write)?;
        }
        Ok(())
    }

    /// The packets at the front: whole frames, until there are so many.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn front(&mut self, enough: usize) -> Result<Option<Waiting>, SpoolError> {
        while let Some(first) = self.segments.front() {
            let (number, bytes) = (first.number, first.bytes);
            let path = self.path(number);
            let mut waiting = Waiting { records: Vec::new(), segment: number, offset: self.offset };
            let read = File::open(&path).and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset))?;
                let mut frames = SpoolFrames(BufReader::new(file.take(bytes.saturating_sub(self.offset))));
                while waiting.records.len() < enough {
                    let Some(frame) = frames.next_frame()? else { break };
                    waiting.offset += frame.bytes;
                    waiting.records.extend(frame.records);
                }
                Ok(())
            });
            read.map_err(|error| SpoolError::Folder { path: path.clone(), why: error.to_string() })?;
            if !waiting.records.is_empty() {
                return Ok(Some(waiting));
            }
            // Nothing readable from here on: the end, or damage that was not there when it was written.
            if self.offset < bytes {
                self.damaged += 1;
                let _ = keep_damaged(&path);
            }
            self.drop_first();
        }
        Ok(None)
    }

    /// Removes what [`Spool::front`] gave: it is kept elsewhere now.
    pub fn remove(&mut self, waiting: &Waiting) {
        let Some(first) = self.segments.front().filter(|first| first.number == waiting.segment) else {
            return;
        };
        self.records = self.records.saturating_sub(waiting.records.len() as u64);
        self.offset = waiting.offset;
        if self.offset >= first.bytes {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.segments.pop_front() {
            let _ = fs::remove_file(self.path(first.number));
        }
        self.offset = MAGIC.len() as u64;
        if self.segments.is_empty() {
            self.tail = None;
            self.records = 0;
            self.unsynced = false;
        }
    }

    /// Begins a segment.
    fn begin(&mut self) -> io::Result<()> {
        self.sync().map_err(|error| io::Error::other(error.to_string()))?;
        let number = self.segments.back().map_or(1, |last| last.number + 1);
        let path = self.path(number);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
        if let Err(error) = file.write_all(MAGIC) {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        self.tail = Some(file);
        self.segments.push_back(Segment { number, bytes: MAGIC.len() as u64 });
        // The new name must outlive a power cut as well.
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.spool"))
    }
}

fn keep_damaged(path: &Path) -> io::Result<u64> {
    fs::copy(path, path.with_extension("damaged"))
}

/// Bytes of whole frames from the beginning, and packets in them.
fn scan(path: &Path) -> io::Result<(u64, u64)> {
    let Some(mut frames) = SpoolFrames::open(BufReader::new(File::open(path)?))? else {
        return Ok((0, 0));
    };
    let (mut bytes, mut count) = (MAGIC.len() as u64, 0);
    while let Some(frame) = frames.next_frame()? {
        bytes += frame.bytes;
        count += frame.records.len() as u64;
    }
    Ok((bytes, count))
}

/// A whole frame of a segment.
#[derive(Debug)]
pub struct SpoolFrame {
    /// Its packets, in the order in which they were pushed; at most 20,000.
    pub records: Vec<Record>,
    /// Its length in the segment.
    pub bytes: u64,
}

/// Reads a segment frame by frame. The bytes may be anything: no input makes it panic or take more memory than a frame of
/// 32 MiB and 20,000 packets needs.
#[derive(Debug)]
pub struct SpoolFrames<R>(R);

impl<R: Read> SpoolFrames<R> {
    /// Reads from the beginning of a segment; `None` if this is none.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn open(mut source: R) -> io::Result<Option<Self>> {
        let mut magic = [0; 8];
        Ok((filled(&mut source, &mut magic)? && magic == *MAGIC).then_some(Self(source)))
    }

    /// The next frame; `None` at the end, and where a frame is cut off or damaged: nothing after that can be read.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn next_frame(&mut self) -> io::Result<Option<SpoolFrame>> {
        let (mut length, mut sum) = ([0; 4], [0; 8]);
        if !(filled(&mut self.0, &mut length)? && filled(&mut self.0, &mut sum)?) {
            return Ok(None);
        }
        let length = u32::from_le_bytes(length);
        if length > MOST {
            return Ok(None);
        }
        let mut payload = Vec::new();
        (&mut self.0).take(u64::from(length)).read_to_end(&mut payload)?;
        if payload.len() != length as usize || xxh3_64(&payload) != u64::from_le_bytes(sum) {
            return Ok(None);
        }
        Ok(spool_records(&payload).map(|records| SpoolFrame { records, bytes: HEAD + payload.len() as u64 }))
    }
}

fn filled(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Packets as frames, ready to be appended to a segment.
fn frames(records: &[Record]) -> Vec<u8> {
    records.chunks(MOST_PACKETS).flat_map(frame).collect()
}

fn frame(records: &[Record]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(records.iter().map(|record| record.raw.len() + PACKET).sum::<usize>() + 4);
    payload.extend_from_slice(&u32::try_from(records.len()).unwrap_or(0).to_le_bytes());
    for record in records {
        payload.extend_from_slice(&record.received_at_us.to_le_bytes());
        payload.push(match record.verdict {
            Verdict::Accepted => 0,
            Verdict::Duplicate => 1,
            Verdict::Implausible(_) => 2,
            Verdict::Bad(_) => 3,
        });
        payload.extend_from_slice(&u32::try_from(record.raw.len()).unwrap_or(0).to_le_bytes());
        payload.extend_from_slice(&record.raw);
    }
    let mut frame = Vec::with_capacity(payload.len() + HEAD as usize);
    frame.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend_from_slice(&xxh3_64(&payload).to_le_bytes());
    frame.extend_from_slice(&payload);
    frame
}

/// The packets in the payload of a frame; `None` if it is none: cut off, too long, with more than 20,000 packets or a
/// time that no packet can have.
#[must_use]
pub fn spool_records(payload: &[u8]) -> Option<Vec<Record>> {
    let (count, mut rest) = payload.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok().filter(|count| *count <= MOST_PACKETS)?;
    let mut records = Vec::with_capacity(count.min(payload.len() / PACKET));
    for _ in 0..count {
        let (at_us, more) = rest.split_first_chunk::<8>()?;
        let (verdict, more) = more.split_first()?;
        let (length, more) = more.split_first_chunk::<4>()?;
        let (raw, more) = more.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let at_us = i64::from_le_bytes(*at_us);
        if !(0..TIMES_END_US).contains(&at_us) {
            return None;
        }
        records.push(record(at_us, *verdict, raw));
        rest = more;
    }
    rest.is_empty().then_some(records)
}

/// What the pipeline made of a line: read again, apart from what it knew from the lines before.
fn record(received_at_us: i64, verdict: u8, raw: &[u8]) -> Record {
    let mut record = Pipeline::default().accept(received_at_us, raw).record;
    match (verdict, record.verdict) {
        (1, _) => record.verdict = Verdict::Duplicate,
        (2, Verdict::Accepted) => {
            record.verdict = Verdict::Implausible(TOO_FAST);
            record.position = None;
        }
        _ => {}
    }
    record
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame around a payload, as if it had been written so.
    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_le_bytes());
        bytes.extend_from_slice(&xxh3_64(payload).to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<SpoolFrame> {
        let Some(mut frames) = SpoolFrames::open(bytes).expect("memory") else { return Vec::new() };
        std::iter::from_fn(|| frames.next_frame().expect("memory")).collect()
    }

    /// The bytes of one packet in a payload.
    fn packet() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![prop::collection::vec(any::<u8>(), 0..80), Just(b"A1B>APRS,qAR,G1:!4722.85N/00832.46E>".to_vec())];
        let time = prop_oneof![any::<i64>(), 0..TIMES_END_US];
        let length = prop_oneof![9 => Just(None), 1 => any::<u32>().prop_map(Some)];
        (time, any::<u8>(), length, line).prop_map(|(time, verdict, length, line)| {
            let length = length.unwrap_or(u32::try_from(line.len()).expect("short"));
            [&time.to_le_bytes()[..], &[verdict], &length.to_le_bytes(), &line].concat()
        })
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..400), after_magic: bool) {
            let bytes = if after_magic { [&MAGIC[..], &bytes].concat() } else { bytes };
            for frame in read(&bytes) {
                prop_assert!(frame.records.len() <= MOST_PACKETS);
            }
        }

        #[test]
        fn any_payload_can_be_read(packets in prop::collection::vec(packet(), 0..20), count in prop::option::of(any::<u32>())) {
            let count = count.unwrap_or(u32::try_from(packets.len()).expect("few"));
            let payload = [&count.to_le_bytes()[..], &packets.concat()].concat();
            let frames = read(&framed(&payload));
            prop_assert_eq!(frames.is_empty(), spool_records(&payload).is_none());
            for frame in frames {
                prop_assert_eq!(frame.records.len(), count as usize);
                prop_assert!(frame.records.iter().all(|record| (0..TIMES_END_US).contains(&record.received_at_us)));
                prop_assert_eq!(frame.bytes, HEAD + payload.len() as u64);
            }
        }
    }

    #[test]
    fn a_frame_has_a_bound_and_more_packets_are_more_frames() {
        let packet = [&1_i64.to_le_bytes()[..], &[0], &0_u32.to_le_bytes()].concat();
        let payload = |count: usize| [&u32::try_from(count).expect("few").to_le_bytes()[..], &packet.repeat(count)].concat();
        assert_eq!(spool_records(&payload(MOST_PACKETS)).map(|records| records.len()), Some(MOST_PACKETS));
        assert!(spool_records(&payload(MOST_PACKETS + 1)).is_none());
        let record = Pipeline::default().accept(1, b"A1B>APRS:>x").record;
        let many = vec![record; MOST_PACKETS * 2 + 1];
        let frames = read(&[&MAGIC[..], &frames(&many)].concat());
        assert_eq!(frames.iter().map(|frame| frame.records.len()).collect::<Vec<_>>(), [MOST_PACKETS, MOST_PACKETS, 1]);
    }

    fn batch(from: usize, count: usize) -> Vec<Record> {
        let mut pipeline = Pipeline::default();
        (from..from + count)
            .map(|number| pipeline.accept(number as i64, format!("A{}B>APRS,qAR,G1:>number {}", number % 7, number / 2).as_bytes()).record)
            .collect()
    }

    fn open(folder: &Path) -> Spool {
        Spool::open(folder, 1 << 20).expect("spool")
    }

    fn drain(spool: &mut Spool) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(waiting) = spool.front(10).expect("front") {
            spool.remove(&waiting);
            records.extend(waiting.records);
        }
        records
    }

    #[test]
    fn what_is_pushed_comes_out_in_order_also_after_a_crash() {
        let folder = tempfile::tempdir().expect("folder");
        let mut spool = open(folder.path());
        assert!(matches!(Spool::open(folder.path(), 1), Err(SpoolError::InUse(_))));
        for number in 0..30 {
            spool.push(&batch(number * 10, 10)).expect("room");
        }
        spool.push(&[Pipeline::default().accept(7, b"nonsense").record]).expect("room");
        let first = spool.front(10).expect("front").expect("something");
        assert_eq!(first.records, batch(0, 10));
        spool.remove(&first);
        assert_eq!(spool.len(), 291);
        // What was taken out comes again after a crash; nothing else changes.
        drop(spool);
        let mut spool = open(folder.path());
        assert_eq!(spool.len(), 301);
        let out = drain(&mut spool);
        assert_eq!(out[..10], batch(0, 10));
        assert_eq!(out.iter().filter(|record| matches!(record.verdict, Verdict::Bad(_))).count(), 1);
        assert_eq!(out.iter().map(|record| record.received_at_us).collect::<Vec<_>>(), (0..300).chain([7]).collect::<Vec<_>>());
        assert!(spool.is_empty() && spool.bytes() == 0 && spool.front(1).expect("front").is_none());
        spool.push(&batch(0, 3)).expect("room");
        assert_eq!(drain(&mut spool), batch(0, 3));
    }

    #[test]
    fn copies_stay_copies() {
        let folder = tempfile::tempdir().expect("folder");
        let mut pipeline = Pipeline::default();
        let records = [1, 2].map(|at_us| pipeline.accept(at_us, b"A1B>APRS,qAR,G1:!4722.85N/00832.46E>").record);
        let mut spool = open(folder.path());
        spool.push(&records).expect("room");
        assert_eq!(drain(&mut spool), records);
    }

    #[test]
    fn when_full_the_newest_is_refused_and_the_oldest_is_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let mut spool = Spool::open(folder.path(), 20_000).expect("spool");
        let mut pushed = 0;
        let error = loop {
            match spool.push(&batch(pushed * 10, 10)) {
                Ok(()) => pushed += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, SpoolError::Full(_)) && pushed > 10, "{error} after {pushed}");
        assert!(fs::read_dir(folder.path()).expect("folder").count() > 3, "in several segments");
        assert_eq!(drain(&mut spool).len(), pushed * 10);
        spool.push(&batch(0, 10)).expect("there is room again");
    }

    #[test]
    fn a_torn_end_is_cut_off_and_damage_costs_only_what_follows_it_in_its_segment() {
        let folder = tempfile::tempdir().expect("folder");
        let mut spool = Spool::open(folder.path(), 64_000).expect("spool");
        for number in 0..20 {
            spool.push(&batch(number * 10, 10)).expect("room");
        }
        let names: Vec<u64> = spool.segments.iter().map(|segment| segment.number).collect();
        assert!(names.len() >= 2);
        let (first, last) = (spool.path(names[0]), spool.path(names[names.len() - 1]));
        drop(spool);
        let mut bytes = fs::read(&first).expect("segment");
        let at = bytes.len() - 5;
        bytes[at] ^= 1;
        fs::write(&first, bytes).expect("spoiled");
        let mut torn = fs::read(&last).expect("segment");
        torn.extend_from_slice(b"\x50\0\0\0half");
        fs::write(&last, torn).expect("torn");
        let mut spool = Spool::open(folder.path(), 64_000).expect("spool");
        assert_eq!((spool.damaged(), spool.len()), (2, 190), "one frame of ten is lost");
        assert!(first.with_extension("damaged").exists());
        assert_eq!(drain(&mut spool).len(), 190);
        for hostile in [
            &b""[..],
            b"GODWSPL1",
            b"GODWSPL1\xff\xff\xff\xff",
            b"nonsense and more",
            b"GODWSPL1\x04\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff",
        ] {
            drop(spool);
            fs::write(folder.path().join("00000000000000000009.spool"), hostile).expect("written");
            spool = open(folder.path());
            assert!(spool.is_empty());
        }
    }
}
