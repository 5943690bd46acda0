//! Bytes for what is kept packed: the latest state of an entity, and a weather report. Both are read again and again by
//! the ten thousand; taking them apart costs a tenth of parsing their raw lines.
//!
//! Lengths and whole numbers are varints (LEB128), the first seven bits first.

use std::sync::Arc;

use godwit_pipeline::{EntityKey, EntityKind, EntityState, Fix, Name, fix_of};

/// The layout of a [`Fix`]. One of another version is read from its raw line again.
const FIX_VERSION: u8 = 2;

const ALIVE: u8 = 1;
const OWNED: u8 = 2;
const PLACED: u8 = 4;
/// The position came with another packet than the latest.
const PLACED_EARLIER: u8 = 8;

const RADIO: u8 = 16;
const WEATHER: u8 = 32;
const DIRECT: u8 = 64;

/// The state as it is kept.
pub(crate) fn pack(state: &EntityState) -> Vec<u8> {
    let earlier = state.position.as_ref().filter(|(.., raw)| raw[..] != state.raw[..]);
    let mut out = Vec::with_capacity(96 + state.raw.len() + earlier.map_or(0, |(.., raw)| raw.len()));
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    out.push(
        flag(state.alive, ALIVE)
            | flag(state.owner.is_some(), OWNED)
            | flag(state.position.is_some(), PLACED)
            | flag(earlier.is_some(), PLACED_EARLIER),
    );
    out.push(state.key.kind as u8);
    put_bytes(&mut out, state.key.name.as_bytes());
    if let Some(owner) = &state.owner {
        put_bytes(&mut out, owner.as_bytes());
    }
    out.extend(state.first_heard_us.to_le_bytes());
    out.extend(state.last_heard_us.to_le_bytes());
    put_bytes(&mut out, &state.raw);
    if let Some((at_us, fix, _)) = &state.position {
        out.extend(at_us.to_le_bytes());
        if let Some((.., raw)) = earlier {
            put_bytes(&mut out, raw);
        }
        pack_fix(&mut out, fix);
    }
    out
}

/// Takes the next state off the front; `None` if the bytes are not ours.
pub(crate) fn unpack(bytes: &mut &[u8]) -> Option<EntityState> {
    let flags = take_u8(bytes)?;
    let kind = EntityKind::from_number(take_u8(bytes)?)?;
    let key = EntityKey { kind, name: Name::new(take_bytes(bytes)?)? };
    let owner = if flags & OWNED != 0 { Name::new(take_bytes(bytes)?) } else { None };
    let first_heard_us = i64::from_le_bytes(take(bytes)?);
    let last_heard_us = i64::from_le_bytes(take(bytes)?);
    let raw: Arc<[u8]> = take_bytes(bytes)?.into();
    let mut position = None;
    if flags & PLACED != 0 {
        let at_us = i64::from_le_bytes(take(bytes)?);
        let position_raw = if flags & PLACED_EARLIER != 0 { take_bytes(bytes)?.into() } else { raw.clone() };
        position = unpack_fix(bytes, &position_raw, &key)?.map(|fix| (at_us, fix, position_raw));
    }
    Some(EntityState { key, owner, alive: flags & ALIVE != 0, first_heard_us, last_heard_us, raw, position })
}

fn pack_fix(out: &mut Vec<u8>, fix: &Fix) {
    // Taken apart whole: a new field does not compile until it is kept, under a new version.
    let Fix { latitude, longitude, symbol_table, symbol_code, course_deg, speed_kmh, ambiguity, radio, direct, weather, range_km } = fix;
    let mut body = Vec::with_capacity(32);
    body.push(FIX_VERSION);
    body.extend(latitude.to_le_bytes());
    body.extend(longitude.to_le_bytes());
    body.extend([*symbol_table, *symbol_code]);
    body.extend(course_deg.unwrap_or(0).to_le_bytes());
    body.extend(speed_kmh.unwrap_or(f32::NAN).to_le_bytes());
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    body.push(ambiguity & 15 | flag(*radio, RADIO) | flag(*weather, WEATHER) | flag(*direct, DIRECT));
    body.extend(range_km.unwrap_or(f32::NAN).to_le_bytes());
    put_bytes(out, &body);
}

