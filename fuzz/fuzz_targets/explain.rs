#![no_main]
#[allow(dead_code, reason = "each target uses one of the functions")]
#[path = "../../crates/packet/tests/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: &[u8]| invariants::explained(data));
