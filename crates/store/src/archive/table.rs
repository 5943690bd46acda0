//! A day as a Parquet file: zstd, one row group for each 65,536 packets, and for each column a checksum over its values
//! (`godwit.xxh3.COLUMN` in the footer), because Parquet's pages carry none.

use std::{borrow::Cow, fs::File, path::Path, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    column::{reader::ColumnReader, writer::ColumnWriter},
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        reader::{FileReader, RowGroupReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};
use xxhash_rust::xxh3::Xxh3;

use super::columns::{COLUMNS, Column, Kind, Value, with_values};
use crate::StoredPacket;

/// Packets in a row group: what is in memory at a time when writing, some 30 MB.
const GROUP: usize = 65_536;

/// Values read at a time.
const PART: usize = 4096;

/// How many rows and, for each column, the checksum over its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) rows: u64,
    pub(super) columns: Vec<u128>,
}

impl Sums {
    /// One for the whole file.
    pub(super) fn checksum(&self) -> String {
        let mut all = Xxh3::new();
        all.update(&self.rows.to_le_bytes());
        self.columns.iter().for_each(|sum| all.update(&sum.to_le_bytes()));
        format!("{:032x}", all.digest128())
    }
}

/// The values of a column that wait for their row group.
#[derive(Default)]
struct Waiting {
    present: Vec<i16>,
    whole: Vec<i64>,
    numbers: Vec<f64>,
    bytes: Vec<ByteArray>,
}

/// Writes a file.
pub(super) struct Table {
    file: SerializedFileWriter<File>,
    waiting: Vec<Waiting>,
    hashes: Vec<Xxh3>,
    rows: u64,
}

fn schema() -> Result<Type, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Whole => (Physical::INT64, None),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Bytes => (Physical::BYTE_ARRAY, None),
        };
        let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        Type::primitive_type_builder(column.name, physical).with_logical_type(logical).with_repetition(repetition).build().map(Arc::new)
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("packet").with_fields(fields).build()
}

impl Table {
    /// Begins a new file; one that is there is emptied.
    pub(super) fn create(path: &Path) -> Result<Self, ParquetError> {
        let compression = Compression::ZSTD(ZstdLevel::try_new(6)?);
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_created_by(concat!("godwit ", env!("CARGO_PKG_VERSION")).to_owned())
            // Lines hardly ever repeat: a dictionary of them is work for nothing.
            .set_column_dictionary_enabled("raw".into(), false)
            .set_column_dictionary_enabled("id".into(), false)
            .set_column_dictionary_enabled("received_at".into(), false)
            .build();
        let file = SerializedFileWriter::new(File::create(path)?, Arc::new(schema()?), Arc::new(properties))?;
        let columns = COLUMNS.len();
        Ok(Self {
            file,
            waiting: (0..columns).map(|_| Waiting::default()).collect(),
            hashes: (0..columns).map(|_| Xxh3::new()).collect(),
            rows: 0,
        })
    }

