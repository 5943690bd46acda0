#![no_main]
#[allow(dead_code, reason = "each target uses one of the functions")]
#[path = "../../crates/packet/tests/invariants/mod.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|data: ([i32; 6], u8, &str)| invariants::encoded(data.0, data.1, data.2));
