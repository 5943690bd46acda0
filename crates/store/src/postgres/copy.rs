//! The packets of a batch as COPY BINARY takes them.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use godwit_pipeline::Verdict;
use tokio_postgres::{CopyInSink, Error};

use super::append::{Names, Work};
use crate::{
    facts::{Facts, station},
    model::{KINDS, VERDICTS},
};

pub(super) const SQL: &str = "COPY packet (id, entity, sender, latitude, longitude, kind, verdict, raw, reason, altitude_m,
  speed_tenth_kmh, course_deg, weather) FROM STDIN BINARY";

/// Columns in [`SQL`].
const COLUMNS: i16 = 13;

/// In `course_deg`: the position is implausible.
pub(super) const DOUBTED: i16 = -1;

/// How much goes into one message.
const CHUNK: usize = 64 * 1024;

/// All rows, with header and trailer.
pub(super) fn rows(work: &Work<'_>, ids: &[i64], names: &Names) -> Bytes {
    let raw: usize = work.records.iter().map(|record| record.raw.len()).sum();
    let mut out = BytesMut::with_capacity(32 + raw + 110 * work.records.len());
    out.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    let place = |list: &[&str], word| list.iter().position(|known| *known == word).and_then(|at| i16::try_from(at).ok()).unwrap_or(0);
    for ((record, facts), id) in work.records.iter().zip(&work.facts).zip(ids) {
        let Facts { motion, weather, .. } = facts;
        // Most stations speak of themselves.
        let sender = record.sender.map(station).filter(|sender| Some(*sender) != record.entity);
        let number = |key: Option<_>| key.and_then(|key| names.get(&key)).map(|id| id.to_be_bytes());
        let doubted = matches!(record.verdict, Verdict::Implausible(_));
        let course_deg = if doubted { motion.map(|_| DOUBTED) } else { motion.and_then(|motion| motion.course_deg) };
        out.put_i16(COLUMNS);
        put(&mut out, Some(id.to_be_bytes()));
        put(&mut out, number(record.entity));
        put(&mut out, number(sender));
        put(&mut out, motion.map(|motion| motion.latitude.to_be_bytes()));
        put(&mut out, motion.map(|motion| motion.longitude.to_be_bytes()));
        put(&mut out, Some(place(KINDS, record.kind).to_be_bytes()));
        put(&mut out, Some(place(&VERDICTS, record.verdict.as_str()).to_be_bytes()));
        put(&mut out, Some(&record.raw[..]));
        put(&mut out, record.verdict.reason());
        put(&mut out, motion.and_then(|motion| motion.altitude_m).map(i32::to_be_bytes));
        put(&mut out, motion.and_then(|motion| motion.speed).map(i16::to_be_bytes));
        put(&mut out, course_deg.map(i16::to_be_bytes));
        put(&mut out, weather.as_ref());
    }
    out.put_i16(-1);
    out.freeze()
}

fn put(out: &mut BytesMut, value: Option<impl AsRef<[u8]>>) {
    match value {
        None => out.put_i32(-1),
        Some(value) => {
            let value = value.as_ref();
            out.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
            out.put_slice(value);
        }
    }
}

/// Sends the rows.
pub(super) async fn send(sink: CopyInSink<Bytes>, mut rows: Bytes) -> Result<(), Error> {
    let mut sink = pin!(sink);
    while !rows.is_empty() {
        let chunk = rows.split_to(rows.len().min(CHUNK));
        std::future::poll_fn(|context| futures_sink::Sink::poll_ready(sink.as_mut(), context)).await?;
        futures_sink::Sink::start_send(sink.as_mut(), chunk)?;
    }
    sink.finish().await.map(drop)
}