    /// Adds packets.
    pub(super) fn add(&mut self, packets: &[StoredPacket]) -> Result<(), ParquetError> {
        for packet in packets {
            with_values(packet, |at, value| {
                hash(&mut self.hashes[at], value.as_ref());
                let waiting = &mut self.waiting[at];
                waiting.present.push(i16::from(value.is_some()));
                match value {
                    Some(Value::Whole(number)) => waiting.whole.push(number),
                    Some(Value::Number(number)) => waiting.numbers.push(number),
                    Some(Value::Bytes(bytes)) => waiting.bytes.push(bytes.into_owned().into()),
                    None => {}
                }
            });
            self.rows += 1;
            if self.waiting[0].present.len() >= GROUP {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (column, waiting) in COLUMNS.iter().zip(&mut self.waiting) {
            let Waiting { present, whole, numbers, bytes } = std::mem::take(waiting);
            let levels = (!column.required).then_some(&present[..]);
            let Some(mut writer) = group.next_column()? else { break };
            match writer.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&whole, levels, None)?,
                ColumnWriter::DoubleColumnWriter(writer) => writer.write_batch(&numbers, levels, None)?,
                ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&bytes, levels, None)?,
                _ => return Err(ParquetError::General(format!("column {} is of no kind of ours", column.name))),
            };
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file, on disk when this returns.
    pub(super) fn finish(mut self, day: &str) -> Result<Sums, ParquetError> {
        if !self.waiting[0].present.is_empty() {
            self.flush()?;
        }
        let sums = Sums { rows: self.rows, columns: self.hashes.iter().map(Xxh3::digest128).collect() };
        let mut note = |key: String, value: String| self.file.append_key_value_metadata(KeyValue::new(key, value));
        note("godwit.day".to_owned(), day.to_owned());
        note("godwit.rows".to_owned(), sums.rows.to_string());
        for (column, sum) in COLUMNS.iter().zip(&sums.columns) {
            note(format!("godwit.xxh3.{}", column.name), format!("{sum:032x}"));
        }
        self.file.into_inner()?.sync_all()?;
        Ok(sums)
    }
}

/// A value with what it is and how long: no two columns hash alike unless they are alike.
fn hash(hash: &mut Xxh3, value: Option<&Value<'_>>) {
    match value {
        None => hash.update(&[0]),
        Some(Value::Whole(number)) => {
            hash.update(&[1]);
            hash.update(&number.to_le_bytes());
        }
        Some(Value::Number(number)) => {
            hash.update(&[2]);
            hash.update(&number.to_bits().to_le_bytes());
        }
        Some(Value::Bytes(bytes)) => {
            hash.update(&[3]);
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
}

/// Reads a whole file and hashes what is in it; compares that with what its footer says.
pub(super) fn check(path: &Path) -> Result<Sums, ParquetError> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let notes = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let noted = |key: &str| notes.iter().find(|note| note.key == key).and_then(|note| note.value.clone()).unwrap_or_default();
    let mut hashes: Vec<Xxh3> = COLUMNS.iter().map(|_| Xxh3::new()).collect();
    let mut rows = 0;
    for at in 0..reader.num_row_groups() {
        let group = reader.get_row_group(at)?;
        rows += u64::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (column, sum) in hashes.iter_mut().enumerate() {
            values(&*group, column, |value| hash(sum, value))?;
        }
    }
    let sums = Sums { rows, columns: hashes.iter().map(Xxh3::digest128).collect() };
    let differs = |what: &str, found: String| {
        let wanted = noted(what);
        if wanted == found { Ok(()) } else { Err(ParquetError::General(format!("{what} is {found}, and its footer says \"{wanted}\""))) }
    };
    differs("godwit.rows", rows.to_string())?;
    for (column, sum) in COLUMNS.iter().zip(&sums.columns) {
        differs(&format!("godwit.xxh3.{}", column.name), format!("{sum:032x}"))?;
    }
    Ok(sums)
}

/// Hands out the values of a column of a row group, in order.
fn values(group: &dyn RowGroupReader, at: usize, mut take: impl FnMut(Option<&Value<'_>>)) -> Result<(), ParquetError> {
    let (column, schema) = (&COLUMNS[at], group.metadata().schema_descr());
    if at >= schema.num_columns() || schema.column(at).name() != column.name {
        return Err(ParquetError::General(format!("column {} is missing", column.name)));
    }
    macro_rules! read {
        ($reader:expr, $value:expr) => {{
            let mut reader = $reader;
            loop {
                let (mut levels, mut values) = (Vec::with_capacity(PART), Vec::with_capacity(PART));
                let (rows, ..) = reader.read_records(PART, (!column.required).then_some(&mut levels), None, &mut values)?;
                if rows == 0 {
                    return Ok(());
                }
                let mut values = values.iter();
                for row in 0..rows {
                    let present = column.required || levels.get(row).copied() == Some(1);
                    let value = if present { values.next().map($value) } else { None };
                    take(value.as_ref());
                }
            }
        }};
    }
    match group.get_column_reader(at)? {
        ColumnReader::Int64ColumnReader(reader) => read!(reader, |number: &i64| Value::Whole(*number)),
        ColumnReader::DoubleColumnReader(reader) => read!(reader, |number: &f64| Value::Number(*number)),
        ColumnReader::ByteArrayColumnReader(reader) => read!(reader, |bytes: &ByteArray| Value::Bytes(Cow::Owned(bytes.data().to_vec()))),
        _ => Err(ParquetError::General(format!("column {} is of another type", column.name))),
    }
}

/// What restoring needs of a row: id, verdict, line.
pub(super) type Line = (i64, String, Vec<u8>);

/// Reads the rows of one row group after the other; `take` gets each group's.
pub(super) fn lines(path: &Path, mut take: impl FnMut(Vec<Line>) -> bool) -> Result<(), ParquetError> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let place = |name: &str| COLUMNS.iter().position(|column| column.name == name).unwrap_or(0);
    for at in 0..reader.num_row_groups() {
        let group = reader.get_row_group(at)?;
        let (mut ids, mut verdicts, mut raws) = (Vec::new(), Vec::new(), Vec::new());
        values(&*group, place("id"), |value| {
            if let Some(Value::Whole(id)) = value {
                ids.push(*id);
            }
        })?;
        let bytes = |name: &str, list: &mut Vec<Vec<u8>>| {
            values(&*group, place(name), |value| {
                if let Some(Value::Bytes(bytes)) = value {
                    list.push(bytes.to_vec());
                }
            })
        };
        bytes("verdict", &mut verdicts)?;
        bytes("raw", &mut raws)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let rows = ids.into_iter().zip(verdicts.into_iter().map(text)).zip(raws).map(|((id, verdict), raw)| (id, verdict, raw));
        if !take(rows.collect()) {
            break;
        }
    }
    Ok(())
}
