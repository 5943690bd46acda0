//! Properties that hold for any input, tried with random bytes and with damaged good packets.

mod invariants;

use proptest::prelude::*;

/// One line of every kind, all made up.
const SEEDS: &str = include_str!("../../../fuzz/seeds/packets.txt");

fn seed() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = SEEDS.lines().map(|line| line.as_bytes().to_vec()).collect();
    prop::sample::select(lines)
}

proptest! {
    #[test]
    fn any_bytes(line in prop::collection::vec(any::<u8>(), 0..600)) {
        invariants::parsed(&line);
        invariants::explained(&line);
    }

    #[test]
    fn any_information_field(info in prop::collection::vec(any::<u8>(), 0..120)) {
        let line = [b"OE9XXX-9>TW2RX5,qAR,OE9XYZ:".as_slice(), &info].concat();
        invariants::parsed(&line);
        invariants::explained(&line);
    }

    #[test]
    fn good_packets_with_bytes_changed(mut line in seed(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        invariants::parsed(&line);
        invariants::explained(&line);
    }

    #[test]
    fn any_path(text in "[A-Zq0-9,*-]{0,60}") {
        invariants::path(text.as_bytes());
    }

    #[test]
    fn what_is_encoded_comes_back(numbers: [i32; 6], flags: u8, comment in "\\PC{0,60}") {
        invariants::encoded(numbers, flags, &comment);
    }
}

#[test]
fn every_seed_is_a_packet_and_so_is_each_of_its_beginnings_safe() {
    for line in SEEDS.lines().map(str::as_bytes) {
        assert!(godwit_packet::parse(line).is_ok(), "{}", line.escape_ascii());
        for end in 0..=line.len() {
            invariants::parsed(&line[..end]);
            invariants::explained(&line[..end]);
        }
    }
}

#[test]
fn the_seeds_hold_every_kind() {
    let kinds: std::collections::BTreeSet<_> =
        SEEDS.lines().filter_map(|line| godwit_packet::parse(line.as_bytes()).ok()).map(|packet| packet.kind).collect();
    let missing: Vec<_> = godwit_packet::Kind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// No null but the two that the documentation names.
#[cfg(feature = "serde")]
fn no_nulls(value: &serde_json::Value, name: &str) {
    match value {
        serde_json::Value::Null => assert!(matches!(name, "values" | "directivity_deg"), "{name} is null"),
        serde_json::Value::Array(list) => list.iter().for_each(|value| no_nulls(value, name)),
        serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| no_nulls(value, name)),
        _ => {}
    }
}

#[cfg(feature = "serde")]
proptest! {
    #[test]
    fn absent_means_absent(mut line in seed(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let json = serde_json::to_value(godwit_packet::json(&line)).expect("an object");
        no_nulls(&json, "");
        prop_assert!(json.get("raw").is_some() && json.get("error").is_some() != json.get("path").is_some());
    }
}
