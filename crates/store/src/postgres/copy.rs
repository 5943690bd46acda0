//! The packets of a batch as COPY BINARY takes them.

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_sink::Sink;
use godwit_pipeline::{Record, Verdict};
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

/// A COPY whose rows are all sent.
pub(super) struct Copying(Pin<Box<CopyInSink<Bytes>>>);

impl Copying {
    /// Says that this was all, and waits for the server.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        self.0.as_mut().finish().await.map(drop)
    }

    async fn send(&mut self, chunk: Bytes) -> Result<(), Error> {
        std::future::poll_fn(|context| Sink::poll_ready(self.0.as_mut(), context)).await?;
        Sink::start_send(self.0.as_mut(), chunk)
    }
}

/// Sends all rows, with header and trailer. The server takes the first while the others are made.
pub(super) async fn send(sink: CopyInSink<Bytes>, work: &Work<'_>, ids: &[i64], names: &Names) -> Result<Copying, Error> {
    let mut copying = Copying(Box::pin(sink));
    let mut out = BytesMut::with_capacity(CHUNK + CHUNK / 4);
    out.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for ((record, facts), id) in work.records.iter().zip(&work.facts).zip(ids) {
        row(&mut out, record, facts, *id, names);
        if out.len() >= CHUNK {
            copying.send(out.split().freeze()).await?;
            out.reserve(CHUNK + CHUNK / 4);
        }
    }
    out.put_i16(-1);
    copying.send(out.freeze()).await?;
    Ok(copying)
}

fn row(out: &mut BytesMut, record: &Record, facts: &Facts, id: i64, names: &Names) {
    let Facts { motion, weather, .. } = facts;
    let place = |list: &[&str], word| list.iter().position(|known| *known == word).and_then(|at| i16::try_from(at).ok()).unwrap_or(0);
    // Most stations speak of themselves.
    let sender = record.sender.map(station).filter(|sender| Some(*sender) != record.entity);
    let number = |key: Option<_>| key.and_then(|key| names.get(&key)).map(|id| id.to_be_bytes());
    let doubted = matches!(record.verdict, Verdict::Implausible(_));
    let course_deg = if doubted { motion.map(|_| DOUBTED) } else { motion.and_then(|motion| motion.course_deg) };
    out.put_i16(COLUMNS);
    put(out, Some(id.to_be_bytes()));
    put(out, number(record.entity));
    put(out, number(sender));
    put(out, motion.map(|motion| motion.latitude.to_be_bytes()));
    put(out, motion.map(|motion| motion.longitude.to_be_bytes()));
    put(out, Some(place(KINDS, record.kind).to_be_bytes()));
    put(out, Some(place(&VERDICTS, record.verdict.as_str()).to_be_bytes()));
    put(out, Some(&record.raw[..]));
    put(out, record.verdict.reason());
    put(out, motion.and_then(|motion| motion.altitude_m).map(i32::to_be_bytes));
    put(out, motion.and_then(|motion| motion.speed).map(i16::to_be_bytes));
    put(out, course_deg.map(i16::to_be_bytes));
    put(out, weather.as_ref());
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
