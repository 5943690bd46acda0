//! The same bytes for the server and the page: `testdata/wire/NAME.json` says what a message holds, `NAME.bin` is the
//! message. This test writes it from the one and compares with the other; `front/tests/unit/wire.test.ts` reads it.
//! `make bless` renews the messages.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use godwit_live::{TileAddress, wire, wire::Row};
use godwit_pipeline::Name;
use serde_json::Value;

fn number<T: TryFrom<u64>>(value: &Value, field: &str) -> T {
    let number = value[field].as_u64().unwrap_or_else(|| panic!("{field} of {value}"));
    T::try_from(number).unwrap_or_else(|_| panic!("{field} of {value} is out of range"))
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|number| u32::try_from(number.as_u64().unwrap()).unwrap()).collect()
}

fn row(entity: &Value) -> Row {
    let byte = |field: &str| entity[field].as_str().unwrap().as_bytes()[0];
    Row {
        id: number(entity, "id"),
        x: number(entity, "x"),
        y: number(entity, "y"),
        heard_s: number(entity, "heard_s"),
        symbol_table: byte("symbol_table"),
        symbol_code: byte("symbol_code"),
        course: number(entity, "course"),
        flags: number(entity, "flags"),
        speed: number(entity, "speed"),
        range: number(entity, "range"),
        interval: number(entity, "interval"),
        name: Name::new(entity["name"].as_str().unwrap().as_bytes()).unwrap(),
    }
}

fn batch(frame: &Value) -> wire::Batch {
    let rows: Vec<Row> = frame["entities"].as_array().unwrap().iter().map(row).collect();
    wire::batch(number::<i64>(frame, "base_time_s") * 1_000_000, &rows, &numbers(&frame["removed"]))
}

fn frame(frame: &Value) -> bytes::Bytes {
    let tile = || {
        let [level, x, y] = numbers(&frame["tile"]).try_into().unwrap();
        TileAddress::new(u8::try_from(level).unwrap(), u16::try_from(x).unwrap(), u16::try_from(y).unwrap()).unwrap()
    };
    let time_us = || number::<i64>(frame, "server_time_ms") * 1000;
    match frame["kind"].as_str().unwrap() {
        "hello" => {
            let epoch = u64::from_str_radix(frame["epoch"].as_str().unwrap(), 16).unwrap();
            wire::hello(epoch, time_us(), number(frame, "tick_ms"), frame["version"].as_str().unwrap())
        }
        "snapshot" => wire::snapshot(tile(), number(frame, "seq"), &batch(frame)),
        "delta" => wire::delta(tile(), number(frame, "from_seq"), number(frame, "to_seq"), &batch(frame)),
        "density" => {
            let mut cells = vec![0; 64 * 64];
            for cell in frame["cells"].as_array().unwrap() {
                let [cell, entities] = numbers(cell).try_into().unwrap();
                cells[cell as usize] = entities;
            }
            wire::density(number(frame, "seq"), number::<i64>(frame, "base_time_s") * 1_000_000, 64, &cells)
        }
        "pulse" => wire::pulse(time_us(), number(frame, "viewers"), number(frame, "entities"), number(frame, "packets_per_minute")),
        "leave" => wire::leave(number(frame, "delay_ms")),
        other => panic!("kind {other}"),
    }
}

#[test]
fn messages_are_as_written_or_blessed() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire"));
    let mut compared = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let said: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut message = vec![wire::VERSION];
        said.as_array().unwrap().iter().for_each(|said| message.extend_from_slice(&frame(said)));
        let written = path.with_extension("bin");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&written, &message).unwrap();
        }
        assert_eq!(fs::read(&written).unwrap(), message, "{}: `make bless` renews it", path.display());
        compared += 1;
    }
    assert_eq!(compared, 3);
}