/// The outer `None`: the bytes end too soon. The inner: the raw line has no such position by this parser.
fn unpack_fix(bytes: &mut &[u8], raw: &[u8], key: &EntityKey) -> Option<Option<Fix>> {
    let body = &mut take_bytes(bytes)?;
    if take_u8(body)? != FIX_VERSION {
        return Some(fix_of(raw, key));
    }
    let latitude = f64::from_le_bytes(take(body)?);
    let longitude = f64::from_le_bytes(take(body)?);
    let [symbol_table, symbol_code] = take(body)?;
    let course = u16::from_le_bytes(take(body)?);
    let speed = f32::from_le_bytes(take(body)?);
    let bits = take_u8(body)?;
    let range = f32::from_le_bytes(take(body)?);
    Some(Some(Fix {
        latitude,
        longitude,
        symbol_table,
        symbol_code,
        course_deg: (course > 0).then_some(course),
        speed_kmh: (!speed.is_nan()).then_some(speed),
        ambiguity: bits & 15,
        radio: bits & RADIO != 0,
        direct: bits & DIRECT != 0,
        weather: bits & WEATHER != 0,
        range_km: (!range.is_nan()).then_some(range),
    }))
}

/// Values in hundredths: which there are as bits, then each.
pub(crate) fn pack_values(values: &[Option<f64>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    let present = values.iter().enumerate().filter(|(_, value)| value.is_some()).fold(0_u64, |bits, (at, _)| bits | 1 << at);
    put_varint(&mut out, present);
    for value in values.iter().flatten() {
        let hundredths = (value * 100.0).round() as i64;
        put_varint(&mut out, ((hundredths << 1) ^ (hundredths >> 63)) as u64);
    }
    out
}

/// The values again; what is not there, or there by a newer version alone, is absent.
pub(crate) fn unpack_values<const N: usize>(mut bytes: &[u8]) -> [Option<f64>; N] {
    let mut values = [None; N];
    let present = take_varint(&mut bytes).unwrap_or(0);
    for (_, value) in values.iter_mut().enumerate().filter(|(at, _)| present >> at & 1 == 1) {
        *value = take_varint(&mut bytes).map(|zigzag| ((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)) as f64 / 100.0);
    }
    values
}

/// A whole number, the first seven bits first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_u8(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// The next whole number off the front; `None` if there is none.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_u8(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(take_varint(bytes)?).ok()?;
    let (first, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(first)
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;
    use proptest::prelude::*;

    use super::*;

    fn state(lines: &[&str]) -> EntityState {
        let mut pipeline = Pipeline::default();
        let changes: Vec<_> = (1..).zip(lines).flat_map(|(at, line)| pipeline.accept(at * 1_000_000, line.as_bytes()).changes).collect();
        let mut state = EntityState::new(&changes[0]);
        changes
            .iter()
            .skip(1)
            .filter(|change| change.key == state.key)
            .cloned()
            .collect::<Vec<_>>()
            .iter()
            .for_each(|change| state.apply(change));
        state
    }

    #[test]
    fn a_state_comes_back_as_it_was_also_from_the_middle_of_many() {
        let states = [
            state(&["A1B-9>APRS,qAR,I:!4722.85N/00832.46E>147/064/A=001414"]),
            state(&["A1B-9>APRS,DIGI*,qAR,I:!47  .  S\\00832.46W_220/004g005t077", "A1B-9>APRS,qAR,I:>status"]),
            state(&["A1B>APRS:;CAMP 7   *231015z4722.85N/00832.46E;PHG5132"]),
            state(&["A1B>APRS:;CAMP 7   _231015z4722.85N/00832.46E;"]),
            state(&["A1B>APRS:>only heard"]),
        ];
        let packed: Vec<u8> = states.iter().flat_map(pack).collect();
        let mut bytes = &packed[..];
        for state in &states {
            assert_eq!(unpack(&mut bytes).as_ref(), Some(state));
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn a_fix_of_another_version_is_read_from_its_line() {
        let state = state(&["A1B-9>APRS,qAR,I:!4722.85N/00832.46E>147/064", "A1B-9>APRS,qAR,I:>status"]);
        let mut packed = pack(&state);
        let at = packed.len() - 30;
        assert_eq!((packed[at - 1], packed[at]), (30, FIX_VERSION));
        packed[at] = 77;
        packed[at + 1..].fill(0xff);
        assert_eq!(unpack(&mut &packed[..]), Some(state));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = unpack(&mut &bytes[..]);
            let _ = unpack_values::<17>(&bytes);
        }

        #[test]
        fn values_come_back(hundredths in proptest::collection::vec(proptest::option::of(-9_000_000_000_i64..9_000_000_000), 17)) {
            let values: Vec<Option<f64>> = hundredths.iter().map(|value| value.map(|value| value as f64 / 100.0)).collect();
            prop_assert_eq!(&unpack_values::<17>(&pack_values(&values))[..], &values[..]);
        }
    }
}
